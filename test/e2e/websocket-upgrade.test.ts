/** How connections begin: which upgrades are taken, and what the others are answered. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { before, suite, test } from 'node:test';
import { WebSocket } from 'ws';
import type { PulpProcess } from '../support/pulp-process.ts';
import { header, RawConnection, rawRequest } from '../support/raw-http.ts';
import { handshake, RawWebSocket } from '../support/raw-websocket.ts';
import { suiteScope } from '../support/scope.ts';
import { eventually, seen, type SeenOpen, startWsGuest, wsGuest } from '../support/ws-guest.ts';
import { busy, all, mirror, respond } from '../support/wat-guest.ts';

const guest = wsGuest(['/ws', '/both', '/a b/\xff', '/:name', '/room/42', '/'], {
  routes: {
    'GET /both': respond({ body: 'route' }),
    'GET /mirror': mirror(),
    'POST /post': respond({ body: 'posted' }),
    'GET /slow': all(busy(300), respond({ body: 'slow' })),
  },
});

/** The beginning of a connection with this path. */
function opened(pulp: PulpProcess, path: string): Promise<SeenOpen> {
  return eventually(
    () =>
      seen(pulp)
        .filter((event) => event.kind === 'open')
        .find((event) => event.path === path),
    () => `nothing was opened on ${path}:\n${pulp.dump()}`,
  );
}

const lines = (path: string, headers: readonly string[]): readonly string[] => [
  `GET ${path} HTTP/1.1`,
  'Host: test',
  ...headers,
];
const upgrade = ['Upgrade: websocket', 'Connection: Upgrade'];
const version = 'Sec-WebSocket-Version: 13';
const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';

