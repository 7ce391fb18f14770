import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { suite, test } from 'node:test';
import { silent } from '../../../../test/support/guest-context.ts';
import { exchange } from '../../edge/exchange.suite.ts';
import type { EdgeRequest, Event, Listener, PluginEnd, Port } from '../../ext.ts';
import { edge } from './edge.ts';
import type { SseOptions } from './options.ts';
import { maxPaths } from './sse-plugin.ts';
import { Effect, encodeClaim, Kind, numberBytes } from './wire.ts';

type Line = readonly [level: string, message: string, fields: Readonly<Record<string, unknown>>];

/** The edge end behind a listener without sockets. */
function setUp() {
  const lines: Line[] = [];
  const handlers: Record<string, ((incoming: EdgeRequest) => boolean)[]> = { stream: [], fallback: [] };
  const listener = {
    on: (phase: string, handler: (incoming: EdgeRequest) => boolean) => handlers[phase]?.push(handler),
    owner: () => () => undefined,
    body: (_incoming: EdgeRequest, done: (body: Uint8Array) => void) => done(new Uint8Array()),
  } as unknown as Listener;
  const log = {
    ...silent,
    info: (message: string, fields = {}) => lines.push(['info', message, fields]),
    warn: (message: string, fields = {}) => lines.push(['warn', message, fields]),
  };
  const end = edge({
    listener,
    log,
    signal: new AbortController().signal,
    scope: new AsyncDisposableStack(),
  });
  let ids = 0;
  /** Asks for a path. Gives what was sent so far, or undefined when nobody took the request. */
  const ask = (path: string, method = 'GET', given?: ServerResponse) => {
    const { incoming, response: own, sent } = exchange(method);
    const response = given ?? own;
    Object.assign(own.socket ?? {}, { setTimeout: () => undefined });
    const taken = ['stream', 'fallback'].some((phase) =>
      handlers[phase]?.some((handler) => handler({ ...incoming, response, path, method })),
    );
    return { taken, sent, response, status: Number(/^HTTP\/1\.1 (\d+)/.exec(sent())?.[1]) };
  };
  const plugin = (name: string, options: Partial<SseOptions> = {}) => {
    const scope = new AsyncDisposableStack();
    const queue: Event[] = [];
    const state = { full: false };
    const made: PluginEnd = end.plugin({
      plugin: { name, version: '1' },
      options: {
        events: false,
        keepalive_ms: 0,
        max_subscribers: 10,
        max_buffered_bytes: 1024,
        ...options,
      },
      signal: new AbortController().signal,
      scope,
      up: true,
      restarting: false,
      retryAfter: 7,
      nextId: () => ++ids,
      push: (event) => !state.full && queue.push(event) > 0,
      drained: () => new Promise(() => undefined),
      cancel: () => undefined,
    } satisfies Port<SseOptions>);
    let instance = 0;
    const effect = (kind: number, payload: Uint8Array, id = 0, of = instance): number =>
      made.effect?.(kind, payload, id, of) ?? 0;
    const attach = (): void => {
      made.attached?.(++instance);
      made.entered?.(instance);
      made.resend?.();
    };
    const ready = (): void => made.ready?.(instance);
    /** The instance ends. */
    const leave = (): void => made.detached?.(instance);
    return {
      made,
      attach,
      ready,
      leave,
      signal: new AbortController().signal,
      scope,
      queue,
      state,
      register: (number: number, path: string) => effect(Effect.register, encodeClaim({ number, path })),
      emit(number: number, text: string): void {
        const payload = Buffer.concat([Buffer.alloc(numberBytes), Buffer.from(text)]);
        payload.writeUInt32LE(number);
        effect(Effect.emit, payload);
        // What the edge hands over does not live on.
        payload.fill(0x21);
      },
      send: (id: number, text: string) => effect(Effect.send, Buffer.from(text), id),
      /** A start of an instance that claims these paths, in their order. */
      start(paths: readonly string[], isReady = true): void {
        leave();
        attach();
        for (const [number, path] of paths.entries()) this.register(number, path);
        if (isReady) ready();
      },
    };
  };
  return { ask, plugin, lines };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

suite('paths', () => {
  test('are matched exactly after percent-decoding, for GET alone; other methods get 405', async () => {
    const { ask, plugin } = setUp();
    assert.equal(ask('/a').taken, false);
    plugin('one').start(['/a/\xc3\xa4:x']);
    for (const path of ['/a/%C3%A4:x', '/a/\xc3\xa4:x', '/a%2f%c3%a4%3ax']) {
      const { status, sent } = ask(path);
      assert.equal(status, 200, path);
      assert.match(sent(), /\r\nContent-Type: text\/event-stream\r\n/);
    }
    for (const path of ['/a/\xc3\xa4:x/', '/a', '/A/\xc3\xa4:x', '/a/%zz', '//a/\xc3\xa4:x', '*']) {
      assert.equal(ask(path).taken, false, path);
    }
    for (const method of ['HEAD', 'POST', 'OPTIONS']) {
      const { status, sent } = ask('/a/%C3%A4:x', method);
      assert.equal(status, 405);
      assert.match(sent(), /\r\nAllow: GET\r\n/);
    }
  });

  test('belong to the plugin that has them first', async () => {
    const { ask, plugin, lines } = setUp();
    const [one, two] = [plugin('one'), plugin('two')];
    one.start(['/a']);
    two.attach();
    assert.equal(two.register(0, '/a'), 4);
    assert.equal(two.register(1, '/b'), 0);
    two.ready();
    assert.deepEqual(lines, [
      ['info', 'sse route registered', { plugin: 'one', path: '/a' }],
      [
        'warn',
        'sse route refused',
        { plugin: 'two', path: '/a', reason: 'another plugin has it', owner: 'one' },
      ],
      ['info', 'sse route registered', { plugin: 'two', path: '/b' }],
    ]);
    const stream = ask('/a');
    two.emit(0, 'of two');
    two.emit(1, 'of two');
    one.emit(0, 'of one');
    await turn();
    assert.ok(stream.sent().includes('of one') && !stream.sent().includes('of two'));
    await one.scope.disposeAsync();
    assert.equal(two.register(2, '/a'), 0, 'it is free when its plugin is gone');
  });

  test('are limited; of many that are refused a few are logged', async () => {
    const { plugin, lines } = setUp();
    const one = plugin('one');
    one.attach();
    for (let number = 0; number < maxPaths; number++) assert.equal(one.register(number, `/${number}`), 0);
    for (let number = 0; number < 100; number++) assert.equal(one.register(5000 + number, `/x${number}`), 4);
    const refused = lines.filter(([, message]) => message === 'sse route refused');
    assert.equal(refused.length, 10);
    assert.equal(refused[0]?.[2]['reason'], 'a plugin has at most 1000 paths');
  });

  test('stay over a restart with their subscribers; those that are not claimed again end', async () => {
    const { ask, plugin } = setUp();
    const one = plugin('one');
    one.start(['/a', '/b']);
    const [a, b] = [ask('/a'), ask('/b')];
    one.leave();
    one.attach();
    one.register(7, '/b');
    assert.equal(ask('/a').status, 200, 'until the new instance is ready');
    one.ready();
    assert.equal(ask('/a').taken, false);
    one.emit(7, 'new');
    one.emit(0, 'old number');
    await turn();
    assert.ok(a.response.writableEnded);
    assert.ok(!b.response.writableEnded);
    assert.match(b.sent(), /\r\nnew\r\n$/);
    // Claimed after it was ready.
    one.register(8, '/c');
    one.start(['/c']);
    assert.equal(ask('/c').status, 200);
  });

  test('of instances that never got ready are forgotten', async () => {
    const { ask, plugin } = setUp();
    const one = plugin('one');
    one.start(['/a']);
    // Not in its init, but it was ready.
    one.register(9, '/late');
    for (const path of ['/b', '/c']) {
      one.start([path], false);
      assert.equal(ask(path).taken, true);
    }
    one.leave();
    assert.deepEqual(
      ['/a', '/late', '/b', '/c'].map((path) => ask(path).taken),
      [true, true, false, false],
    );
  });
});

suite('subscribers', () => {
  test('over the limit get 503, which is logged; one that leaves makes room', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { ask, plugin, lines } = setUp();
    plugin('one', { max_subscribers: 2 }).start(['/a', '/b']);
    const first = ask('/a');
    assert.equal(ask('/b').status, 200);
    for (const path of ['/a', '/b']) {
      const { status, sent } = ask(path);
      assert.equal(status, 503);
      assert.match(sent(), /\r\nRetry-After: 1\r\n/);
    }
    t.mock.timers.tick(1000);
    assert.deepEqual(lines.at(-1), [
      'warn',
      'sse subscribers refused',
      { plugin: 'one', count: 2, max_subscribers: 2 },
    ]);
    first.response.emit('close');
    assert.equal(ask('/a').status, 200);
  });

  test('get a comment from time to time', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const { ask, plugin } = setUp();
    plugin('one', { keepalive_ms: 15_000 }).start(['/a']);
    const stream = ask('/a');
    const before = stream.sent();
    t.mock.timers.tick(14_999);
    await turn();
    assert.equal(stream.sent(), before);
    t.mock.timers.tick(15_001);
    await turn();
    assert.equal(stream.sent().slice(before.length), 'e\r\n:ping\n\n:ping\n\n\r\n');
  });

  test('who are dropped are counted, and logged with the limit', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { ask, plugin, lines } = setUp();
    const one = plugin('one');
    one.start(['/a']);
    for (let count = 0; count < 3; count++) {
      const { response } = ask('/a');
      Object.assign(response.socket ?? {}, { write: () => false });
    }
    for (let count = 0; count < 20; count++) {
      one.emit(0, 'x'.repeat(100));
      await turn();
    }
    t.mock.timers.tick(1000);
    assert.deepEqual(lines.at(-1), [
      'warn',
      'sse subscribers dropped',
      { plugin: 'one', count: 3, max_buffered_bytes: 1024 },
    ]);
  });

  test('behind another answer of their connection begin when that is over', () => {
    const { ask, plugin } = setUp();
    plugin('one', { max_subscribers: 1 }).start(['/a']);
    const { response } = exchange();
    const { socket } = response;
    assert.ok(socket);
    response.detachSocket(socket);
    const waiting = ask('/a', 'GET', response);
    assert.equal(waiting.taken, true);
    assert.equal(response.headersSent, false);
    const other = ask('/a');
    assert.equal(other.status, 200, 'who waits does not count');
    other.response.emit('close');
    response.assignSocket(Object.assign(socket, { setTimeout: () => undefined }));
    assert.equal(response.headersSent, true);
    assert.equal(ask('/a').status, 503);
  });
});

