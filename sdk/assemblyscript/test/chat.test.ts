import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { Script } from 'node:vm';
import { encode, type Encodable } from '../../../runtime/src/abi/msgpack/value.ts';
import { decodeWsSend } from '../../../runtime/src/abi/structs.ts';
import { buildPlugins } from '../../../scripts/build-plugins.ts';
import type { HostFunction } from './fake-host.ts';
import { Guest, hostImports, text } from './harness.ts';

interface Sent {
  readonly to: number;
  readonly event: Readonly<Record<string, unknown>>;
}

function parse(json: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(json);
  assert(typeof value === 'object' && value !== null);
  return { ...value };
}

/** What was sent over WebSockets since the last time, in order. */
function taken(guest: Guest): Sent[] {
  const frames = guest.host.of('ws_send').map(({ inputs: [input = new Uint8Array()] }): Sent => {
    const { conn_id, opcode, payload } = decodeWsSend(input);
    assert.equal(opcode, 1);
    return { to: conn_id, event: parse(Buffer.from(payload).toString()) };
  });
  guest.host.calls.length = 0;
  return frames;
}

function enter(guest: Guest, id: bigint, name: Encodable): void {
  guest.event('ws.open', { conn_id: id, path: '/ws', query: { name }, headers: {} });
}

function say(guest: Guest, id: bigint, words: string): void {
  guest.event('ws.frame', { conn_id: id, opcode: 1n, payload: Buffer.from(words) });
}

function leave(guest: Guest, id: bigint): void {
  guest.event('ws.close', { conn_id: id, code: 1001n, reason: '' });
}

