import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { version } from '../../runtime/src/cli/version.ts';
import { type CannedServer, answer, cannedServer, headerOf } from '../support/canned-server.ts';
import {
  type FetchHost,
  fetchAt,
  fetchConstant,
  fetchRequest,
  replyOf,
  startFetchHost,
  withoutRoom,
} from '../support/fetch-guest.ts';
import { guestFolder } from '../support/guest-host.ts';
import { array, bin, int, map, str } from '../support/msgpack-bytes.ts';
import { PulpProcess } from '../support/pulp-process.ts';
import { suiteScope } from '../support/scope.ts';
import { until } from '../support/until.ts';
import { type Action, all, codes } from '../support/wat-guest.ts';

/** Every byte that may be in a header's value, but for blanks at its ends. */
const valueBytes = Array.from({ length: 256 }, (_none, byte) => String.fromCharCode(byte))
  .filter((character) => character === '\t' || (character >= ' ' && character !== '\x7f'))
  .join('')
  .trim();

suite('a request that a plugin makes', () => {
  const scope = suiteScope();
  let host: FetchHost;
  let server: CannedServer;
  before(async () => {
    server = await cannedServer(scope, () => answer('fine'));
    host = await startFetchHost(scope);
  });

  /** Fetches, and gives what the server received. */
  async function sent(request: Parameters<FetchHost['fetch']>[0]) {
    const reply = replyOf(await host.fetch(request));
    assert.equal(reply.status, 200);
    const received = server.received.at(-1);
    assert.ok(received !== undefined);
    return received;
  }

  test('is a GET unless it says otherwise, with what the host adds', async () => {
    const received = await sent({ url: `${server.url}/path?query#fragment` });
    assert.equal(received.method, 'GET');
    assert.equal(received.target, '/path?query');
    assert.deepEqual(received.headers.map(([name, value]) => `${name.toLowerCase()}: ${value}`).toSorted(), [
      'accept-encoding: gzip, deflate, br, zstd',
      'connection: keep-alive',
      `host: 127.0.0.1:${server.port}`,
      `user-agent: Pulp/${version()}`,
    ]);
    assert.equal((await sent({ url: server.url, method: '' })).method, 'GET');
  });

  test('has its letters raised, and its body whatever the method', async () => {
    for (const method of ['get', 'Post', 'PUT', 'patch', 'DELETE', 'options', 'query', 'X-OWN']) {
      const received = await sent({ url: server.url, method, body: 'a\0\xff' });
      assert.equal(received.method, method.toUpperCase());
      assert.equal(received.body.toString('latin1'), 'a\0\xff', method);
      assert.equal(headerOf(received, 'content-length'), '3');
      assert.equal(headerOf(received, 'content-type'), undefined);
    }
    assert.equal(headerOf(await sent({ url: server.url, method: 'POST' }), 'content-length'), '0');
    assert.equal(headerOf(await sent({ url: server.url, method: 'DELETE' }), 'content-length'), undefined);
  });

  test('carries header bytes as given', async () => {
    const received = await sent({
      url: server.url,
      headers: [
        ['x-All', valueBytes],
        ['X-Many', ['1', '2']],
        ['Content-Type', 'text/x'],
        ['User-Agent', 'mine'],
      ],
    });
    assert.ok(received.headers.some(([name, value]) => name === 'x-All' && value === valueBytes));
    assert.deepEqual(
      received.headers.filter(([name]) => name === 'X-Many'),
      [
        ['X-Many', '1'],
        ['X-Many', '2'],
      ],
    );
    assert.equal(headerOf(received, 'content-type'), 'text/x');
    assert.equal(headerOf(received, 'user-agent'), 'mine');
  });

  test('does not carry the headers of a connection: a plugin may forward those of its own request', async () => {
    const received = await sent({
      url: server.url,
      method: 'POST',
      headers: [
        ['Host', 'other.example'],
        ['Content-Length', '9999'],
        ['Transfer-Encoding', 'chunked'],
        ['Connection', 'close, X-Hop'],
        ['X-Hop', '1'],
        ['Expect', '100-continue'],
        ['Upgrade', 'websocket'],
        ['Keep-Alive', 'timeout=99'],
        ['Proxy-Authorization', 'Basic eA=='],
        ['TE', 'trailers'],
        ['X-Kept', '1'],
      ],
      body: 'body',
    });
    assert.equal(headerOf(received, 'host'), `127.0.0.1:${server.port}`);
    assert.equal(headerOf(received, 'content-length'), '4');
    assert.equal(headerOf(received, 'connection'), 'keep-alive');
    assert.equal(headerOf(received, 'x-kept'), '1');
    for (const name of [
      'x-hop',
      'expect',
      'upgrade',
      'keep-alive',
      'proxy-authorization',
      'te',
      'transfer-encoding',
    ]) {
      assert.equal(headerOf(received, name), undefined, name);
    }
  });

  test('makes Basic authorization of user and password', async () => {
    const url = `http://us%65r:p%FFss@127.0.0.1:${server.port}/`;
    const received = await sent({ url });
    assert.equal(
      headerOf(received, 'authorization'),
      `Basic ${Buffer.from('user:p\xffss', 'latin1').toString('base64')}`,
    );
    assert.equal(headerOf(received, 'host'), `127.0.0.1:${server.port}`);
    const own = await sent({ url, headers: [['authorization', 'Bearer x']] });
    assert.equal(headerOf(own, 'authorization'), 'Bearer x');
  });

  test('may be array-encoded, with and without a timeout', async () => {
    const fields = [str('put'), str(server.url), map([['x', str('y')]]), bin('b')];
    for (const message of [array(fields), array([...fields, int(0)])]) {
      assert.equal((await host.fetchBytes(message)).code, 0);
      assert.equal(server.received.at(-1)?.method, 'PUT');
    }
    assert.equal((await host.fetchBytes(array(fields.slice(1)))).code, 3);
  });

  test('is code 1, 2, 3 or 4 when it cannot be made', async () => {
    const already = server.received.length;
    const { url } = server;
    assert.equal((await host.fetchBytes(Buffer.from('x'))).code, 3);
    for (const request of [
      { url: '' },
      { url: `ftp://127.0.0.1:${server.port}/` },
      { url: 'http://' },
      { url, method: 'CONNECT' },
      { url, method: 'G\r\nET' },
      { url, headers: [['a\r\nb', 'c']] },
      { url, headers: [['a', 'b\r\nc: d']] },
      { url, headers: [['a', 'b\0']] },
      { url: `${url}/\r\nX: y` },
      { url: 'http://127.0.0.1:1/' },
      { url: 'http://name.invalid/' },
    ] as const) {
      assert.equal((await host.fetch(request)).code, 4, JSON.stringify(request));
    }
    assert.equal(server.received.length, already);
    await host.pulp.alive();
  });

  test('uses its connection again, and waits for nobody on it', async () => {
    await host.fetch({ url: server.url });
    const { connections } = server;
    for (let count = 0; count < 20; count++) assert.equal((await host.fetch({ url: server.url })).code, 0);
    assert.equal(server.connections, connections);
  });
});

