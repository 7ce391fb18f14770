import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { before, suite, test } from 'node:test';
import { manyConnections } from '../../runtime/src/edge/head-limits.ts';
import { startGuest } from '../support/guest-host.ts';
import { answerOf, Http2Client } from '../support/http2-client.ts';
import { httpsFlags } from '../support/https-certificates.ts';
import { respondLarge } from '../support/large-answer.ts';
import { mirrored } from '../support/mirrored.ts';
import { patiently } from '../support/patiently.ts';
import type { PulpProcess } from '../support/pulp-process.ts';
import { RawConnection } from '../support/raw-http.ts';
import { Flag, Frame, frame, headersFrame, pseudo, RawHttp2 } from '../support/raw-http2.ts';
import { suiteScope } from '../support/scope.ts';
import { all, busy, mirror, respond, text, trap, type WatGuest } from '../support/wat-guest.ts';

const large = 3 * 1024 * 1024;

const guest: WatGuest = {
  routes: {
    'GET /m/:x': mirror(),
    'POST /m/:x': mirror(),
    'GET /slow/:x': all(busy(30), mirror()),
    'GET /204': respond({ status: 204 }),
    'GET /205': respond({ status: 205, body: 'not sent' }),
    'GET /304': respond({ status: 304, headers: [['ETag', '"a"']] }),
    'GET /599': respond({ status: 599, body: 'x' }),
    'GET /large': respondLarge(large),
    'GET /silent': text(''),
    'GET /bad': respond({ status: 99 }),
    'GET /headers': respond({
      headers: [
        ['Connection', 'close'],
        ['Keep-Alive', 'timeout=1'],
        ['Proxy-Connection', 'close'],
        ['Transfer-Encoding', 'chunked'],
        ['Upgrade', 'h2c'],
        ['HTTP2-Settings', 'AAMAAABkAAQAAP__'],
        ['TE', 'gzip'],
        ['Trailer', 'X-Behind'],
        ['Content-Length', '999'],
        ['X-Kept', ' \t in the middle \t'],
        ['X-Blank', ' \t '],
        ['X-Bytes', Buffer.from([0xa3, 0xc3, 0xa9, 0xff])],
        ['__proto__', 'a name like any other'],
        ['Date', 'Thu, 01 Jan 1970 00:00:00 GMT'],
      ],
      body: 'body',
    }),
    'GET /most-headers': respond({
      headers: Array.from({ length: 999 }, (_, index) => [`X-${index}`, 'v'.repeat(55)] as const),
    }),
    'GET /trap': trap(),
  },
};