suite('a plugin that is told of its subscribers', () => {
  test('a request is refused with 503 when its queue is full, and can be sent to by its id', async () => {
    const { ask, plugin } = setUp();
    const one = plugin('one', { events: true });
    one.start(['/a']);
    one.state.full = true;
    assert.match(ask('/a').sent(), /^HTTP\/1\.1 503 [^]*\r\nRetry-After: 7\r\n/);
    one.state.full = false;
    const [first, second] = [ask('/a'), ask('/a')];
    assert.equal(second.status, 200);
    const [event] = one.queue;
    assert.ok(event?.kind === Kind.open);
    one.send(event.id, 'to one');
    one.send(event.id + 100, 'to nobody');
    await turn();
    assert.match(first.sent(), /\r\nto one\r\n$/);
    assert.doesNotMatch(second.sent(), /to one/);
  });

  test('what it sends to subscribers of a path that it gave up is not the next owner’s', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { ask, plugin, lines } = setUp();
    const [bad, good] = [plugin('bad', { events: true }), plugin('good', { max_buffered_bytes: 100_000 })];
    const blocked = (path: string): void => {
      Object.assign(ask(path).response.socket ?? {}, { write: () => false });
    };
    bad.start(['/a']);
    blocked('/a');
    bad.emit(0, 'more than it takes');
    await turn();
    bad.start(['/b']);
    good.start(['/a']);
    blocked('/a');
    bad.send(bad.queue[0]?.id ?? 0, 'x'.repeat(70 * 2 ** 20));
    for (let count = 0; count < 3; count++) {
      good.emit(0, 'little');
      await turn();
    }
    t.mock.timers.tick(1000);
    assert.ok(!lines.some(([, message]) => message === 'sse subscribers dropped'));
    await bad.scope.disposeAsync();
    await good.scope.disposeAsync();
  });

  test('at the end of the host it is told of the end of each, streams end, and no more are taken', async () => {
    const { ask, plugin } = setUp();
    const one = plugin('one', { events: true });
    one.start(['/a']);
    const streams = [ask('/a'), ask('/a')];
    one.emit(0, 'last');
    one.made.draining?.();
    assert.deepEqual(
      one.queue.map(({ kind }) => kind),
      [Kind.open, Kind.open, Kind.close, Kind.close],
    );
    for (const { sent, response } of streams) {
      assert.ok(response.writableEnded);
      assert.match(sent(), /\r\nlast\r\n0\r\n\r\n$/);
    }
    one.made.closed?.();
    assert.equal(one.queue.length, 4);
    assert.equal(ask('/a').status, 503);
    one.emit(0, 'too late');
  });
});
