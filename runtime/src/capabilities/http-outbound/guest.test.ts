import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { guestContext, silent } from '../../../../test/support/guest-context.ts';
import { array, bin, int, map, str } from '../../../../test/support/msgpack-bytes.ts';
import { Failure, type GuestContext, type LogFields } from '../../ext.ts';
import { type GuestOverrides, guest, maxFetches } from './guest.ts';
import type { Options } from './options.ts';

const defaults: Options = {
  allowed_hosts: undefined,
  timeout_ms: 25_000,
  max_body_bytes: 1024,
  max_request_body_bytes: 1024,
  max_redirects: 10,
};

interface Given extends GuestOverrides {
  readonly options?: Partial<Options>;
  readonly context?: Partial<GuestContext<Options>>;
}

function fetcher({ options, context, ...overrides }: Given = {}): (bytes: Uint8Array) => Promise<Uint8Array> {
  const made = guestContext({ options: { ...defaults, ...options }, ...context });
  const { http_fetch } = guest(made, overrides).functions;
  return async (bytes) => http_fetch(bytes);
}

function message(url: string, more: readonly (readonly [string, Buffer])[] = []): Buffer {
  return map([['url', str(url)], ...more]);
}

async function refused(promise: Promise<unknown>, code: number, reason: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof Failure, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, reason);
    return true;
  });
}

suite('http_fetch refuses', () => {
  const fetch = fetcher();
  const url = 'http://127.0.0.1:9/';

  test('what cannot be decoded, with code 3', async () => {
    for (const bytes of [
      Buffer.from('x'),
      Buffer.from([0xc1]),
      map([['url', int(1)]]),
      map([['timeout', str('1')]]),
      array([str('GET'), str(url)]),
      message(url).subarray(0, -1),
      message(url, [['headers', array([])]]),
    ]) {
      await refused(fetch(bytes), 3, /./);
    }
  });

  test('methods that are none, and tunnels', async () => {
    for (const method of ['G ET', 'GET\r\n', 'GET\0', '\xe9', ' GET', 'CONNECT', 'connect']) {
      await refused(fetch(message(url, [['method', str(method)]])), 4, /is not an HTTP method|tunnel/);
    }
  });

  test('URLs and headers that cannot be sent', async () => {
    await refused(fetch(map([])), 4, /the URL is not one/);
    await refused(fetch(message('file:///etc/passwd')), 4, /the scheme file: is none/);
    await refused(
      fetch(message(url, [['headers', map([['a', str('b\r\n')]])]])),
      4,
      /a value that HTTP forbids/,
    );
  });

  test('a body over the limit', async () => {
    await refused(fetch(message(url, [['body', bin('x'.repeat(1025))]])), 4, /a body of 1025 bytes/);
    // Within it, the destination is what is refused.
    await refused(fetch(message(url, [['body', bin('x'.repeat(1024))]])), 4, /not public/);
  });

  test('more fetches at a time than a few', async () => {
    const scope = new AsyncDisposableStack();
    const hanging = fetcher({ context: { scope }, resolve: () => new Promise(() => undefined) });
    const first = Array.from({ length: maxFetches }, () => hanging(message('http://hangs.example/')));
    await refused(hanging(message('http://hangs.example/')), 4, /16 fetches are on their way/);
    // The module has to be there before its end can reach them.
    await import('./fetch.ts');
    await new Promise((resolve) => setImmediate(resolve));
    await scope.disposeAsync();
    for (const each of first) await refused(each, 4, /the plugin ends/);
  });
});

suite('a name', () => {
  test('is judged by what it resolves to, each time anew', async () => {
    const addresses = ['127.0.0.1', '10.0.0.1', '::1', '169.254.169.254'];
    let lookups = 0;
    const fetch = fetcher({
      resolve: () => {
        const address = addresses[lookups++] ?? '';
        return Promise.resolve([{ address, family: address.includes(':') ? 6 : 4 }]);
      },
    });
    for (const address of addresses) {
      await refused(
        fetch(message('http://rebound.example/')),
        4,
        new RegExp(`^http://rebound\\.example: ${address}: the address is not public`),
      );
    }
    assert.equal(lookups, addresses.length);
  });

  test('that the list does not have is not looked up', async () => {
    const fetch = fetcher({
      options: { allowed_hosts: ['a.example'] },
      resolve: () => assert.fail('it was looked up'),
    });
    await refused(
      fetch(message('https://b.example/')),
      4,
      /^https:\/\/b\.example: allowed_hosts does not have it$/,
    );
  });

  test('that does not resolve is code 4', async () => {
    const fetch = fetcher({ resolve: () => Promise.reject(new Error('ENOTFOUND')) });
    await refused(fetch(message('https://b.example/')), 4, /ENOTFOUND/);
  });
});

test('a lookup that hangs ends with the request', async () => {
  const fetch = fetcher({ resolve: () => new Promise(() => undefined) });
  const started = message('http://hangs.example/', [['timeout', int(20_000_000)]]);
  await refused(fetch(started), 4, /^http:\/\/hangs\.example: it was not over after 20 ms$/);
  const late = fetcher({ options: { timeout_ms: 20 }, resolve: () => new Promise(() => undefined) });
  await refused(late(message('http://hangs.example/', [['timeout', int(-1)]])), 4, /after 20 ms/);
});

test('lookups that hang, left behind by fetches that ended, have a bound', async () => {
  let lookups = 0;
  const fetch = fetcher({
    resolve: () => {
      lookups += 1;
      return new Promise(() => undefined);
    },
  });
  const hurried = message('http://hangs.example/', [['timeout', int(1_000_000)]]);
  await Promise.all(Array.from({ length: 16 }, () => refused(fetch(hurried), 4, /not over after 1 ms/)));
  await refused(
    fetch(message('http://hangs.example/')),
    4,
    /^http:\/\/hangs\.example: 16 names are being looked up already$/,
  );
  assert.equal(lookups, 16);
});

test('a request cannot have more than five minutes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const asked = Promise.withResolvers<void>();
  const fetch = fetcher({
    resolve: () => {
      asked.resolve();
      return new Promise(() => undefined);
    },
  });
  const ended = refused(
    fetch(message('http://hangs.example/', [['timeout', int(2n ** 63n - 1n)]])),
    4,
    /it was not over after 300000 ms/,
  );
  await asked.promise;
  t.mock.timers.tick(300_000);
  await ended;
});

test('refused destinations are logged once a second, without anything secret', async () => {
  const warnings: (readonly [string, LogFields | undefined])[] = [];
  const log = { ...silent, warn: (text: string, fields?: LogFields) => warnings.push([text, fields]) };
  const fetch = fetcher({ context: { log } });
  for (let count = 0; count < 50; count++) {
    await refused(fetch(message('http://user:secret@127.0.0.1:8080/secret?secret#secret')), 4, /not public/);
  }
  assert.deepEqual(warnings[0], [
    'fetch refused',
    { origin: 'http://127.0.0.1:8080', reason: 'the address is not public: loopback' },
  ]);
  assert.ok(warnings.length < 50, `${warnings.length} lines`);
});
