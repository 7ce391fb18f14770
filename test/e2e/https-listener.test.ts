import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { suite, test, type TestContext } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { Budget } from '../../runtime/src/edge/budget.ts';
import { HttpListener, type ListenerOptions } from '../../runtime/src/edge/listener.ts';
import { reply } from '../../runtime/src/edge/reply.ts';
import { readCertificateFile } from '../support/https-certificates.ts';
import { answerOf, Http2Client } from '../support/http2-client.ts';
import { patiently } from '../support/patiently.ts';

const ca = await readCertificateFile('first.crt');
const keyPair = { cert: Buffer.from(ca), key: Buffer.from(await readCertificateFile('first.key')) };

interface Listening {
  readonly listener: HttpListener;
  readonly port: number;
}

/** A listener with a WebSocket that says everything twice on `/ws`, and a line of text elsewhere; `/half` has no end. */
async function listening(t: TestContext, options: Partial<ListenerOptions> = {}): Promise<Listening> {
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  const listener = new HttpListener({
    maxBodyBytes: 1000,
    maxConnections: 100,
    headerTimeoutMs: 5000,
    bodyTimeoutMs: 5000,
    writeTimeoutMs: 5000,
    requestTimeoutMs: 5000,
    budget: new Budget(1_000_000),
    keyPair,
    log,
    ...options,
  });
  const sockets = new WebSocketServer({ noServer: true });
  listener.upgrade({
    claims: ({ url }) => url === '/ws',
    take: (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (ws) => {
        ws.on('message', (data: Buffer) => ws.send(`${data.toString()} ${data.toString()}`));
      }),
  });
  listener.on('route', ({ path, response }) => {
    if (path !== '/half') return false;
    response.writeHead(200, []);
    response.write('a part');
    return true;
  });
  listener.on('fallback', ({ response, proto, remoteAddr }) => {
    reply(response, 200, `${proto} ${remoteAddr}`);
    return true;
  });
  t.after(() => listener.close({ graceMs: 0, answersMs: 0 }));
  const { port } = await listener.listen(0, '127.0.0.1');
  return { listener, port };
}

function ignore(): void {
  // Nothing is logged.
}

suite('the listener with TLS', () => {
  test('takes upgrades over HTTP/1.1, and requests beside them', async (t) => {
    const { port } = await listening(t);
    const ws = new WebSocket(`wss://localhost:${port}/ws`, { ca });
    t.after(() => ws.terminate());
    await once(ws, 'open');
    ws.send('hi');
    const [message] = (await once(ws, 'message')) as [Buffer];
    assert.equal(message.toString(), 'hi hi');
    const client = await Http2Client.open(t, port);
    assert.match((await client.request('/ws')).body.toString(), /^HTTP\/2\.0 127\.0\.0\.1:\d+\n$/);
    const refused = new WebSocket(`wss://localhost:${port}/elsewhere`, { ca });
    const [error] = (await once(refused, 'error')) as [Error];
    assert.match(error.message, /200/);
  });

  test('closes connections that were upgraded with the others', async (t) => {
    const { listener, port } = await listening(t);
    const ws = new WebSocket(`wss://localhost:${port}/ws`, { ca });
    await once(ws, 'open');
    const closed = once(ws, 'close');
    const client = await Http2Client.open(t, port);
    const handshake = connect({ port, host: '127.0.0.1', ca });
    t.after(() => handshake.destroy());
    await once(handshake, 'secureConnect');
    assert.equal(await listener.close({ graceMs: 50, answersMs: 50 }), true);
    await patiently(Promise.all([closed, client.closed]), () => 'still connected');
  });

  test('an answer that is cut off in the middle does not look whole', async (t) => {
    const { listener, port } = await listening(t);
    const client = await Http2Client.open(t, port);
    const stream = client.session.request({ ':path': '/half' });
    const answer = answerOf(stream);
    await once(stream, 'data');
    assert.equal(await listener.close({ graceMs: 0, answersMs: 0 }), false);
    const { status, code } = await answer;
    assert.deepEqual([status, code === 0], [200, false]);
  });

  test('uses another pair from the next connection on, and keeps it when that is none', async (t) => {
    const { listener, port } = await listening(t);
    const shown = async (): Promise<unknown> => {
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const { subject } = socket.getPeerCertificate();
      socket.destroy();
      return subject.CN;
    };
    assert.equal(await shown(), 'first');
    const cert = Buffer.from(await readCertificateFile('second.crt'));
    assert.throws(() => listener.setKeyPair({ cert: Buffer.from('none'), key: keyPair.key }));
    assert.equal(await shown(), 'first');
    listener.setKeyPair({ cert, key: Buffer.from(await readCertificateFile('second.key')) });
    assert.equal(await shown(), 'second');
    const old = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.1' });
    await assert.rejects(once(old, 'secureConnect'));
  });

  test('a listener that never listened closes, too', async () => {
    const listener = new HttpListener({
      maxBodyBytes: 1,
      maxConnections: 1,
      headerTimeoutMs: 1,
      bodyTimeoutMs: 1,
      writeTimeoutMs: 1,
      requestTimeoutMs: 1,
      budget: new Budget(1),
      keyPair,
      log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    });
    assert.equal(await listener.close({ graceMs: 0, answersMs: 0 }), true);
  });
});
