/** How WebSocket connections end, from both sides, and what the plugin may do with them. */
import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { patiently } from '../support/patiently.ts';
import type { PulpProcess } from '../support/pulp-process.ts';
import { RawConnection, rawRequest } from '../support/raw-http.ts';
import { closeFrame, closeOf, handshake, RawWebSocket } from '../support/raw-websocket.ts';
import { suiteScope } from '../support/scope.ts';
import {
  command,
  open,
  opened,
  returned,
  seenClose,
  startWsGuest,
  tell,
  wsClose,
  wsGuest,
  wsSend,
} from '../support/ws-guest.ts';

suite('how connections end', { concurrency: 4 }, () => {
  const scope = suiteScope();
  let pulp: PulpProcess;

  before(async () => {
    pulp = await startWsGuest(scope);
  });

  test('the client closes: the plugin is told its code and reason', async (t) => {
    const { client, id } = await open(t, pulp, 'clean');
    client.send(closeFrame(4321, 'because'));
    assert.deepEqual(await client.close(), { code: 4321, reason: 'because' });
    client.finish();
    await seenClose(pulp, { id, code: 4321, reason: 'because' });
  });

  test('the client closes without a code: 1005', async (t) => {
    const { client, id } = await open(t, pulp, 'empty');
    client.frame({ opcode: 8 });
    await client.close();
    await client.closed;
    await seenClose(pulp, { id, code: 1005, reason: '' });
  });

  test('the client is gone without a word, by a reset or by an end: 1006', async (t) => {
    const reset = await open(t, pulp, 'reset');
    reset.client.drop();
    await seenClose(pulp, { id: reset.id, code: 1006, reason: '' });
    const ended = await open(t, pulp, 'ended');
    ended.client.finish();
    await seenClose(pulp, { id: ended.id, code: 1006, reason: '' });
  });

  test('the client is gone in the middle of a message: 1006, and no message', async (t) => {
    const { client, id } = await open(t, pulp, 'middle');
    client.frame({ opcode: 1, fin: false, payload: 'half' });
    client.send('\x80\xfe');
    client.drop();
    await seenClose(pulp, { id, code: 1006 });
  });

  for (const [name, code, send] of [
    ['breaks the protocol', 1002, { opcode: 3 }],
    ['sends what is not UTF-8', 1007, { opcode: 1, payload: '\xff' }],
    ['sends too much', 1009, { opcode: 2, claimed: 2n ** 40n }],
  ] as const) {
    test(`the client ${name}: the plugin is told ${code}, and nothing of what came behind`, async (t) => {
      const { client, id } = await open(t, pulp, `fault${code}`);
      client.frame(send);
      client.text('behind');
      assert.equal((await client.close()).code, code);
      client.finish();
      await seenClose(pulp, { id, code, reason: '' });
    });
  }

  test('the plugin closes: the client gets code and reason, the plugin the answer of the client', async (t) => {
    const { client, id } = await open(t, pulp, 'plugin');
    client.frame({ opcode: 2, payload: command.close(wsClose(id, 4001, 'enough')) });
    assert.deepEqual(await client.close(), { code: 4001, reason: 'enough' });
    client.send(closeFrame(4002, 'fine'));
    await client.closed;
    await seenClose(pulp, { id, code: 4002, reason: 'fine' });
  });

  test('the plugin closes with code 0: the client gets 1000', async (t) => {
    const { client, id } = await open(t, pulp, 'zero');
    client.frame({ opcode: 2, payload: command.close(wsClose(id, 0)) });
    assert.deepEqual(await client.close(), { code: 1000, reason: '' });
  });

  test('the plugin closes and the client sends on: its messages arrive until it closes, too', async (t) => {
    const { client, id } = await open(t, pulp, 'on');
    const control = await open(t, pulp, 'control');
    client.frame({ opcode: 2, payload: command.close(wsClose(id, 4003)) });
    assert.equal((await client.close()).code, 4003);
    client.frame({ opcode: 2, payload: command.send(wsSend(control.id, 1, 'still heard')) });
    assert.equal(await control.client.message(), 'still heard');
    client.send(closeFrame(4003));
    await seenClose(pulp, { id, code: 4003 });
  });

  test('the plugin closes and the client never answers: the socket is dropped after 5 s, 1006', async (t) => {
    const { client, id } = await open(t, pulp, 'mute');
    const begun = performance.now();
    client.frame({ opcode: 2, payload: command.close(wsClose(id, 4004)) });
    assert.equal((await client.close()).code, 4004);
    await patiently(client.closed, () => 'it was not dropped');
    assert.ok(performance.now() - begun > 4500, 'it was dropped too early');
    await seenClose(pulp, { id, code: 1006, reason: '' });
  });

  test('both close at once: each gets the code of the other', async (t) => {
    const { client, id } = await open(t, pulp, 'both');
    const control = await open(t, pulp, 'closer');
    client.frame({ opcode: 2, payload: command.busy() });
    control.client.frame({ opcode: 2, payload: command.close(wsClose(id, 4005)) });
    client.send(closeFrame(4006));
    await seenClose(pulp, { id, code: 4006 });
  });

  test('a client that leaves before the plugin has seen it: the plugin sees both ends', async (t) => {
    const control = await open(t, pulp, 'before');
    control.client.frame({ opcode: 2, payload: command.busy() });
    const client = await RawWebSocket.open(t, pulp.port, { path: '/ws?early' });
    client.drop();
    const { id } = await opened(pulp, 'early');
    await seenClose(pulp, { id, code: 1006 });
  });
});

