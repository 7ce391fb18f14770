/** The life of WebSocket connections, from both sides: how they end, what the plugin may do, restarts, the end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { before, suite, test, type TestContext } from 'node:test';
import { WebSocket } from 'ws';
import type { PulpProcess } from '../support/pulp-process.ts';
import { RawConnection, rawRequest } from '../support/raw-http.ts';
import { closeFrame, closeOf, handshake, RawWebSocket } from '../support/raw-websocket.ts';
import { suiteScope } from '../support/scope.ts';
import {
  command,
  eventually,
  seen,
  seenClose,
  type SeenOpen,
  startWsGuest,
  wsClose,
  wsGuest,
  wsSend,
} from '../support/ws-guest.ts';

/** Opens a connection with a name, and finds out its id. */
async function open(
  t: TestContext,
  pulp: PulpProcess,
  name: string,
): Promise<{ client: RawWebSocket; id: number }> {
  const client = await RawWebSocket.open(t, pulp.port, { path: `/ws?${name}` });
  const { id } = await opened(pulp, name);
  return { client, id };
}

function opened(pulp: PulpProcess, name: string): Promise<SeenOpen> {
  return eventually(
    () =>
      seen(pulp)
        .filter((event) => event.kind === 'open')
        .find(({ query }) => name in query),
    () => `${name} was never opened:\n${pulp.dump()}`,
  );
}

/** What the imports returned that were called by command. */
async function codes(pulp: PulpProcess): Promise<readonly number[]> {
  return [...new Uint8Array(await (await fetch(`${pulp.url}/codes`)).arrayBuffer())];
}

