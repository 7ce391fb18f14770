/** WebSocket connections over TLS, beside HTTP/2 on the same port. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { before, suite, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { WebSocket } from 'ws';
import { httpsFlags } from '../support/https-certificates.ts';
import { handshake } from '../support/raw-websocket.ts';
import { patiently } from '../support/patiently.ts';
import type { PulpProcess } from '../support/pulp-process.ts';
import { suiteScope } from '../support/scope.ts';
import { command, seenClose, startWsGuest, wsGuest } from '../support/ws-guest.ts';

/** Waits for the next of something that a client says. */
function next(client: WebSocket, event: string): Promise<unknown[]> {
  return patiently(once(client, event), () => `no ${event} came`);
}

suite('over TLS', () => {
  const scope = suiteScope();
  let pulp: PulpProcess;

  before(async () => {
    pulp = await startWsGuest(scope, wsGuest(['/ws']), { args: httpsFlags() });
  });

  async function connect(path = '/ws'): Promise<WebSocket> {
    const client = new WebSocket(`wss://127.0.0.1:${pulp.port}${path}`, { rejectUnauthorized: false });
    scope.after(() => client.terminate());
    await next(client, 'open');
    return client;
  }

  test('messages of every size come back as they were, and a close has its code', async () => {
    const client = await connect();
    for (const size of [0, 1, 125, 126, 20_000, 65_536, 1_000_000]) {
      client.send('x'.repeat(size));
      assert.equal(String((await next(client, 'message'))[0]), 'x'.repeat(size));
    }
    client.close(4321, 'over');
    assert.deepEqual((await next(client, 'close'))[0], 4321);
    await seenClose(pulp, { code: 4321, reason: 'over' });
  });

  test('a client that does not read is closed with 1013', async () => {
    const client = await connect();
    client.pause();
    client.send(command.repeat(2000, 50_000));
    await pulp.line('websocket clients too slow', { count: '1' });
    client.resume();
    assert.equal((await next(client, 'close'))[0], 1013);
  });

  test('a client that ends its side without a word is gone: 1006', async () => {
    const client = tlsConnect({ port: pulp.port, host: '127.0.0.1', rejectUnauthorized: false });
    scope.after(() => client.destroy());
    await patiently(once(client, 'secureConnect'), () => 'no TLS');
    client.write(handshake('/ws'));
    const [head] = (await patiently(once(client, 'data'), () => 'no answer')) as [Buffer];
    assert.match(head.toString(), /^HTTP\/1\.1 101 /);
    client.end();
    await patiently(once(client, 'close'), () => 'its connection stays');
    await seenClose(pulp, { code: 1006, reason: '' });
  });

  test('a request on HTTP/2 is 426', async () => {
    const session = connectHttp2(`https://127.0.0.1:${pulp.port}`, { rejectUnauthorized: false });
    scope.after(() => session.destroy());
    const stream = session.request({ ':path': '/ws' }, { endStream: true });
    const [headers] = (await patiently(once(stream, 'response'), () => 'no answer')) as [
      Record<string, unknown>,
    ];
    assert.equal(headers[':status'], 426);
  });
});