suite('while a plugin waits for an answer', () => {
  test('the host goes on, and so does the plugin when it has it', async (t) => {
    const arrived = Promise.withResolvers<() => void>();
    const server = await cannedServer(t, ({ socket }) => {
      arrived.resolve(() => socket.write(answer('late')));
      return undefined;
    });
    const host = await startFetchHost(t);
    const fetching = host.fetch({ url: server.url });
    const go = await arrived.promise;
    assert.equal((await fetch(`${host.pulp.url}/no-such-route`)).status, 404);
    const waiting = fetch(`${host.pulp.url}/ok`);
    go();
    assert.equal(replyOf(await fetching).body.toString(), 'late');
    assert.equal(await (await waiting).text(), 'ok');
    assert.equal((await host.pulp.stop()).code, 0);
  });

  test('the end of the host cuts it off', async (t) => {
    const arrived = Promise.withResolvers<void>();
    const server = await cannedServer(t, () => {
      arrived.resolve();
      return undefined;
    });
    const host = await startFetchHost(t, { args: ['-drain-timeout', '100ms'] });
    const fetching = host.fetch({ url: server.url }).catch(() => undefined);
    await arrived.promise;
    assert.equal((await host.pulp.stop()).code, 1);
    await fetching;
  });
});

suite('the connections of a plugin', () => {
  test('that the server closes while they are idle are not used again', async (t) => {
    const server = await cannedServer(t, ({ socket, target }) => {
      if (target === '/end') setTimeout(() => socket.end(), 20);
      if (target === '/reset') setTimeout(() => socket.resetAndDestroy(), 20);
      return answer('fine');
    });
    const host = await startFetchHost(t);
    for (let count = 0; count < 6; count++) {
      const target = count % 2 === 0 ? '/end' : '/reset';
      const { connections } = server;
      assert.equal((await host.fetch({ url: server.url + target, method: 'POST' })).code, 0);
      assert.equal(server.connections, connections + 1);
      await until(() => server.open === 0, 'the connection is closed');
    }
  });

  test('that break before an answer are tried once more, when asking twice does no harm', async (t) => {
    let answered = 0;
    const server = await cannedServer(t, ({ socket, target }) => {
      if (target === '/first') return answer('fine');
      // The first time on a connection that was in use before.
      if (answered++ === 0) {
        socket.destroy();
        return undefined;
      }
      return answer('second');
    });
    const host = await startFetchHost(t);
    assert.equal((await host.fetch({ url: `${server.url}/first` })).code, 0);
    assert.equal(replyOf(await host.fetch({ url: `${server.url}/x` })).body.toString(), 'second');
    assert.equal(answered, 2);
    answered = 0;
    assert.equal((await host.fetch({ url: `${server.url}/first` })).code, 0);
    assert.equal((await host.fetch({ url: `${server.url}/x`, method: 'POST' })).code, 4);
    assert.equal(answered, 1, 'a POST was sent twice');
  });

  test('that break at once are not tried for ever', async (t) => {
    const server = await cannedServer(t, ({ socket }) => {
      socket.destroy();
      return undefined;
    });
    const host = await startFetchHost(t);
    assert.equal((await host.fetch({ url: server.url })).code, 4);
    assert.equal(server.received.length, 1);
  });

  test('are closed when they have been idle for a while', async (t) => {
    const server = await cannedServer(t, () => answer('fine', { headers: ['Keep-Alive: timeout=600'] }));
    const host = await startFetchHost(t);
    assert.equal((await host.fetch({ url: server.url })).code, 0);
    assert.equal(server.open, 1);
    await until(() => server.open === 0, 'the connection is closed');
    await host.pulp.alive();
    assert.equal((await host.fetch({ url: server.url })).code, 0);
  });

  test('end with the plugin', async (t) => {
    const server = await cannedServer(t, () => answer('fine'));
    const host = await startFetchHost(t);
    assert.equal((await host.fetch({ url: server.url })).code, 0);
    assert.deepEqual(await host.pulp.stop(), { code: 0, signal: null, stderr: '' });
  });
});

