import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { encode, Failure, type GuestContext } from 'pulp-runtime/ext';
import { variable } from './address.ts';
import { type Answer, bulk, FakeRedis } from './fake-redis.suite.ts';
import { guest } from './guest.ts';
import type { RedisOptions } from './options.ts';

const ignore = (): void => undefined;

/** The functions of a guest, on a server that gives these answers. */
async function functions(t: TestContext, answer: Answer, { timeout = 5000 } = {}) {
  const fake = await FakeRedis.start(t, answer);
  process.env[variable] = fake.url.href;
  const scope = new AsyncDisposableStack();
  t.after(() => scope.disposeAsync());
  const context: GuestContext<RedisOptions> = {
    plugin: { name: 'p', version: '1' },
    options: { timeout_ms: timeout, max_value_bytes: 100, max_channels: 10, max_pending: 10 },
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    event: undefined,
    scope,
    signal: new AbortController().signal,
    folder: '/nowhere',
    allowPrivateNetwork: false,
    arity: () => 0,
    send: ignore,
    ask: () => 0,
    request: () => Promise.resolve(new Uint8Array(0)),
    native: { begin: ignore, end: () => 0 },
    ref: () => ({ [Symbol.dispose]: ignore }),
  };
  return guest(context).functions;
}

type Functions = Awaited<ReturnType<typeof functions>>;

const key = Buffer.from('k');

suite('the functions of a guest', { concurrency: false }, () => {
  test('a value that is set while it is asked for is whole, or not there', async (t) => {
    // It is not there for the first question, and is from then on.
    let asked = 0;
    const { redis_get } = await functions(t, (words, socket) => {
      for (const word of words) {
        if (word === 'MULTI') socket.write('+OK\r\n');
        else if (word === 'GETRANGE')
          socket.write(words.includes('MULTI') ? '+QUEUED\r\n' : bulk(asked++ === 0 ? '' : 'x'));
        else if (word === 'EXISTS') socket.write(words.includes('MULTI') ? '+QUEUED\r\n' : ':1\r\n');
        else if (word === 'EXEC') socket.write(`*2\r\n${bulk('x')}:1\r\n`);
      }
    });
    assert.equal(Buffer.from(await redis_get(key)).toString(), 'x');
  });

  test('a value that turns into something else while it is asked for is a failure', async (t) => {
    const { redis_get } = await functions(t, (words, socket) =>
      socket.write(words.includes('MULTI') ? '+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:1\r\n' : bulk('')),
    );
    await assert.rejects(async () => redis_get(key), { code: 5 });
  });

  for (const [what, answer] of [
    ['a number that is none', ':abc\r\n'],
    ['a number beyond 64 bits', ':9223372036854775808\r\n'],
    ['nothing', '$-1\r\n'],
    ['a list', '*1\r\n:1\r\n'],
    ['a status', '+OK\r\n'],
    ['a list that nests without end', '*1\r\n'.repeat(100_000)],
    ['a list that is too long', '*99999999999\r\n'],
    ['what is no Redis', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ] as const) {
    test(`an answer that is ${what} is a failure of Redis, and none of the extension`, async (t) => {
      const calls = [
        ({ redis_incr }: Functions) => redis_incr(encode({ key: 'k' })),
        ({ redis_get }: Functions) => redis_get(key),
        ({ redis_del }: Functions) => redis_del(encode({ keys: ['k'] })),
        ({ redis_publish }: Functions) => redis_publish(encode({ channel: 'c', payload: 'x' })),
      ];
      for (const call of calls) {
        const given = await functions(t, (_words, socket) => socket.write(answer), { timeout: 300 });
        await assert.rejects(
          async () => call(given),
          (error) => error instanceof Failure && error.code === 5,
        );
      }
    });
  }
});
