import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { silent } from '../../../../test/support/guest-context.ts';
import { exchange } from '../../edge/exchange.suite.ts';
import type { EdgeRequest, Event, LogFields, PluginEnd, Port } from '../../ext.ts';
import { edge, maxKeptBytes, maxUntakenBytes } from './edge.ts';
import { maxKept, maxRoutes } from './http-plugin.ts';
import { Effect, encodeAnswer, encodeClaim } from './wire.ts';

/** Refusals of an instance that are logged, at most. */
const mostLogged = 10;

/** The edge end without sockets: its log, and what makes plugins and requests. */
function bareEdge(t: TestContext, body: Uint8Array = new Uint8Array(0)) {
  const scope = new AsyncDisposableStack();
  t.after(() => scope.disposeAsync());
  const logs: { level: string; message: string; fields: LogFields }[] = [];
  const say =
    (level: string) =>
    (message: string, fields: LogFields = {}) => {
      logs.push({ level, message, fields });
    };
  let handle: ((incoming: EdgeRequest) => boolean) | undefined;
  const end = edge({
    listener: {
      on: (_phase, handler) => {
        handle = handler;
      },
      upgrade: () => undefined,
      owner: () => () => undefined,
      body: (_incoming, done) => done(body),
      requestTimeoutMs: 30_000,
    },
    log: { ...silent, info: say('info'), warn: say('warn') },
    signal: new AbortController().signal,
    scope,
  });
  let ids = 0;
  const plugin = (name: string) => {
    const events: Event[] = [];
    /** Whether there is an instance, and if not, whether one is moments away. */
    const state = { up: true, restarting: false };
    const port: Port = {
      plugin: { name, version: '1.0.0' },
      options: {},
      signal: new AbortController().signal,
      scope,
      get up() {
        return state.up;
      },
      get restarting() {
        return state.restarting;
      },
      retryAfter: 1,
      nextId: () => ++ids,
      push: (event) => state.up && events.push(event) > 0,
      drained: () => Promise.resolve(),
      cancel: () => undefined,
    };
    return { end: end.plugin(port), events, state };
  };
  return { plugin, handle: (incoming: EdgeRequest) => handle?.(incoming), logs };
}

function register(end: PluginEnd, pattern: string, instance = 1): number | void {
  return end.effect?.(Effect.register, encodeClaim({ method: 'GET', pattern }), 0, instance);
}

suite('routes that are refused', () => {
  test('beyond the most that a plugin may have, in a loop: each is code 4, few are logged', (t) => {
    const { plugin, logs } = bareEdge(t);
    const { end } = plugin('guest');
    end.attached?.(1);
    for (let route = 0; route < maxRoutes; route++) assert.equal(register(end, `/${route}`), 0);
    logs.length = 0;
    for (let route = 0; route < 5000; route++) assert.equal(register(end, `/more/${route}`), 4);
    assert.equal(logs.length, mostLogged);
    const fields = { plugin: 'guest', reason: 'a plugin has at most 1000 routes' };
    for (const log of logs) assert.deepEqual(log, { level: 'warn', message: 'http route refused', fields });
    assert.equal(register(end, '/1'), 0, 'a route that it has is refused');
  });

  test('that another plugin has, in a loop: each is code 4, few are logged', (t) => {
    const { plugin, logs } = bareEdge(t);
    const first = plugin('first');
    first.end.attached?.(1);
    register(first.end, '/taken');
    const { end } = plugin('second');
    end.attached?.(1);
    logs.length = 0;
    for (let round = 0; round < 500; round++) assert.equal(register(end, '/taken'), 4);
    assert.equal(logs.length, mostLogged);
    const fields = {
      plugin: 'second',
      method: 'GET',
      pattern: '/taken',
      reason: 'another plugin has it',
      owner: 'first',
    };
    for (const log of logs) assert.deepEqual(log, { level: 'warn', message: 'http route refused', fields });
  });

  test('are logged again for the next instance', (t) => {
    const { plugin, logs } = bareEdge(t);
    const { end } = plugin('guest');
    for (let instance = 1; instance <= 3; instance++) {
      end.attached?.(instance);
      for (let route = 0; route < maxRoutes + 100; route++) register(end, `/${route}`, instance);
      end.ready?.(instance);
      assert.equal(
        logs.filter(({ message }) => message === 'http route refused').length,
        mostLogged * instance,
      );
    }
  });
});

