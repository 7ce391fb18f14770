import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { decode, type Event, type LogFields, type Port } from 'pulp-runtime/ext';
import { variable } from './address.ts';
import { maxWaiting } from './backlog.ts';
import { bulk, FakeRedis, push } from './fake-redis.suite.ts';
import type { RedisOptions } from './options.ts';
import { RedisPlugin } from './redis-plugin.ts';
import { Effect, Request } from './wire.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const ignore = (): void => undefined;

/** A plugin end at a port whose queue the test has in hand. */
async function attached(t: TestContext, given: Partial<RedisOptions> = {}) {
  const fake = await FakeRedis.start(t, (words, socket) => {
    for (const [at, word] of words.entries()) {
      if (word === 'subscribe' || word === 'unsubscribe') socket.write(push(word, words[at + 1] ?? ''));
    }
  });
  process.env[variable] = fake.url.href;
  const scope = new AsyncDisposableStack();
  t.after(() => scope.disposeAsync());
  const queue: Event[] = [];
  const warnings: LogFields[] = [];
  let room = Infinity;
  let drained = Promise.withResolvers<void>();
  const port: Port<RedisOptions> = {
    plugin: { name: 'p', version: '1' },
    options: { timeout_ms: 300, max_value_bytes: 1000, max_channels: 10, max_pending: 10, ...given },
    signal: new AbortController().signal,
    scope,
    up: true,
    restarting: false,
    retryAfter: 1,
    nextId: () => 1,
    push: (event) => queue.length < room && queue.push(event) > 0,
    drained: () => drained.promise,
    cancel: ignore,
  };
  const warn = (_message: string, fields: LogFields = {}): void => void warnings.push(fields);
  const end = new RedisPlugin({ port, log: { debug: ignore, info: ignore, error: ignore, warn } });
  const subscribe = async (instance: number, channel: string): Promise<void> => {
    assert.equal(end.effect(Effect.claim, bytes(channel), 0, instance), 0);
    assert.equal((await end.request(Request.subscribed, bytes(channel))).length, 0);
  };
  return {
    end,
    queue,
    warnings,
    texts: () => queue.map(({ payload }) => textOf(payload)),
    /** What Redis publishes; settles when the end has it. */
    publish: async (...messages: readonly (readonly [channel: string, text: string])[]): Promise<void> => {
      fake.sockets
        .at(-1)
        ?.write(messages.map(([channel, text]) => push('message', `p:${channel}`, bulk(text))).join(''));
      await delay(50);
    },
    subscribe,
    /** An instance that subscribes in its init. */
    start: async (instance: number, channels: readonly string[]): Promise<void> => {
      end.attached(instance);
      end.entered();
      for (const channel of channels) await subscribe(instance, channel);
      end.ready(instance);
    },
    setRoom: (events: number): void => {
      room = events;
    },
    drain: async (): Promise<void> => {
      drained.resolve();
      drained = Promise.withResolvers<void>();
      await delay(0);
    },
  };
}

function textOf(payload: Uint8Array): string {
  const message = decode(payload) as ReadonlyMap<string, string | Uint8Array>;
  return ['channel', 'payload'].map((key) => Buffer.from(message.get(key) ?? '').toString()).join('=');
}

suite('the subscriptions of a plugin', { concurrency: false }, () => {
  test('give it messages from the end of its init on, in their order', async (t) => {
    const { end, publish, subscribe, texts } = await attached(t);
    end.attached(1);
    end.entered();
    await subscribe(1, 'a');
    await publish(['a', '1']);
    assert.deepEqual(texts(), []);
    end.ready(1);
    await publish(['a', '2']);
    assert.deepEqual(texts(), ['a=1', 'a=2']);
  });

  test('that the next instance did not take up again are over, and so are their messages', async (t) => {
    const { end, publish, start, subscribe, texts, setRoom } = await attached(t);
    await start(1, ['old', 'new']);
    end.detached(1);
    setRoom(0);
    await publish(['old', 'x'], ['new', 'y']);
    setRoom(10);
    end.attached(2);
    end.entered();
    await subscribe(2, 'new');
    await publish(['old', 'z']);
    assert.deepEqual(texts(), []);
    end.ready(2);
    assert.deepEqual(texts(), ['new=y']);
    end.detached(2);
    await start(3, ['old']);
    assert.deepEqual(texts(), ['new=y']);
  });

  test('of an instance that begins are not those of the one that goes on', async (t) => {
    const { end, publish, start, subscribe, texts } = await attached(t);
    await start(1, ['a']);
    end.attached(2);
    await subscribe(2, 'b');
    await publish(['b', '1'], ['a', '2']);
    assert.deepEqual(texts(), ['a=2']);
    end.entered();
    end.ready(2);
    assert.deepEqual(texts(), ['a=2', 'b=1']);
  });

  test('wait for room, and what an instance never saw comes again before what came later', async (t) => {
    const { end, queue, publish, start, subscribe, texts, setRoom, drain } = await attached(t);
    await start(1, ['a']);
    setRoom(2);
    await publish(['a', '1'], ['a', '2'], ['a', '3'], ['a', '4']);
    assert.deepEqual(texts(), ['a=1', 'a=2']);
    queue.shift()?.done?.('done');
    await drain();
    assert.deepEqual(texts(), ['a=2', 'a=3']);
    for (const event of queue.splice(0)) event.done?.('undelivered');
    end.detached(1);
    setRoom(10);
    end.attached(2);
    end.entered();
    await subscribe(2, 'a');
    end.ready(2);
    assert.deepEqual(texts(), ['a=2', 'a=3', 'a=4']);
    for (const event of queue.splice(0)) event.done?.('broken');
    await publish(['a', '5']);
    assert.deepEqual(texts(), ['a=5']);
  });

  test('drop what is beyond the backlog or too large, and log how many once a minute', async (t) => {
    t.mock.method(performance, 'now', () => now);
    let now = 1e9;
    const { publish, start, texts, setRoom, warnings } = await attached(t, { max_value_bytes: 3 });
    await start(1, ['a']);
    setRoom(0);
    await publish(...Array.from({ length: maxWaiting + 3 }, (_, at) => ['a', String(at)] as const));
    await publish(['a', 'long']);
    assert.deepEqual(texts(), []);
    assert.deepEqual(warnings, [{ plugin: 'p', messages: 1 }]);
    now += 60_000;
    await publish(['a', 'long']);
    assert.deepEqual(warnings[1], { plugin: 'p', messages: 4 });
  });

  test('have a limit, and one that was given up makes room', async (t) => {
    const { end, start } = await attached(t, { max_channels: 1 });
    await start(1, ['a']);
    assert.equal(end.effect(Effect.claim, bytes('a'), 0, 1), 0);
    assert.equal(end.effect(Effect.claim, bytes('b'), 0, 1), 4);
    end.effect(Effect.release, bytes('a'), 0, 1);
    assert.equal(end.effect(Effect.claim, bytes('b'), 0, 1), 0);
    assert.match(Buffer.from(await end.request(Request.subscribed, bytes('a'))).toString(), /given up/);
  });
});