suite('upgrades', { concurrency: 4 }, () => {
  const scope = suiteScope();
  let pulp: PulpProcess;

  before(async () => {
    pulp = await startWsGuest(scope, guest);
  });

  test('the answer is the one that RFC 6455 gives as its example', async (t) => {
    const response = await rawRequest(t, pulp.port, { head: lines('/ws', [...upgrade, version, key]) });
    assert.equal(response.status, 101);
    assert.equal(header(response, 'Sec-WebSocket-Accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    assert.equal(header(response, 'Upgrade'), 'websocket');
    assert.equal(header(response, 'Connection'), 'Upgrade');
    assert.equal(header(response, 'Sec-WebSocket-Protocol'), undefined);
    assert.equal(header(response, 'Sec-WebSocket-Extensions'), undefined);
  });

  test('the plugin is told path, query and headers, without Host', async (t) => {
    const headers = ['X-One: 1', 'x-one: 2', 'Origin: https://anywhere.example', 'Cookie: a=b'];
    await RawWebSocket.open(t, pulp.port, { path: '/room/42?a=1&b=x+y%21&a=2', headers });
    const { query, headers: told } = await opened(pulp, '/room/42');
    assert.deepEqual(query, { a: '1', b: 'x y!' });
    assert.deepEqual(
      { ...told, 'Sec-Websocket-Key': '' },
      {
        Upgrade: 'websocket',
        Connection: 'Upgrade',
        'Sec-Websocket-Version': '13',
        'Sec-Websocket-Key': '',
        'X-One': '1',
        Origin: 'https://anywhere.example',
        Cookie: 'a=b',
      },
    );
  });

  test('paths are compared as a whole, percent-decoded, byte by byte', async (t) => {
    for (const path of [
      '/',
      '/ws',
      '/%77s',
      '/ws?x',
      '/a%20b%2F%ff',
      '/:name',
      '/%3Aname',
      'http://test/ws',
    ]) {
      await RawWebSocket.open(t, pulp.port, { path });
    }
    for (const path of ['/ws/', '/WS', '//ws', '/./ws', '/w', '/wss', '/some', '/a+b/%ff', '/a%20b/%FE']) {
      const response = await rawRequest(t, pulp.port, { head: lines(path, [...upgrade, version, key]) });
      assert.equal(response.status, 404, path);
    }
  });

  test('bytes that come with the handshake are frames already', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    connection.send(`${handshake('/ws')}\x81\x82\0\0\0\0hi`);
    assert.equal((await connection.response()).status, 101);
    await eventually(
      () => (connection.rest === '\x81\x02hi' ? true : undefined),
      () => connection.rest,
    );
  });

  test('an upgrade on a path without WebSockets is a request like any other', async (t) => {
    const response = await rawRequest(t, pulp.port, { head: lines('/mirror', [...upgrade, version, key]) });
    assert.equal(response.status, 200);
    const post = await rawRequest(t, pulp.port, {
      head: ['POST /post HTTP/1.1', 'Host: test', ...upgrade, 'Content-Length: 2'],
      body: 'hi',
    });
    assert.equal(post.body.toString(), 'posted');
  });

  test('a path may have a route and WebSockets', async (t) => {
    await RawWebSocket.open(t, pulp.port, { path: '/both' });
    const response = await rawRequest(t, pulp.port, { head: lines('/both', []) });
    assert.equal(response.body.toString(), 'route');
  });

  suite('426: a request that is no upgrade, on a path that has only WebSockets', () => {
    const plain: Readonly<Record<string, readonly string[]>> = {
      GET: lines('/ws', []),
      'GET with a query': lines('/ws?a=b', []),
      HEAD: ['HEAD /ws HTTP/1.1', 'Host: test'],
      POST: ['POST /ws HTTP/1.1', 'Host: test', 'Content-Length: 0'],
      'an upgrade by POST': [
        'POST /ws HTTP/1.1',
        'Host: test',
        ...upgrade,
        version,
        key,
        'Content-Length: 0',
      ],
      'an upgrade to something else': lines('/ws', ['Upgrade: h2c', 'Connection: Upgrade']),
      'an upgrade without Connection': lines('/ws', ['Upgrade: websocket', version, key]),
      'an upgrade on HTTP/1.0': ['GET /ws HTTP/1.0', 'Host: test', ...upgrade, version, key],
    };
    for (const [name, head] of Object.entries(plain)) {
      test(name, async (t) => {
        const response = await rawRequest(t, pulp.port, { head });
        assert.equal(response.status, 426);
        assert.equal(header(response, 'Upgrade'), 'websocket');
        assert.equal(header(response, 'Connection'), 'Upgrade');
      });
    }
  });

  suite('a handshake that is wrong', () => {
    const wrong: Readonly<Record<string, readonly [status: number, headers: readonly string[]]>> = {
      'no key': [400, [version]],
      'an empty key': [400, [version, 'Sec-WebSocket-Key:']],
      'a key of 15 bytes': [400, [version, 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA']],
      'a key that is not base64': [400, [version, 'Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!==']],
      'two keys': [400, [version, key, key]],
      'no version': [426, [key]],
      'version 8': [426, [key, 'Sec-WebSocket-Version: 8']],
      'version 14': [426, [key, 'Sec-WebSocket-Version: 14']],
      'version 013': [426, [key, 'Sec-WebSocket-Version: 013']],
      'subprotocols that are no tokens': [400, [version, key, 'Sec-WebSocket-Protocol: a b']],
      'a subprotocol twice': [400, [version, key, 'Sec-WebSocket-Protocol: a, a']],
      'two Hosts': [400, [version, key, 'Host: other']],
    };
    for (const [name, [status, headers]] of Object.entries(wrong)) {
      test(`${name}: ${status}, and the connection is closed`, async (t) => {
        const connection = await RawConnection.open(t, pulp.port);
        connection.head(...lines('/ws', [...upgrade, ...headers]));
        const response = await connection.response();
        assert.equal(response.status, status);
        if (status === 426) assert.equal(header(response, 'Sec-WebSocket-Version'), '13');
        await connection.closed;
      });
    }
  });

  test('an upgrade behind a request whose answer is not over does not mix the two', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    connection.send(`GET /slow HTTP/1.1\r\nHost: test\r\n\r\n${handshake('/ws')}`);
    const slow = await connection.response();
    assert.deepEqual([slow.status, slow.body.toString()], [200, 'slow']);
    assert.equal((await connection.response()).status, 426);
  });

  for (const [name, status, head] of [
    ['without Host', 400, 'GET /ok HTTP/1.1'],
    ['whose Host comes twice', 400, 'GET /ok HTTP/1.1\r\nHost: a\r\nHost: b'],
    ['with an expectation', 417, 'GET /ok HTTP/1.1\r\nHost: a\r\nExpect: miracles'],
  ] as const) {
    test(`an upgrade behind a request ${name} does not mix the two either`, async (t) => {
      const connection = await RawConnection.open(t, pulp.port);
      connection.send(`${head}\r\n\r\n${handshake('/ws')}`);
      assert.equal((await connection.response()).status, status);
      if (status === 417) assert.equal((await connection.response()).status, 426);
      else await connection.closed;
      assert.doesNotMatch(connection.rest, / 101 /);
    });
  }

  test('an upgrade without Host is 400', async (t) => {
    const response = await rawRequest(t, pulp.port, {
      head: ['GET /ws HTTP/1.1', ...upgrade, version, key],
    });
    assert.equal(response.status, 400);
  });

  test('an upgrade behind an answer that is over is taken', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    connection.head('GET /ok HTTP/1.1', 'Host: test');
    assert.equal((await connection.response()).body.toString(), 'ok');
    connection.send(handshake('/ws'));
    assert.equal((await connection.response()).status, 101);
  });

  test('thousands of headers are 431 at most, and clients that reset in the middle harm nobody', async (t) => {
    const headers = Array.from({ length: 5000 }, (_, index) => `X-${index}: ${'x'.repeat(20)}`);
    assert.equal(
      (await rawRequest(t, pulp.port, { head: lines('/ws', [...upgrade, version, key, ...headers]) })).status,
      431,
    );
    for (const bytes of [
      handshake('/ws'),
      handshake('/ws', ['Sec-WebSocket-Protocol: ,']),
      'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n',
    ]) {
      for (let round = 0; round < 20; round++) {
        const socket = connect({ port: pulp.port, host: '127.0.0.1' });
        socket.on('error', () => undefined);
        await once(socket, 'connect');
        socket.write(bytes, () => socket.resetAndDestroy());
        await once(socket, 'close');
      }
    }
    await pulp.alive();
    assert.ok(!pulp.messages.includes('internal error'), pulp.dump());
  });

  test('a client that has ended its side before the answer gets none, and harms nobody', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    connection.send(handshake('/ws'));
    connection.finish();
    await connection.closed;
    await pulp.alive();
  });

  test('the client of the platform connects', async () => {
    const client = new globalThis.WebSocket(`ws://127.0.0.1:${pulp.port}/ws`);
    await once(client, 'open');
    client.send('grüße');
    const [event] = (await once(client, 'message')) as [MessageEvent];
    assert.equal(event.data, 'grüße');
    client.close(4000, 'done');
    const [closed] = (await once(client, 'close')) as [CloseEvent];
    assert.deepEqual([closed.code, closed.wasClean], [4000, true]);
  });
});