/** Whether a request for the path is taken. */
function ask(handle: (incoming: EdgeRequest) => boolean | undefined, path: string): boolean | undefined {
  return handle({ ...exchange('GET').incoming, path });
}

suite('routes over a reload', () => {
  test('those of the instance that starts come into force when it is ready, and no others stay', (t) => {
    const { plugin, handle } = bareEdge(t);
    const { end } = plugin('guest');
    end.attached?.(1);
    for (const path of ['/old', '/both']) register(end, path);
    end.ready?.(1);
    end.attached?.(2);
    for (const path of ['/both', '/new']) assert.equal(register(end, path, 2), 0);
    const found = (): readonly unknown[] => ['/old', '/both', '/new'].map((path) => ask(handle, path));
    assert.deepEqual(found(), [true, true, false]);
    end.ready?.(2);
    assert.deepEqual(found(), [false, true, true]);
    end.detached?.(1);
    assert.equal(register(end, '/late', 1), 4, 'an instance that is gone claims nothing');
    assert.equal(register(end, '/later', 2), 0);
    assert.equal(ask(handle, '/later'), true);
  });

  test('an instance that starts anew gets ahead of nobody; one that an operator puts in its place may', async (t) => {
    const { plugin, handle } = bareEdge(t);
    const [bad, good] = [plugin('bad'), plugin('good')];
    const start = (instance: number, paths: readonly string[]): void => {
      bad.end.attached?.(instance);
      for (const path of paths) assert.equal(register(bad.end, path, instance), 0);
    };
    start(1, ['/trap']);
    bad.end.ready?.(1);
    good.end.attached?.(1);
    register(good.end, '/good');
    good.end.ready?.(1);
    bad.end.detached?.(1);
    start(2, ['/*rest', '/trap']);
    bad.end.ready?.(2);
    ask(handle, '/good');
    assert.deepEqual([good.events.length, bad.events.length], [1, 0]);
    start(3, ['/*rest', '/trap']);
    bad.end.ready?.(3);
    bad.end.detached?.(2);
    ask(handle, '/good');
    assert.deepEqual([good.events.length, bad.events.length], [1, 1]);
  });

  test('what one claims that never gets ready is gone with it, and free', (t) => {
    const { plugin, handle } = bareEdge(t);
    const [first, second] = [plugin('first'), plugin('second')];
    for (const instance of [1, 2]) {
      first.end.attached?.(instance);
      register(first.end, `/claimed-${instance}`, instance);
      assert.equal(ask(handle, `/claimed-${instance}`), true, 'it may be asked before it is ready');
      first.end.detached?.(instance);
    }
    second.end.attached?.(1);
    for (const instance of [1, 2]) {
      assert.equal(ask(handle, `/claimed-${instance}`), false);
      assert.equal(register(second.end, `/claimed-${instance}`), 0);
    }
  });

  test('an instance that did not get ready leaves everything as it was', (t) => {
    const { plugin, handle } = bareEdge(t);
    const { end } = plugin('guest');
    end.attached?.(1);
    register(end, '/old');
    end.ready?.(1);
    end.attached?.(2);
    register(end, '/new', 2);
    end.detached?.(2);
    assert.deepEqual([ask(handle, '/old'), ask(handle, '/new')], [true, false]);
    const other = plugin('other').end;
    other.attached?.(1);
    assert.equal(register(other, '/new'), 0, 'nobody has it');
  });
});

/** A plugin whose instance has broken, and another is moments away. */
function between(t: TestContext, body?: Uint8Array) {
  const { plugin, handle } = bareEdge(t, body);
  const broken = plugin('guest');
  broken.end.attached?.(1);
  register(broken.end, '/');
  broken.end.ready?.(1);
  Object.assign(broken.state, { up: false, restarting: true });
  /** A request: the status that its client has, 200 for none yet. */
  const request = () => {
    const { incoming, response } = exchange('GET');
    handle(incoming);
    return () => response.statusCode;
  };
  return { ...broken, request };
}