suite('http_fetch', () => {
  test('works in _initialize and init, and in every tick', async (t) => {
    const server = await cannedServer(t, () => answer('fine'));
    const fetching = (path: string): Action => fetchConstant(fetchRequest({ url: server.url + path }));
    const host = await startFetchHost(t, {
      manifest: 'tick_interval_ms = 5',
      guest: {
        initialize: fetching('/initialize'),
        init: fetching('/init'),
        tick: fetching('/tick'),
        routes: { 'GET /codes': codes() },
      },
    });
    await until(() => server.received.length >= 6, 'ticks fetch');
    const noted = Buffer.from(await (await fetch(`${host.pulp.url}/codes`)).arrayBuffer());
    assert.ok(noted.length >= 3 && noted.every((code) => code === 0), noted.toString('hex'));
    assert.deepEqual(
      server.received.slice(0, 4).map(({ target }) => target),
      ['/initialize', '/init', '/tick', '/tick'],
    );
  });

  test('returns 1, 2 and 8 for pointers that are none, 7 without room', async (t) => {
    const server = await cannedServer(t, () => answer('fine'));
    const request = fetchRequest({ url: server.url });
    const out = '(i32.const 400) (i32.const 404)';
    const host = await startFetchHost(t, {
      guest: {
        routes: {
          'GET /codes': all(
            fetchAt('(i32.const 0) (i32.const 0)', out),
            fetchAt('(i32.const 0x7fffff00) (i32.const 16)', out),
            fetchAt('(i32.const 0) (i32.const 16)', '(i32.const -2) (i32.const 404)'),
            fetchAt('(i32.const 0) (i32.const 16)', '(i32.const 400) (i32.const -2)'),
            withoutRoom(fetchConstant(request)),
            codes(),
          ),
        },
      },
    });
    const noted = Buffer.from(await (await fetch(`${host.pulp.url}/codes`)).arrayBuffer());
    assert.deepEqual([...noted], [1, 2, 8, 8, 7]);
    assert.equal(server.received.length, 1);
  });

  test('returns 99 to a plugin that does not declare it', async (t) => {
    const request = fetchRequest({ url: 'http://127.0.0.1:9/' });
    const folder = await guestFolder(t, {
      imports: '(import "pulp" "http_fetch" (func $http_fetch (param i32 i32 i32 i32) (result i32)))',
      routes: {
        'GET /codes': (data) =>
          `(call $note (call $http_fetch ${data.add(request)} (i32.const -1) (i32.const -1))) ${codes()(data)}`,
      },
    });
    const pulp = await PulpProcess.start(t, { manifest: folder });
    const noted = Buffer.from(await (await fetch(`${pulp.url}/codes`)).arrayBuffer());
    assert.deepEqual([...noted], [99]);
  });
});