suite('allowed_origins and protocols', { concurrency: 4 }, () => {
  const scope = suiteScope();
  let pulp: PulpProcess;

  before(async () => {
    pulp = await startWsGuest(scope, wsGuest(['/ws']), {
      options: [
        'allowed_origins = ["https://example.com", "http://localhost:8080", "tauri://localhost"]',
        'protocols = ["chat.v2", "chat.v1"]',
      ].join('\n'),
    });
  });

  for (const origin of ['https://example.com', 'http://localhost:8080', 'tauri://localhost']) {
    test(`${origin} may connect`, async (t) => {
      await RawWebSocket.open(t, pulp.port, { headers: [`Origin: ${origin}`] });
    });
  }

  const refused: Readonly<Record<string, readonly string[]>> = {
    'another origin': ['Origin: https://example.org'],
    'another scheme': ['Origin: http://example.com'],
    'another port': ['Origin: https://example.com:8443'],
    'a name that only begins the same': ['Origin: https://example.com.evil.example'],
    'a subdomain': ['Origin: https://www.example.com'],
    null: ['Origin: null'],
    'an empty one': ['Origin:'],
    'two origins': ['Origin: https://example.com', 'Origin: https://evil.example'],
  };
  for (const [name, headers] of Object.entries(refused)) {
    test(`${name}: 403`, async (t) => {
      const response = await rawRequest(t, pulp.port, {
        head: lines('/ws', [...upgrade, version, key, ...headers]),
      });
      assert.equal(response.status, 403);
    });
  }

  test('a client that names no origin, as only a browser has to, may connect', async (t) => {
    await RawWebSocket.open(t, pulp.port);
  });

  const origin = 'Origin: https://example.com';
  const asked: Readonly<Record<string, string | undefined>> = {
    'chat.v1': 'chat.v1',
    'chat.v1, chat.v2': 'chat.v2',
    'other,chat.v1': 'chat.v1',
    other: undefined,
  };
  for (const [offer, selected] of Object.entries(asked)) {
    test(`of the subprotocols ${offer} ${selected ?? 'none'} is selected`, async (t) => {
      const response = await rawRequest(t, pulp.port, {
        head: lines('/ws', [...upgrade, version, key, origin, `Sec-WebSocket-Protocol: ${offer}`]),
      });
      assert.equal(response.status, 101);
      assert.equal(header(response, 'Sec-WebSocket-Protocol'), selected);
    });
  }

  test('a client that asks for none gets none', async (t) => {
    const { head } = await RawWebSocket.open(t, pulp.port, { headers: [origin] });
    assert.doesNotMatch(head, /-Protocol/i);
  });
});

test('max_connections: one more gets 503, and the log says how many', async (t) => {
  const pulp = await startWsGuest(t, wsGuest(['/ws']), { options: 'max_connections = 2' });
  const first = await RawWebSocket.open(t, pulp.port);
  await RawWebSocket.open(t, pulp.port);
  const refused = await rawRequest(t, pulp.port, { head: lines('/ws', [...upgrade, version, key]) });
  assert.equal(refused.status, 503);
  assert.ok(Number(header(refused, 'Retry-After')) >= 1);
  await pulp.line('websocket connections refused', { count: '1', max_connections: '2' });
  // Its place is free once the plugin knows that it has gone.
  first.drop();
  let status = 503;
  while (status === 503) {
    const connection = await RawConnection.open(t, pulp.port);
    connection.send(handshake('/ws'));
    ({ status } = await connection.response());
  }
  assert.equal(status, 101);
});

test('compression is not agreed on', async (t) => {
  const pulp = await startWsGuest(t);
  const client = new WebSocket(`ws://127.0.0.1:${pulp.port}/ws`, { perMessageDeflate: true });
  t.after(() => client.terminate());
  await once(client, 'open');
  assert.equal(client.extensions, '');
});
