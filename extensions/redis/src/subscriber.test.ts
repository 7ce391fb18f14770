import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, bulk, FakeRedis, push } from './fake-redis.suite.ts';
import { Subscriber } from './subscriber.ts';

/** A server that confirms whatever is asked for. */
const confirms: Answer = (words, socket) => {
  for (const [at, word] of words.entries()) {
    if (word === 'subscribe' || word === 'unsubscribe') socket.write(push(word, words[at + 1] ?? ''));
    if (word === 'PING') socket.write(`*2\r\n${bulk('pong')}${bulk('')}`);
  }
};

async function subscribed(t: TestContext, answer: Answer, { pingMs = 10_000, timeoutMs = 300 } = {}) {
  const fake = await FakeRedis.start(t, answer);
  const heard: string[] = [];
  const subscriber = new Subscriber({
    url: fake.url,
    timeoutMs,
    pingMs,
    received: (channel, payload) => void heard.push(`${channel}=${payload.toString()}`),
    lost: (reason) => void heard.push(`lost: ${reason}`),
    restored: () => void heard.push('restored'),
  });
  t.after(() => subscriber.clear());
  return { fake, subscriber, heard };
}

suite('channels that are subscribed to', () => {
  test('share one connection, and their messages come', async (t) => {
    const { fake, subscriber, heard } = await subscribed(t, confirms);
    await Promise.all([subscriber.add('a'), subscriber.add('b'), subscriber.add('a')]);
    await subscriber.add('c');
    assert.equal(fake.sockets.length, 1);
    for (const channel of ['a', 'c', 'never']) fake.sockets[0]?.write(push('message', channel, bulk('x')));
    while (heard.length < 2) await delay(5);
    assert.deepEqual(heard, ['a=x', 'c=x']);
    subscriber.clear();
    while (fake.open > 0) await delay(5);
  });

  test('stay when they are given up and asked for again at once', async (t) => {
    const { fake, subscriber, heard } = await subscribed(t, confirms);
    await subscriber.add('a');
    for (let turn = 1; turn <= 3; turn++) {
      subscriber.delete('a');
      await subscriber.add('a');
      await delay(30);
      fake.sockets[0]?.write(push('message', 'a', bulk(String(turn))));
      await delay(30);
      assert.deepEqual(heard.splice(0), [`a=${turn}`]);
    }
  });

  test('are subscribed again when the connection broke, but for those given up meanwhile', async (t) => {
    const { fake, subscriber, heard } = await subscribed(t, confirms);
    await Promise.all([subscriber.add('a'), subscriber.add('b')]);
    const again: string[] = [];
    fake.answer = (words, socket) => {
      again.push(...words);
      confirms(words, socket);
    };
    fake.sockets[0]?.destroy();
    while (!heard.some((line) => line.startsWith('lost: '))) await delay(1);
    subscriber.delete('b');
    await subscriber.add('a');
    while (!heard.includes('restored')) await delay(5);
    assert.deepEqual(again, ['subscribe', 'a']);
  });

  test('are refused at once while Redis is known to be gone, and it is told once', async (t) => {
    const { subscriber, heard } = await subscribed(t, (_words, socket) => void socket.destroy());
    await assert.rejects(subscriber.add('a'), /closed|ECONNRESET/);
    await assert.rejects(subscriber.add('a'), /not reachable a moment ago/);
    assert.deepEqual(subscriber.channels, []);
    await delay(60);
    await assert.rejects(subscriber.add('a'), /closed|ECONNRESET/);
    assert.equal(heard.length, 1);
  });

  test('are not asked for more and more often when the connection always breaks', async (t) => {
    const { fake, subscriber, heard } = await subscribed(t, confirms);
    await subscriber.add('a');
    fake.answer = (words, socket) => {
      confirms(words, socket);
      socket.end();
    };
    fake.sockets[0]?.destroy();
    await delay(1000);
    assert.ok(fake.sockets.length <= 8, `${fake.sockets.length} connections`);
    assert.ok(heard.length <= 16, `${heard.length} times told`);
  });

  test('one that is refused leaves the others alone', async (t) => {
    const { fake, subscriber } = await subscribed(t, (words, socket) => {
      if (words.includes('secret')) socket.write('-NOPERM no permissions to access a channel\r\n');
      else confirms(words, socket);
    });
    await subscriber.add('a');
    await assert.rejects(subscriber.add('secret'), /NOPERM/);
    await delay(100);
    assert.deepEqual(subscriber.channels, ['a']);
    assert.deepEqual([fake.sockets.length, fake.open], [1, 1]);
  });

  test('are subscribed anew when the server says nothing any more', async (t) => {
    const { fake, subscriber, heard } = await subscribed(t, confirms, { pingMs: 50 });
    await subscriber.add('a');
    await delay(200);
    assert.equal(fake.sockets.length, 1, 'it answers');
    let silent = true;
    fake.answer = (words, socket) => {
      if (!silent) confirms(words, socket);
    };
    while (!heard.includes('lost: no answer within 300 ms')) await delay(5);
    silent = false;
    while (!heard.includes('restored')) await delay(5);
    assert.equal(fake.open, 1);
  });

  test('do not wait longer than they may for a server that never answers', async (t) => {
    const { fake, subscriber } = await subscribed(t, () => undefined);
    await assert.rejects(subscriber.add('a'), /no answer within 300 ms/);
    assert.deepEqual(subscriber.channels, []);
    while (fake.open > 0) await delay(5);
  });

  for (const [what, answer] of [
    ['a number', ':900000000\r\n'],
    ['nothing', '$-1\r\n'],
    ['a list', '*1\r\n:1\r\n'],
  ] as const) {
    test(`a message that is ${what} ends the connection, and reaches nobody`, async (t) => {
      const { fake, subscriber, heard } = await subscribed(t, confirms);
      await subscriber.add('a');
      fake.sockets[0]?.write(push('message', 'a', answer));
      while (heard.length === 0) await delay(5);
      assert.match(heard[0] ?? '', /^lost: a message that is not bytes/);
    });
  }
});