/** Has the guest do something, and waits until it has. */
async function tell(client: RawWebSocket, message: Uint8Array): Promise<void> {
  client.frame({ opcode: 2, payload: message });
  client.text('done');
  for (;;) if ((await client.message()) === 'done') return;
}

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
    await client.closed;
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
    assert.deepEqual(await codes(pulp), [0, 0]);
  });

  test('text that is not UTF-8 goes out as it is', async (t) => {
    const { client, id } = await open(t, pulp, 'bytes');
    await tell(client, command.send(wsSend(id, 1, '\xff\xfe'))).catch(() => undefined);
    assert.deepEqual(await codes(pulp), [0]);
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
      await codes(pulp),
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
      await codes(pulp),
      Array.from({ length: 17 }, () => 4),
    );
  });

  test('code 3: what cannot be decoded', async (t) => {
    const { client } = await open(t, pulp, 'garbage');
    await tell(client, command.send(Buffer.from([0xc1])));
    await tell(client, command.close(Buffer.from([0xc1])));
    assert.deepEqual(await codes(pulp), [3, 3]);
  });

  test('code 1: nothing', async (t) => {
    const { client } = await open(t, pulp, 'nothing');
    await tell(client, command.send(Buffer.alloc(0)));
    await tell(client, command.close(Buffer.alloc(0)));
    await tell(client, command.register(''));
    assert.deepEqual(await codes(pulp), [1, 1, 1]);
  });

  test('a connection that the plugin has closed takes messages, code 0, and drops them', async (t) => {
    const { client, id } = await open(t, pulp, 'closed');
    const control = await open(t, pulp, 'closes');
    await tell(control.client, command.close(wsClose(id, 4000)));
    await tell(control.client, command.send(wsSend(id, 1, 'too late')));
    await tell(control.client, command.close(wsClose(id, 4001)));
    assert.deepEqual(await codes(pulp), [0, 0, 0]);
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
    assert.deepEqual(await codes(pulp), [0, 0, 4, 4]);
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

suite('silent clients', { concurrency: 2 }, () => {
  const options = 'ping_interval_ms = 200';

  test('they are pinged, and those that answer stay', async (t) => {
    const pulp = await startWsGuest(t, wsGuest(['/ws']), { options });
    const client = new WebSocket(`ws://127.0.0.1:${pulp.port}/ws`);
    t.after(() => client.terminate());
    for (let count = 0; count < 5; count++) await once(client, 'ping');
    assert.equal(client.readyState, WebSocket.OPEN);
    assert.ok(seen(pulp).every(({ kind }) => kind === 'open'));
  });

  test('those that do not answer are dropped: 1006', async (t) => {
    const pulp = await startWsGuest(t, wsGuest(['/ws']), { options });
    const client = await RawWebSocket.open(t, pulp.port);
    assert.equal((await client.next())?.opcode, 9);
    assert.equal(await client.next(), undefined);
    await seenClose(pulp, { code: 1006, reason: '' });
  });

  test('those that send are not pinged', async (t) => {
    const pulp = await startWsGuest(t, wsGuest(['/ws']), { options: 'ping_interval_ms = 2000' });
    const client = await RawWebSocket.open(t, pulp.port);
    for (let count = 0; count < 40; count++) {
      client.text('here');
      assert.equal((await client.next())?.opcode, 1);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
});

suite('a plugin that breaks', { concurrency: 2 }, () => {
  test('its connections get 1012; the new instance hears nothing of them and takes new ones', async (t) => {
    const pulp = await startWsGuest(t);
    const clients = [await open(t, pulp, 'a'), await open(t, pulp, 'b')];
    clients[0]?.client.frame({ opcode: 2, payload: command.trap() });
    for (const { client } of clients) {
      assert.deepEqual(await client.close(), { code: 1012, reason: '' });
      client.send(closeFrame(1012));
      await client.closed;
    }
    await pulp.line('plugin restarted');
    const again = await open(t, pulp, 'c');
    again.client.text('hello');
    assert.equal(await again.client.message(), 'hello');
    await tell(again.client, command.send(wsSend(clients[1]?.id ?? 0, 1, 'x')));
    assert.deepEqual(await codes(pulp), [4]);
    assert.deepEqual(
      seen(pulp).map(({ kind, id }) => [kind, id]),
      [...clients, again].map(({ id }) => ['open', id]),
    );
  });

  test('messages that waited for it are not given to the new instance', async (t) => {
    const pulp = await startWsGuest(t);
    const { client } = await open(t, pulp, 'a');
    const other = await open(t, pulp, 'b');
    client.frame({ opcode: 2, payload: command.busy() });
    client.frame({ opcode: 2, payload: command.trap() });
    for (let count = 0; count < 2000; count++) other.client.text('waits');
    await other.client.close();
    await pulp.line('plugin restarted');
    const again = await open(t, pulp, 'c');
    again.client.text('first');
    assert.equal(await again.client.message(), 'first');
    assert.deepEqual(
      seen(pulp).map(({ kind }) => kind),
      ['open', 'open', 'open'],
    );
  });

  test('a client that does not answer the 1012 is dropped', async (t) => {
    const pulp = await startWsGuest(t);
    const { client } = await open(t, pulp, 'a');
    client.frame({ opcode: 2, payload: command.trap() });
    assert.equal((await client.close()).code, 1012);
    await client.closed;
  });

  test('one that may not be started again: its connections get 1001, and the host ends', async (t) => {
    const pulp = await startWsGuest(t, wsGuest(['/ws']), { manifest: 'restart = "never"' });
    const { client } = await open(t, pulp, 'a');
    client.frame({ opcode: 2, payload: command.trap() });
    assert.equal((await client.close()).code, 1001);
    client.send(closeFrame(1001));
    assert.equal((await pulp.end()).code, 1);
  });
});

suite('the end of the host', { concurrency: 2 }, () => {
  test('clients get 1001, the plugin is told 1001 before its shutdown, exit code 0', async (t) => {
    const pulp = await startWsGuest(t);
    const clients = await Promise.all(['a', 'b', 'c'].map((name) => open(t, pulp, name)));
    const ended = pulp.stop();
    for (const { client } of clients) {
      assert.deepEqual(await client.close(), { code: 1001, reason: '' });
      client.send(closeFrame(1001));
      await client.closed;
    }
    assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
    for (const { id } of clients) await seenClose(pulp, { id, code: 1001, reason: '' });
    assert.equal(seen(pulp).length, 6);
    assert.equal(pulp.messages.at(-1), 'pulp exit clean');
  });

  test('with a step that runs and messages that wait: the plugin is told 1001 of those it knows', async (t) => {
    const pulp = await startWsGuest(t);
    const { client, id } = await open(t, pulp, 'known');
    client.frame({ opcode: 2, payload: command.busy() });
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (let count = 0; count < 100; count++) client.text('waits');
    const late = await RawWebSocket.open(t, pulp.port, { path: '/ws?unknown' });
    const gone = await RawWebSocket.open(t, pulp.port, { path: '/ws?gone' });
    gone.drop();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const ended = pulp.stop();
    assert.equal((await late.close()).code, 1001);
    assert.equal((await client.close()).code, 1001);
    for (const each of [late, client]) each.finish();
    assert.equal((await ended).code, 0, pulp.dump());
    assert.deepEqual(
      seen(pulp).map((event) => [event.kind, event.id, event.kind === 'close' ? event.code : 0]),
      [
        ['open', id, 0],
        ['close', id, 1001],
      ],
    );
  });

  test('a close that the plugin has not seen yet keeps its code and reason', async (t) => {
    const pulp = await startWsGuest(t);
    const [busy, leaving] = [await open(t, pulp, 'busy'), await open(t, pulp, 'leaving')];
    busy.client.frame({ opcode: 2, payload: command.busy() });
    await new Promise((resolve) => setTimeout(resolve, 100));
    leaving.client.send(closeFrame(4444, 'bye'));
    await leaving.client.close();
    leaving.client.finish();
    await leaving.client.closed;
    const ended = pulp.stop();
    await busy.client.close();
    busy.client.finish();
    assert.equal((await ended).code, 0);
    await seenClose(pulp, { id: leaving.id, code: 4444, reason: 'bye' });
    await seenClose(pulp, { id: busy.id, code: 1001 });
  });

  test('clients that answer nothing and read nothing do not hold it up', async (t) => {
    const pulp = await startWsGuest(t);
    const silent = await open(t, pulp, 'silent');
    const begun = performance.now();
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
    assert.ok(performance.now() - begun < 6000, 'it waited for a client');
    await seenClose(pulp, { id: silent.id, code: 1001 });
  });
});
