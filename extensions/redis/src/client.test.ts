import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { backoff, Commands, RedisFailure } from './client.ts';

/** A server that answers each command with the next of these, and the client's connection to it. */
async function served(t: TestContext, answer: (socket: Socket) => void, given: { maxPending?: number } = {}) {
  let connections = 0;
  let refs = 0;
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    connections += 1;
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => answer(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const commands = new Commands({
    url: new URL(`redis://127.0.0.1:${(server.address() as AddressInfo).port}`),
    timeoutMs: 300,
    maxPending: given.maxPending ?? 10,
    ref: () => {
      refs += 1;
      return { [Symbol.dispose]: () => void (refs -= 1) };
    },
  });
  t.after(async () => {
    await commands[Symbol.asyncDispose]();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { commands, sockets, connections: () => connections, refs: () => refs };
}

const isFailure =
  (message: RegExp, refused = false) =>
  (error: unknown): boolean =>
    error instanceof RedisFailure && message.test(error.message) && error.refused === refused;

suite('the connection for commands', () => {
  test('is made by the first one, and holds its thread while it is open', async (t) => {
    const { commands, connections, refs } = await served(t, (socket) => socket.write('+PONG\r\n'));
    assert.deepEqual([connections(), refs()], [0, 0]);
    await commands.send(['PING']);
    await commands.send(['PING']);
    assert.deepEqual([connections(), refs()], [1, 1]);
    await commands[Symbol.asyncDispose]();
    assert.equal(refs(), 0);
    await assert.rejects(commands.send(['PING']), isFailure(/the plugin has ended/));
  });

  test('gives numbers as text and text as bytes', async (t) => {
    const { commands } = await served(t, (socket) =>
      socket.write(':9223372036854775807\r\n$2\r\n\xff\0\r\n$-1\r\n', 'latin1'),
    );
    const replies = await commands.send(['A'], ['B'], ['C']);
    assert.deepEqual(replies, ['9223372036854775807', Buffer.of(0xff, 0), null]);
  });

  test('tells a fault of the request from one of Redis', async (t) => {
    let answer = '-WRONGTYPE Operation against a key\r\n';
    const { commands } = await served(t, (socket) => socket.write(answer));
    await assert.rejects(commands.send(['GET', 'a']), isFailure(/WRONGTYPE/, true));
    answer = '-OOM command not allowed\r\n';
    await assert.rejects(commands.send(['GET', 'a']), isFailure(/OOM/));
  });

  test('is given up when it does not answer in time, and made anew by the next command', async (t) => {
    let silent = true;
    const { commands, connections, refs } = await served(t, (socket) => {
      if (!silent) socket.write('+PONG\r\n');
    });
    await assert.rejects(commands.send(['PING']), isFailure(/no answer within 300 ms/));
    assert.equal(refs(), 0);
    silent = false;
    await commands.send(['PING']);
    assert.equal(connections(), 2);
  });

  test('that breaks fails what is under way, and the next command connects again', async (t) => {
    const { commands, sockets, connections, refs } = await served(t, (socket) => socket.write('+PONG\r\n'));
    await commands.send(['PING']);
    sockets[0]?.destroy();
    await delay(50);
    assert.equal(refs(), 0);
    await commands.send(['PING']);
    assert.equal(connections(), 2);
  });

  test('takes so many commands at a time', async (t) => {
    const { commands } = await served(t, () => undefined, { maxPending: 2 });
    const under = [commands.send(['A']), commands.send(['B'])];
    await assert.rejects(commands.send(['C']), isFailure(/more than 2 commands at a time/, true));
    for (const one of under) await assert.rejects(one, RedisFailure);
  });

  test('is not tried again at once when it could not be made', async (t) => {
    const commands = new Commands({
      url: new URL('redis://127.0.0.1:1'),
      timeoutMs: 5000,
      maxPending: 10,
      ref: () => ({ [Symbol.dispose]: () => undefined }),
    });
    t.after(() => commands[Symbol.asyncDispose]());
    await assert.rejects(commands.send(['PING']), isFailure(/ECONNREFUSED/));
    await assert.rejects(commands.send(['PING']), isFailure(/not reachable a moment ago/));
  });

  test('waits longer between attempts, up to five seconds, and never quite the same time', () => {
    for (const [retries, least, most] of [
      [0, 25, 50],
      [3, 200, 400],
      [50, 2500, 5000],
    ] as const) {
      for (let turn = 0; turn < 20; turn++) {
        const ms = backoff(retries);
        assert.ok(ms >= least && ms <= most, `${retries}: ${ms}`);
      }
    }
  });
});