suite('the plugin chat', () => {
  let plugin: WebAssembly.Module;
  before(async () => {
    await buildPlugins({ only: ['chat'] });
    plugin = new WebAssembly.Module(
      readFileSync(join(import.meta.dirname, '../../../plugins/chat/build/chat.wasm')),
    );
  });

  function start(
    config: { readonly [key: string]: Encodable } = {},
    host: Readonly<Record<string, HostFunction>> = {},
  ): Guest {
    const guest = new Guest(plugin, { host });
    assert.equal(guest.init({ weather_url: 'http://w.test/', ...config }), 0);
    guest.host.calls.length = 0;
    return guest;
  }

  test('imports the functions of its four capabilities and no others', () => {
    assert.deepEqual(hostImports(plugin), [
      'http_fetch',
      'http_register',
      'http_respond',
      'sse_emit',
      'sse_register',
      'ws_close',
      'ws_register',
      'ws_send',
    ]);
  });

  test('registers its routes and paths', () => {
    const guest = new Guest(plugin);
    assert.equal(guest.init(), 0);
    assert.deepEqual(
      guest.routes.map(({ method, path }) => `${method} ${path}`),
      ['GET /', 'GET /chat.js', 'GET /weather/:city'],
    );
    assert.deepEqual(guest.host.texts('ws_register'), ['/ws']);
    assert.deepEqual(guest.host.texts('sse_register'), ['/events']);
  });

  test('the page has the title escaped, loads nothing from elsewhere, and its script is JavaScript', () => {
    const guest = start({ title: '<b>&' });
    const answer = guest.request({ path: '/' });
    const page = text(answer);
    assert.match(page, /<h1>&lt;b&gt;&amp;<\/h1>/);
    assert.doesNotMatch(page, /https?:|\/\/|<b>&/);
    assert.match(
      JSON.stringify(answer?.headers.get('Content-Security-Policy')),
      /^"default-src 'none'; script-src 'self';/,
    );
    const script = guest.request({ path: '/chat.js' });
    assert.equal(script?.headers.get('Content-Type'), 'text/javascript; charset=utf-8');
    assert.doesNotMatch(text(script), /innerHTML|insertAdjacentHTML|outerHTML|document\.write/);
    assert.doesNotThrow(() => new Script(text(script)));
  });

  test('who comes is welcomed, and the others are told', () => {
    const guest = start();
    enter(guest, 1n, 'Ada');
    assert.deepEqual(
      taken(guest).map(({ to, event }) => [
        to,
        event['type'],
        event['name'],
        event['online'],
        event['history'],
      ]),
      [[1, 'welcome', 'Ada', 1, []]],
    );
    enter(guest, 2n, 'Bob');
    assert.deepEqual(
      taken(guest).map(({ to, event }) => [to, event['type'], event['name'], event['online']]),
      [
        [2, 'welcome', 'Bob', 2],
        [1, 'joined', 'Bob', 2],
      ],
    );
    leave(guest, 1n);
    assert.deepEqual(
      taken(guest).map(({ to, event }) => [to, event['type'], event['name'], event['online']]),
      [[2, 'left', 'Ada', 1]],
    );
  });

  test('names are one line of at most 24 characters, and nobody has that of another', () => {
    const guest = start();
    const names = (
      [
        '  Ada \n\0 L ',
        'x'.repeat(100),
        '\u{1f34a}'.repeat(30),
        `${'y'.repeat(23)}\u{1f34a}`,
        '',
        '\u202e\u2028',
        'Ada    L',
        'Bob-8',
        'Bob-9',
        'Bob',
        'Bob',
      ] as const
    ).map((name, i) => {
      enter(guest, BigInt(i), name);
      return taken(guest)[0]?.event['name'];
    });
    assert.deepEqual(names, [
      'Ada    L',
      'x'.repeat(24),
      '\u{1f34a}'.repeat(12),
      'y'.repeat(23),
      'guest-4',
      'guest-5',
      'Ada    L-6',
      'Bob-8',
      'Bob-9',
      'Bob',
      'Bob-10',
    ]);
  });

  test('a message goes to all, the writer too, and to the feed, whatever is in it', () => {
    const guest = start();
    for (const id of [1n, 2n]) enter(guest, id, `"${id}<`);
    taken(guest);
    const words = '</script><img onerror=x> "\\ \u{1f34a}';
    say(guest, 2n, words);
    const [emitted] = guest.host.decoded('sse_emit') as {
      data: string;
      event: string;
      id: string;
      path: string;
    }[];
    const frames = taken(guest);
    assert.deepEqual(
      frames.map(({ to, event }) => [to, event['type'], event['name'], event['text']]),
      [1, 2].map((to) => [to, 'message', '"2<', words]),
    );
    assert.deepEqual([emitted?.event, emitted?.id, emitted?.path], ['message', '1', '/events']);
    assert.deepEqual(parse(emitted?.data ?? ''), frames[0]?.event);
    assert.ok(!emitted?.data.includes('<'));
  });

  test('a message that is empty or too long is refused, to its writer alone', () => {
    const guest = start();
    for (const id of [1n, 2n]) enter(guest, id, 'x');
    taken(guest);
    for (const words of ['', ' \n\t ', 'x'.repeat(501), 'x'.repeat(100_000)]) {
      say(guest, 1n, words);
      assert.deepEqual(taken(guest), [
        { to: 1, event: { type: 'refused', reason: 'a message has 1 to 500 characters' } },
      ]);
    }
    say(guest, 1n, 'x'.repeat(500));
    assert.equal(taken(guest).length, 2);
  });

  test('a binary message ends the connection with 1003', () => {
    const guest = start();
    enter(guest, 1n, 'x');
    guest.event('ws.frame', { conn_id: 1n, opcode: 2n, payload: Buffer.of(1) });
    assert.deepEqual(guest.host.decoded('ws_close'), [{ conn_id: 1, code: 1003, reason: 'text only' }]);
  });

  test('a newcomer sees the last 20 messages', () => {
    const guest = start();
    enter(guest, 1n, 'x');
    for (let i = 1; i <= 30; i++) say(guest, 1n, `line ${i}`);
    taken(guest);
    enter(guest, 2n, 'y');
    const history = taken(guest)[0]?.event['history'];
    assert(Array.isArray(history));
    assert.deepEqual(
      history.map((event: { text: string }) => event.text),
      Array.from({ length: 20 }, (_, i) => `line ${i + 11}`),
    );
  });

  test('the ticker tells how it stands, so often as the config says', () => {
    const guest = start({ ticker_seconds: 3n });
    enter(guest, 1n, 'x');
    say(guest, 1n, 'y');
    guest.host.calls.length = 0;
    for (const second of [100n, 101n, 102n, 103n, 105n, 106n, 50n, 52n, 53n])
      guest.tick(second * 1_000_000_000n);
    const ticks = guest.host.decoded('sse_emit') as { data: string; event: string }[];
    assert.deepEqual(
      ticks.map(({ event, data }) => [event, JSON.parse(data)]),
      [100, 103, 106, 50, 53].map((second) => ['ticker', { online: 1, messages: 1, time: second * 1000 }]),
    );
  });

  test('the weather is what the other server says, as JSON or as plain text', () => {
    for (const [type, expected] of [
      ['application/json; charset=utf-8', 'application/json'],
      ['text/html', 'text/plain; charset=utf-8'],
      ['', 'text/plain; charset=utf-8'],
    ]) {
      const guest = start(
        {},
        { http_fetch: () => encode({ status: 200n, headers: { 'Content-Type': type ?? '' }, body: '<b>' }) },
      );
      const answer = guest.request({ path: '/weather/x', params: { city: 'São Paulo/..?#' } });
      assert.equal(answer?.status, 200n);
      assert.equal(text(answer), '<b>');
      assert.equal(answer.headers.get('Content-Type'), expected);
      assert.equal(answer.headers.get('X-Content-Type-Options'), 'nosniff');
      const [asked] = guest.host.decoded('http_fetch') as { url: string; timeout: number }[];
      assert.equal(asked?.url, 'http://w.test/S%C3%A3o%20Paulo%2F..%3F%23');
      assert.equal(asked?.timeout, 5e9);
    }
  });

  test('a lookup that fails is 502 with the reason', () => {
    const failures: readonly (readonly [ReturnType<HostFunction>, RegExp])[] = [
      [4, /^the weather server: no reply: the request is not allowed/],
      [99, /capability is not declared/],
      [encode({ status: 404n }), /^the weather server: status 404$/],
      [encode({ status: 200n, body: new Uint8Array(65_537) }), /its answer is too long/],
      [encode({}), /no reply/],
    ];
    for (const [answer, reason] of failures) {
      const guest = start({}, { http_fetch: () => answer });
      const said = guest.request({ path: '/weather/x', params: { city: 'x' } });
      assert.equal(said?.status, 502n);
      assert.match(String(parse(text(said))['error']), reason);
    }
    const unset = start({ weather_url: '' }).request({ path: '/weather/x', params: { city: 'x' } });
    assert.equal(unset?.status, 502n);
    assert.match(text(unset), /weather_url is not set/);
  });

  test('what is no name of a city is 400, and nobody is asked', () => {
    const guest = start();
    for (const city of ['', '.', '..', 'x'.repeat(65)]) {
      assert.equal(guest.request({ path: '/weather/x', params: { city } })?.status, 400n, city);
    }
    assert.deepEqual(guest.host.of('http_fetch'), []);
  });

  test('its manifest points at a name that never resolves', () => {
    const manifest = readFileSync(
      join(import.meta.dirname, '../../../plugins/chat/pulp.plugin.toml'),
      'utf8',
    );
    assert.match(manifest, /^weather_url = "http:\/\/[a-z]+\.invalid\/"$/m);
  });
});