suite('what the plugin may do', { concurrency: 1 }, () => {
  const scope = suiteScope();
  let pulp: PulpProcess;

  before(async () => {
    pulp = await startWsGuest(scope);
  });

  test('it sends text and binary to any of its connections', async (t) => {
    const [one, two] = [await open(t, pulp, 'one'), await open(t, pulp, 'two')];
    await tell(one.client, command.send(wsSend(two.id, 1, 'hello')));
    assert.deepEqual(await two.client.next(), { fin: true, opcode: 1, payload: Buffer.from('hello') });
    await tell(one.client, command.send(wsSend(two.id, 2, '')));
    assert.deepEqual(await two.client.next(), { fin: true, opcode: 2, payload: Buffer.alloc(0) });
    assert.deepEqual(await returned(pulp), [0, 0]);
  });

  test('text that is not UTF-8 goes out as it is', async (t) => {
    const { client, id } = await open(t, pulp, 'bytes');
    await tell(client, command.send(wsSend(id, 1, '\xff\xfe'))).catch(() => undefined);
    assert.deepEqual(await returned(pulp), [0]);
  });

  test('large messages go out whole, between small ones and in their order', async (t) => {
    const { client, id } = await open(t, pulp, 'large');
    const sizes = [1, 40_000, 2, 900_000, 3, 32_768, 32_769, 5];
    for (const size of sizes) {
      client.frame({ opcode: 2, payload: command.send(wsSend(id, 2, Buffer.alloc(size, size & 0xff))) });
    }
    for (const size of sizes) {
      const message = await client.message();
      assert.equal(message.length, size);
      assert.equal(message, String.fromCharCode(size & 0xff).repeat(size));
    }
    assert.deepEqual(
      await returned(pulp),
      sizes.map(() => 0),
    );
  });

  test('code 4: unknown connections, other opcodes, close codes that may not be sent, long reasons', async (t) => {
    const { client, id } = await open(t, pulp, 'refused');
    const gone = await open(t, pulp, 'gone');
    gone.client.drop();
    await seenClose(pulp, { id: gone.id });
    for (const bytes of [
      wsSend(0, 1, 'x'),
      wsSend(id + 1000, 1, 'x'),
      wsSend(gone.id, 1, 'x'),
      wsSend(id, 0, 'x'),
      wsSend(id, 8, 'x'),
      wsSend(id, 9, 'x'),
    ]) {
      await tell(client, command.send(bytes));
    }
    for (const code of [1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000]) {
      await tell(client, command.close(wsClose(id, code)));
    }
    await tell(client, command.close(wsClose(id, 1000, 'x'.repeat(124))));
    await tell(client, command.close(wsClose(gone.id, 1000)));
    assert.deepEqual(
      await returned(pulp),
      Array.from({ length: 17 }, () => 4),
    );
  });

  test('code 3: what cannot be decoded', async (t) => {
    const { client } = await open(t, pulp, 'garbage');
    await tell(client, command.send(Buffer.from([0xc1])));
    await tell(client, command.close(Buffer.from([0xc1])));
    assert.deepEqual(await returned(pulp), [3, 3]);
  });

  test('code 1: nothing', async (t) => {
    const { client } = await open(t, pulp, 'nothing');
    await tell(client, command.send(Buffer.alloc(0)));
    await tell(client, command.close(Buffer.alloc(0)));
    await tell(client, command.register(''));
    assert.deepEqual(await returned(pulp), [1, 1, 1]);
  });

  test('a connection that the plugin has closed takes messages, code 0, and drops them', async (t) => {
    const { client, id } = await open(t, pulp, 'closed');
    const control = await open(t, pulp, 'closes');
    await tell(control.client, command.close(wsClose(id, 4000)));
    await tell(control.client, command.send(wsSend(id, 1, 'too late')));
    await tell(control.client, command.close(wsClose(id, 4001)));
    assert.deepEqual(await returned(pulp), [0, 0, 0]);
    const first = await client.next();
    assert.ok(first !== undefined);
    assert.equal(closeOf(first).code, 4000);
  });

  test('it registers paths at any time, and the same again', async (t) => {
    const { client } = await open(t, pulp, 'registers');
    const upgrade = async (): Promise<number> => {
      const connection = await RawConnection.open(t, pulp.port);
      connection.send(handshake('/later'));
      return (await connection.response()).status;
    };
    assert.equal(await upgrade(), 404);
    await tell(client, command.register('/later'));
    await tell(client, command.register('/later'));
    assert.equal(await upgrade(), 101);
    await tell(client, command.register('later'));
    await tell(client, command.register(`/${'x'.repeat(4096)}`));
    assert.deepEqual(await returned(pulp), [0, 0, 4, 4]);
    const registered = pulp.lines.filter(
      ({ msg, path }) => msg === 'ws route registered' && path === '/later',
    );
    assert.equal(registered.length, 1);
  });
});

test('a plugin has at most 1,000 paths', async (t) => {
  const paths = Array.from({ length: 1012 }, (_, index) => `/${index}`);
  const pulp = await startWsGuest(t, wsGuest(paths));
  await pulp.line('ws route registered', { path: '/999' });
  const refused = pulp.lines.filter(({ msg }) => msg === 'ws route refused');
  // The first ten are said.
  assert.equal(refused.length, 10);
  assert.equal(refused[0]?.['path'], '/1000');
  await RawWebSocket.open(t, pulp.port, { path: '/999' });
  assert.equal((await rawRequest(t, pulp.port, { head: ['GET /1000 HTTP/1.1', 'Host: test'] })).status, 404);
});
