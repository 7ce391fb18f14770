import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Commands, RedisFailure, type Reply } from './commands.ts';
import { type Answer, FakeRedis } from './fake-redis.suite.ts';

/** Longer than the wait that a first failure brings. */
const afterBackOff = 60;

/** Commands to a server that gives these answers. */
async function served(t: TestContext, answer: Answer, { maxPending = 10 } = {}) {
  let refs = 0;
  const fake = await FakeRedis.start(t, answer);
  const commands = new Commands({
    url: fake.url,
    timeoutMs: 300,
    maxPending,
    ref: () => {
      refs += 1;
      return { [Symbol.dispose]: () => void (refs -= 1) };
    },
  });
  t.after(() => commands[Symbol.dispose]());
  return { commands, fake, refs: () => refs };
}

const ref = (): Disposable => ({ [Symbol.dispose]: () => undefined });
const pong: Answer = (_words, socket) => void socket.write('+PONG\r\n');

const isFailure =
  (message: RegExp, refused = false) =>
  (error: unknown): boolean =>
    error instanceof RedisFailure && message.test(error.message) && error.refused === refused;

suite('the connection for commands', () => {
  test('is made by the first one, and holds its thread while it is open', async (t) => {
    const { commands, fake, refs } = await served(t, pong);
    assert.deepEqual([fake.sockets.length, refs()], [0, 0]);
    await commands.send(['PING']);
    await commands.send(['PING']);
    assert.deepEqual([fake.sockets.length, refs()], [1, 1]);
    commands[Symbol.dispose]();
    assert.equal(refs(), 0);
    await assert.rejects(commands.send(['PING']), isFailure(/the plugin has ended/));
  });

  test('gives numbers as text and text as bytes', async (t) => {
    const { commands } = await served(t, (_words, socket) =>
      socket.write(':9223372036854775807\r\n$2\r\n\xff\0\r\n$-1\r\n', 'latin1'),
    );
    const replies = await commands.send(['A'], ['B'], ['C']);
    assert.deepEqual(replies, ['9223372036854775807', Buffer.of(0xff, 0), null]);
  });

  test('tells a fault of the request from one of Redis', async (t) => {
    let answer = '-WRONGTYPE Operation against a key\r\n';
    const { commands } = await served(t, (_words, socket) => socket.write(answer));
    await assert.rejects(commands.send(['GET', 'a']), isFailure(/WRONGTYPE/, true));
    answer = '-OOM command not allowed\r\n';
    await assert.rejects(commands.send(['GET', 'a']), isFailure(/OOM/));
  });

  test('is given up when it does not answer in time, and a later command makes it anew', async (t) => {
    const { commands, fake, refs } = await served(t, () => undefined);
    await assert.rejects(commands.send(['PING']), isFailure(/no answer within 300 ms/));
    assert.equal(refs(), 0);
    fake.answer = pong;
    await delay(afterBackOff);
    await commands.send(['PING']);
    assert.equal(fake.sockets.length, 2);
  });

  test('that breaks fails what is under way, and a later command makes it anew', async (t) => {
    const { commands, fake, refs } = await served(t, (_words, socket) => void socket.destroy());
    await assert.rejects(commands.send(['PING']), isFailure(/closed|ECONNRESET/));
    assert.equal(refs(), 0);
    fake.answer = pong;
    await delay(afterBackOff);
    await commands.send(['PING']);
    assert.equal(fake.sockets.length, 2);
  });

  test('is not made more and more often when it always breaks', async (t) => {
    const { commands, fake } = await served(t, (_words, socket) => void socket.destroy());
    const replies: Promise<readonly Reply[]>[] = [];
    for (let turn = 0; turn < 200; turn++) {
      const reply = commands.send(['PING']);
      reply.catch(() => undefined);
      replies.push(reply);
      await delay(2);
    }
    const results = await Promise.allSettled(replies);
    assert.ok(results.every(({ status }) => status === 'rejected'));
    assert.ok(fake.sockets.length <= 10, `${fake.sockets.length} connections`);
  });

  test('takes so many commands at a time', async (t) => {
    const { commands } = await served(t, () => undefined, { maxPending: 2 });
    const under = [commands.send(['A']), commands.send(['B'])];
    await assert.rejects(commands.send(['C']), isFailure(/more than 2 commands at a time/, true));
    for (const one of under) await assert.rejects(one, RedisFailure);
  });

  test('is not tried again at once when it could not be made', async () => {
    const url = new URL('redis://127.0.0.1:1');
    using commands = new Commands({ url, timeoutMs: 5000, maxPending: 10, ref });
    await assert.rejects(commands.send(['PING']), isFailure(/ECONNREFUSED/));
    await assert.rejects(commands.send(['PING']), isFailure(/not reachable a moment ago/));
  });

  test('ends with garbage', async (t) => {
    const { commands, fake } = await served(t, (_words, socket) => void socket.write('HTTP/1.1 400\r\n\r\n'));
    await assert.rejects(commands.send(['PING']), isFailure(/./));
    while (fake.open > 0) await delay(5);
  });
});
