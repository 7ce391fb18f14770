import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { options, type WsOptions } from './options.ts';

/** What an option's value comes to; the message of its issue when it is refused. */
function read(key: keyof WsOptions, value: unknown): unknown {
  const result = options[key]['~standard'].validate(value);
  assert.ok(!(result instanceof Promise));
  if (result.issues !== undefined) return `refused: ${result.issues.map(({ message }) => message).join()}`;
  return result.value;
}

suite('the options of transport.ws.inbound', () => {
  test('what is left out has its default', () => {
    const keys = Object.keys(options) as (keyof WsOptions)[];
    assert.deepEqual(Object.fromEntries(keys.map((key) => [key, read(key, undefined)])), {
      max_message_bytes: 1_048_576,
      max_buffered_bytes: 1_048_576,
      max_connections: 10_000,
      ping_interval_ms: 30_000,
      resume: false,
      allowed_origins: undefined,
      protocols: undefined,
    });
  });

  test('a message is never larger than the queue of a plugin', () => {
    assert.equal(read('max_message_bytes', 33_554_432), 33_554_432);
    assert.match(String(read('max_message_bytes', 33_554_433)), /^refused/);
    assert.match(String(read('max_message_bytes', 0)), /^refused/);
  });

  const origins: Readonly<Record<string, string>> = {
    'https://example.com': 'https://example.com',
    'https://example.com/': 'https://example.com',
    'HTTPS://Example.COM': 'https://example.com',
    'https://example.com:443': 'https://example.com',
    'http://example.com:8080': 'http://example.com:8080',
    'http://[::1]:3000': 'http://[::1]:3000',
    'https://b\u00fccher.example': 'https://xn--bcher-kva.example',
    'tauri://localhost': 'tauri://localhost',
    'chrome-extension://abcdef': 'chrome-extension://abcdef',
    null: 'null',
  };
  for (const [given, origin] of Object.entries(origins)) {
    test(`the origin ${given} is ${origin}`, () =>
      assert.deepEqual(read('allowed_origins', [given]), [origin]));
  }

  for (const given of [
    'example.com',
    '*',
    'https://',
    'https://a/b',
    'https://a?b',
    'https://a#b',
    'https://u@a',
    'https://a b',
    String.raw`https://a\b`,
    'https://*.example.com',
    'wss://example.com',
    'WS://example.com',
    '',
  ]) {
    test(`"${given}" is no origin`, () =>
      assert.match(String(read('allowed_origins', [given])), /^refused: expected an origin/));
  }

  test('an empty list of origins lets no page connect', () =>
    assert.deepEqual(read('allowed_origins', []), []));

  test('a list has at most 100 entries', () => {
    const names = Array.from({ length: 101 }, (_, index) => `name${index}`);
    assert.match(String(read('protocols', names)), /^refused: expected at most 100 entries/);
    assert.match(String(read('allowed_origins', names)), /^refused: expected at most 100 entries/);
    assert.deepEqual(read('protocols', names.slice(1)), names.slice(1));
  });

  test('subprotocols are tokens', () => {
    assert.deepEqual(read('protocols', ['chat', 'v1.json+x']), ['chat', 'v1.json+x']);
    for (const name of ['', 'a b', 'a,b', 'a/b', 'caf\u00e9', 'x'.repeat(257)]) {
      assert.match(String(read('protocols', [name])), /^refused/, name);
    }
  });
});