suite('requests that come between two instances', () => {
  test('wait for the next one, in their order', (t) => {
    const { end, events, state, request } = between(t);
    const waiting = [request(), request(), request()];
    Object.assign(state, { up: true, restarting: false });
    end.resend?.();
    assert.deepEqual(
      events.map(({ id }) => id),
      [1, 2, 3],
    );
    request();
    assert.equal(events.length, 4);
    assert.ok(waiting.every((status) => status() === 200));
  });

  test('get 503 when it turns out that none will come soon', (t) => {
    const { end, state, request } = between(t);
    const waiting = request();
    state.restarting = false;
    assert.equal(request()(), 503);
    end.down?.();
    assert.equal(waiting(), 503);
  });

  test(`beyond ${maxKept} of a plugin get 503, until an instance has taken them`, (t) => {
    const { end, state, request } = between(t);
    const fill = (): number =>
      Array.from({ length: maxKept + 3 }, request).filter((is) => is() === 503).length;
    assert.equal(fill(), 3);
    state.up = true;
    end.resend?.();
    state.up = false;
    assert.equal(fill(), 3);
  });

  test(`beyond ${maxKeptBytes} bytes get 503, until they are taken or refused`, (t) => {
    const { end, request } = between(t, new Uint8Array(maxKeptBytes / 4));
    for (let round = 0; round < 2; round++) {
      const statuses = Array.from({ length: 5 }, request).map((status) => status());
      // Each has more than its body.
      assert.deepEqual(statuses, [200, 200, 200, 503, 503]);
      end.down?.();
    }
  });
});

/** What a client gets for an answer that the guest end has sent. */
async function sentFor(t: TestContext, answer: Parameters<typeof encodeAnswer>[0], method = 'GET') {
  const { plugin, handle } = bareEdge(t);
  const { end, events } = plugin('guest');
  end.attached?.(1);
  register(end, '/');
  end.ready?.(1);
  const { incoming, sent } = exchange(method);
  assert.equal(handle(incoming), true);
  end.effect?.(Effect.respond, encodeAnswer(answer), events[0]?.id ?? 0, 1);
  await new Promise((resolve) => setImmediate(resolve));
  const [head = '', body = ''] = sent().split('\r\n\r\n');
  return { head, body };
}

suite('an answer on the wire', () => {
  const body = Buffer.from('a body');

  for (const status of [204, 304]) {
    test(`${status} has neither body nor length`, async (t) => {
      const sent = await sentFor(t, { status, headers: ['Etag', '"1"'], body });
      assert.match(sent.head, new RegExp(`^HTTP/1\\.1 ${status} [^]*\\r\\nEtag: "1"(?:\\r\\n|$)`));
      assert.doesNotMatch(sent.head, /content-length|transfer-encoding/i);
      assert.equal(sent.body, '');
    });
  }

  test('205 without a body says that its length is 0', async (t) => {
    const sent = await sentFor(t, { status: 205, headers: [], body: Buffer.alloc(0) });
    assert.match(sent.head, /^HTTP\/1\.1 205 [^]*\r\nContent-Length: 0(?:\r\n|$)/);
    assert.equal(sent.body, '');
  });

  test('an answer to HEAD has its length and no body', async (t) => {
    const sent = await sentFor(t, { status: 200, headers: [], body }, 'HEAD');
    assert.match(sent.head, /\r\nContent-Length: 6(?:\r\n|$)/);
    assert.equal(sent.body, '');
  });
});

suite('large answers that nobody takes', () => {
  const half = { status: 200, headers: [], body: Buffer.alloc(maxUntakenBytes / 8) };

  test('over what all clients may leave they are 503, until some are over', (t) => {
    const { plugin, handle } = bareEdge(t);
    const { end, events } = plugin('guest');
    end.attached?.(1);
    register(end, '/');
    end.ready?.(1);
    /** The status of an answer to a client of its own, and what ends that. */
    const answer = () => {
      const { incoming } = exchange('GET');
      handle(incoming);
      end.effect?.(Effect.respond, encodeAnswer(half), events.at(-1)?.id ?? 0, 1);
      return { status: incoming.response.statusCode, over: () => incoming.response.emit('close') };
    };
    const answers = Array.from({ length: 9 }, answer);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [...Array.from({ length: 8 }, () => 200), 503],
    );
    answers[0]?.over();
    assert.equal(answer().status, 200);
    assert.equal(answer().status, 503);
  });
});