suite('HTTP/2', () => {
  const scope = suiteScope();
  let pulp: PulpProcess;
  let client: Http2Client;

  before(async () => {
    pulp = await startGuest(scope, guest, { args: [...httpsFlags(), '-max-body-bytes', '1MiB'] });
    client = await Http2Client.open(scope, pulp.port);
  });

  test('a request reaches the plugin as one of HTTP/1.1 does', async () => {
    const { status, body } = await client.request('/m/a%2Fb?x=%20y', {
      method: 'POST',
      headers: { 'content-type': 'text/x', 'x-request-id': ['first', 'second'], te: 'trailers' },
      body: 'hello',
    });
    assert.equal(status, 200);
    const seen = mirrored(body);
    assert.equal(seen.method, 'POST');
    assert.equal(seen.path, '/m/a/b');
    assert.equal(seen.rawPath, '/m/a%2Fb');
    assert.equal(seen.params.get('x'), 'a/b');
    assert.equal(seen.query.get('x'), ' y');
    assert.equal(seen.host, `localhost:${pulp.port}`);
    assert.equal(seen.proto, 'HTTP/2.0');
    assert.match(seen.remoteAddr, /^127\.0\.0\.1:\d+$/);
    assert.equal(seen.body.toString(), 'hello');
    assert.deepEqual(
      [...seen.headers],
      [
        ['Content-Type', 'text/x'],
        ['X-Request-Id', 'first'],
        ['Te', 'trailers'],
      ],
    );
  });

  test('cookies in lines of their own are one header', async () => {
    const { body } = await client.request('/m/x', { headers: { cookie: ['a=1', 'b=2', 'c=3'] } });
    assert.equal(mirrored(body).headers.get('Cookie'), 'a=1; b=2; c=3');
  });

  test('bytes of header values and of the path go there and back unchanged', async () => {
    const bytes = '\xc3\xa9\xa2';
    const { body } = await client.request(`/m/${bytes}`, { headers: { 'x-bytes': bytes } });
    const seen = mirrored(body);
    assert.equal(seen.headers.get('X-Bytes'), bytes);
    assert.equal(seen.path, `/m/${bytes}`);
    const { rawHeaders } = await client.request('/headers');
    assert.equal(rawHeaders[rawHeaders.indexOf('x-bytes') + 1], '\xc3\xa9\xff');
  });

  test('what HTTP/2 forbids in an answer is left out, and the rest is there', async () => {
    const { status, headers, body, code } = await client.request('/headers');
    assert.deepEqual([status, code, body.toString()], [200, 0, 'body']);
    assert.deepEqual(Object.fromEntries(Object.entries(headers)), {
      'x-kept': 'in the middle',
      'x-blank': '',
      'x-bytes': '\xc3\xa9\xff',
      ['__proto__']: 'a name like any other',
      date: 'Thu, 01 Jan 1970 00:00:00 GMT',
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'content-length': '4',
    });
  });

  test('an answer may have as many header lines as over HTTP/1.1', async () => {
    const { status, rawHeaders, code } = await client.request('/most-headers');
    assert.deepEqual([status, code], [200, 0]);
    assert.ok(rawHeaders.length >= 2 * 999);
    assert.equal((await client.request('/ok')).status, 200);
  });

  test('statuses, with bodies where they have one', async () => {
    for (const [path, status, body] of [
      ['/204', 204, ''],
      ['/205', 205, ''],
      ['/304', 304, ''],
      ['/599', 599, 'x'],
      ['/silent', 500, 'plugin did not respond\n'],
      ['/bad', 502, 'bad response from plugin\n'],
      ['/nowhere', 404, '404 page not found\n'],
      ['/m/%zz', 400, 'bad percent-encoding in the path\n'],
    ] as const) {
      const answer = await client.request(path);
      assert.deepEqual([answer.status, answer.body.toString(), answer.code], [status, body, 0], path);
    }
    const wrong = await client.request('/204', { method: 'DELETE' });
    assert.deepEqual([wrong.status, wrong.headers.allow], [405, 'GET, HEAD']);
    assert.equal((await client.request('*', { method: 'OPTIONS' })).status, 404);
    assert.equal((await client.request('/trap')).status, 502);
    await pulp.line('plugin restarted');
  });

  test('HEAD has the length of the body and no body', async () => {
    const { status, headers, body, code } = await client.request('/599', { method: 'HEAD' });
    assert.deepEqual([status, headers['content-length'], body.length, code], [599, '1', 0, 0]);
  });

  test('a large answer comes whole, many at a time too', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.request('/large')));
    for (const { status, body, code } of answers) {
      assert.deepEqual([status, body.length, code], [200, large, 0]);
    }
  });

  test('a body needs no length, may be empty, and may come in pieces', async () => {
    const empty = await client.request('/m/x', { method: 'POST', body: '' });
    assert.equal(mirrored(empty.body).body.length, 0);
    const stream = client.session.request({ ':method': 'POST', ':path': '/m/x' });
    const answer = answerOf(stream);
    for (const piece of ['one', ' ', 'two']) {
      stream.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    stream.end();
    assert.equal(mirrored((await answer).body).body.toString(), 'one two');
  });

  test('a body that is too large is 413, announced or not, and the connection stays', async () => {
    const body = Buffer.alloc(3 * 1024 * 1024);
    for (const headers of [{}, { 'content-length': String(body.length) }]) {
      const answer = await client.request('/m/x', { method: 'POST', headers, body });
      assert.equal(answer.status, 413);
      assert.equal(answer.body.toString(), 'request body too large\n');
      assert.equal(answer.headers.connection, undefined);
    }
    assert.equal((await client.request('/ok')).status, 200);
  });

  test('Expect: 100-continue is answered before the body, another one is 417', async () => {
    const good = await client.request('/m/x', {
      method: 'POST',
      headers: { expect: '100-Continue' },
      body: 'body',
    });
    assert.deepEqual([good.status, good.continued], [200, true]);
    assert.equal(mirrored(good.body).body.toString(), 'body');
    const refused = await client.request('/m/x', {
      method: 'POST',
      headers: { expect: '100-continue', 'content-length': '9999999' },
      body: Buffer.alloc(9_999_999),
    });
    assert.deepEqual([refused.status, refused.continued], [413, false]);
    const odd = await client.request('/m/x', { method: 'POST', headers: { expect: 'miracles' }, body: 'x' });
    assert.equal(odd.status, 417);
  });

  test('a head over 64 KiB is 431, and the connection stays', async () => {
    const fits = await client.request('/m/x', { headers: { 'x-a': 'a'.repeat(60_000) } });
    assert.equal(mirrored(fits.body).headers.get('X-A')?.length, 60_000);
    for (const headers of [
      { 'x-a': 'a'.repeat(65_536) },
      Object.fromEntries(Array.from({ length: 1600 }, (_, index) => [`x-${index}`, 'v'.repeat(34)])),
      Object.fromEntries(Array.from({ length: 2200 }, (_, index) => [`x-${1000 + index}`, 'v'.repeat(20)])),
      { 'x-a': 'a'.repeat(65_000), 'x-b': 'b'.repeat(65_000) },
    ]) {
      const { status, body } = await client.request('/m/x', { headers });
      assert.deepEqual([status, body.toString()], [431, '431 request header fields too large\n']);
    }
    const far = { 'x-a': 'a'.repeat(66_000), 'x-b': 'b'.repeat(66_000) };
    assert.deepEqual(
      (await client.request('/m/x', { headers: far })).code,
      constants.NGHTTP2_ENHANCE_YOUR_CALM,
    );
    assert.equal((await client.request('/ok')).status, 200);
  });

  test('as many header lines as fit are passed on', async () => {
    const headers = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`x-${index}`, 'v']));
    const { body } = await client.request('/m/x', { headers });
    assert.equal(mirrored(body).headers.size, 3000);
  });

  test(':authority and Host that differ are 400, and either will do', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port);
    const bare = pseudo('/ok').filter(([name]) => name !== ':authority');
    const heads: readonly (readonly (readonly [string, string])[])[] = [
      [...pseudo('/ok'), ['host', 'other']],
      [...pseudo('/ok'), ['host', 'LOCALHOST']],
      [...bare, ['host', 'localhost']],
    ];
    for (const [index, head] of heads.entries()) raw.send(headersFrame(1 + 2 * index, head));
    await raw.settled();
    const first = (stream: number): Promise<number | undefined> =>
      raw.frame(Frame.headers, stream).then((found) => found?.payload[0]);
    // The static table of HPACK has 400 at 12, and 200 at 8.
    assert.deepEqual([await first(1), await first(3), await first(5)], [0x8c, 0x88, 0x88]);
  });

  test('CONNECT is 405, and what is no request of HTTP/2 is reset, with no harm to others', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port);
    raw.send(
      headersFrame(1, [
        [':method', 'CONNECT'],
        [':authority', 'localhost:443'],
      ]),
    );
    // The static table of HPACK has `:status` at 8, and the value follows as it is.
    assert.equal((await raw.frame(Frame.headers, 1))?.payload.toString('latin1', 0, 5), 'H\x03405');
    const tunnel = client.session.request({ ':method': 'CONNECT', ':authority': 'localhost:443' });
    const refused = await answerOf(tunnel.end());
    // To who asks for a tunnel nothing is allowed, and that is said (RFC 9110 section 15.5.6).
    assert.deepEqual([refused.status, refused.headers.allow], [405, '']);
    const bad: readonly (readonly (readonly [string, string])[])[] = [
      [...pseudo('/ok', 'CONNECT'), [':protocol', 'websocket']],
      [...pseudo('/ok'), ['host', 'a'], ['host', 'b']],
      [...pseudo('/ok'), ['connection', 'close']],
      [...pseudo('/ok'), ['transfer-encoding', 'chunked']],
      [...pseudo('/ok'), ['te', 'gzip']],
      [...pseudo('/ok'), ['X-Upper', 'a']],
      [...pseudo('/ok'), [':path', '/m/x']],
      [['x-before', 'a'], ...pseudo('/ok')],
      pseudo('/ok').filter(([name]) => name !== ':authority'),
      pseudo('/ok').filter(([name]) => name !== ':path'),
      pseudo(''),
      pseudo('http://localhost/ok'),
      [...pseudo('/m/x', 'POST'), ['content-length', '9']],
    ];
    for (const [index, head] of bad.entries()) {
      const stream = 3 + 2 * index;
      raw.send(headersFrame(stream, head));
      const reset = await raw.frame(Frame.resetStream, stream);
      assert.equal(reset?.payload.readUInt32BE(0), 1, JSON.stringify(head));
    }
    raw.send(headersFrame(101));
    assert.equal((await raw.frame(Frame.headers, 101))?.payload[0], 0x88);
  });

  test('a value that HTTP forbids never reaches the plugin', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port);
    raw.send(headersFrame(1, [...pseudo('/m/x'), ['x-a', 'a\0b'], ['x-b', 'a\r\nb: c'], ['x-c', 'c']]));
    const { headers } = mirrored((await raw.frame(Frame.data, 1))?.payload ?? Buffer.alloc(0));
    assert.deepEqual([...headers], [['X-C', 'c']]);
  });

  test('a target that is no path is 400', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port);
    // Only of a scheme that it knows does the parser know that a path begins with a slash.
    raw.send(
      headersFrame(1, [
        [':method', 'GET'],
        [':scheme', 'odd'],
        [':path', 'ok'],
        [':authority', 'localhost'],
      ]),
    );
    assert.equal((await raw.frame(Frame.headers, 1))?.payload[0], 0x8c);
  });

  test('a request that is cancelled in the middle of its body never reaches the plugin', async (t) => {
    const counted = await startGuest(
      t,
      { routes: { 'POST /m/:x': mirror(), 'GET /m/:x': mirror() } },
      { args: httpsFlags() },
    );
    const raw = await RawHttp2.open(t, counted.port);
    // With each code, that of an end without an error among them.
    for (const [index, code] of [0, 8, 1].entries()) {
      const stream = 1 + 2 * index;
      raw.send(
        headersFrame(stream, pseudo('/m/x', 'POST'), Flag.endHeaders),
        frame(Frame.data, { stream, payload: Buffer.from('a part of it') }),
      );
      await raw.settled();
      raw.send(frame(Frame.resetStream, { stream, payload: Buffer.from([0, 0, 0, code]) }));
      await raw.settled();
    }
    const other = await Http2Client.open(t, counted.port);
    assert.equal(mirrored((await other.request('/m/x')).body).id, 1);
  });

  test('a client that goes on at a 100 it no longer wants, or cancels at once, harms nobody', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port);
    const head = [...pseudo('/m/x', 'POST'), ['expect', '100-continue'] as const];
    for (let stream = 1; stream < 60; stream += 2) {
      raw.send(
        headersFrame(stream, head, Flag.endHeaders),
        frame(Frame.resetStream, { stream, payload: Buffer.from([0, 0, 0, stream % 4 === 1 ? 0 : 8]) }),
      );
    }
    await raw.settled();
    assert.equal((await client.request('/ok')).status, 200);
  });

  test('one answer behind another plugin step does not hold up an answer of the edge', async () => {
    const slow = client.request('/slow/x');
    const fast = client.request('/nowhere');
    assert.equal((await fast).status, 404);
    assert.equal((await slow).status, 200);
  });

  test('the settings that clients are told', async (t) => {
    const { session } = await Http2Client.open(t, pulp.port);
    const { maxConcurrentStreams, enableConnectProtocol, maxHeaderListSize, initialWindowSize } =
      session.remoteSettings;
    assert.deepEqual(
      { maxConcurrentStreams, enableConnectProtocol, maxHeaderListSize, initialWindowSize },
      {
        maxConcurrentStreams: 250,
        enableConnectProtocol: false,
        maxHeaderListSize: 128 * 1024,
        initialWindowSize: 256 * 1024,
      },
    );
  });

  test('where there are many connections, further ones may have less of a head', async (t) => {
    const others = await Promise.all(
      Array.from({ length: manyConnections }, () => RawConnection.open(t, pulp.port)),
    );
    const { session } = await Http2Client.open(t, pulp.port);
    assert.equal(session.remoteSettings.maxHeaderListSize, 32 * 1024);
    for (const other of others) other.drop();
  });

  test('a client that says goodbye gets the answers that it waits for', async (t) => {
    const leaving = await Http2Client.open(t, pulp.port);
    const stream = leaving.session.request({ ':method': 'POST', ':path': '/m/x' });
    const answer = answerOf(stream);
    stream.write('before');
    await new Promise<void>((resolve) => leaving.session.ping(() => resolve()));
    leaving.session.close();
    stream.end(', and behind');
    assert.equal(mirrored((await answer).body).body.toString(), 'before, and behind');
    await patiently(leaving.closed, () => 'the connection stays');
  });
});
