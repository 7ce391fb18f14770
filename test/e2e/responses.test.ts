import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { startGuest } from '../support/guest-host.ts';
import { array, map, mapHeader, str } from '../support/msgpack-bytes.ts';
import type { PulpProcess } from '../support/pulp-process.ts';
import { header, RawConnection, rawRequest, type RawResponse } from '../support/raw-http.ts';
import { suiteScope } from '../support/scope.ts';
import {
  all,
  codes,
  remember,
  respond,
  respondBytes,
  respondLate,
  respondTo,
  text,
  type Action,
  type Response,
} from '../support/wat-guest.ts';

const host = 'Host: test';

/** What comes before the id in a map with so many keys. */
function mapWithId(keys: number): Buffer {
  return Buffer.concat([mapHeader(keys), str('id')]);
}

/** All values of a header, in their order. */
function valuesOf({ headers }: RawResponse, name: string): string[] {
  return headers.filter(([found]) => found.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}

/** Responses that HTTP has no form for: each has to become a 502. */
const forbidden: Readonly<Record<string, Response>> = {
  'status 1': { status: 1 },
  'status 99': { status: 99 },
  'status 100': { status: 100 },
  'status 101': { status: 101 },
  'status 199': { status: 199 },
  'status 600': { status: 600 },
  'status 1000': { status: 1000 },
  'status -1': { status: -1 },
  'status 2^32+200': { status: 2 ** 32 + 200 },
  'CR LF in a value': { headers: [['X-A', 'one\r\nX-B: two']] },
  'lone LF in a value': { headers: [['X-A', 'one\nX-B: two']] },
  'lone CR in a value': { headers: [['X-A', 'one\rtwo']] },
  'NUL in a value': { headers: [['X-A', 'one\0two']] },
  'DEL in a value': { headers: [['X-A', 'one\x7ftwo']] },
  'CR LF in a name': { headers: [['X-A: one\r\nX-B', 'two']] },
  'NUL in a name': { headers: [['X\0A', 'one']] },
  'a blank in a name': { headers: [['X A', 'one']] },
  'a colon in a name': { headers: [['X:A', 'one']] },
  'an empty name': { headers: [['', 'one']] },
  'a name that is not ASCII': { headers: [['X-\xe4', 'one']] },
  'CR LF in the second value of a list': {
    headers: [['Set-Cookie', array([str('a=1'), str('b=2\r\nX-B: two')])]],
  },
  'CR LF in the name of a dropped header': { headers: [['Content-Length\r\nX-B', '1']] },
  '40,000 headers': { headers: Array.from({ length: 40_000 }, (_, index) => [`x${index}`, 'v']) },
  'a header of 1 MiB': { headers: [['X-Large', 'x'.repeat(2 ** 20)]] },
};

const good: Readonly<Record<string, Action>> = {
  'GET /zero': respond({ status: 0, body: 'zero' }),
  'GET /empty': respond({}),
  'GET /599': respond({ status: 599, body: 'odd' }),
  'GET /framing': respond({
    headers: [
      ['Content-Length', '3'],
      ['transfer-encoding', 'chunked'],
      ['CONNECTION', 'upgrade'],
      ['X-Kept', 'yes'],
    ],
    body: 'longer than three',
  }),
  'GET /trailer': respond({
    headers: [
      ['Trailer', 'X-Late'],
      ['Upgrade', 'h2c'],
      ['Keep-Alive', 'timeout=1'],
    ],
    body: 'body',
  }),
  'GET /own': respond({
    headers: [
      ['Date', 'never'],
      ['Server', 'mine'],
      ['content-type', 'x/y'],
    ],
    body: 'body',
  }),
  'GET /cookies': respondBytes(
    mapWithId(3),
    Buffer.concat([
      str('headers'),
      map([['Set-Cookie', array([str('a=1'), str('b=2')])]]),
      str('cookies'),
      array([str('c=3'), str('d=4')]),
    ]),
  ),
  'GET /bytes': respond({ headers: [['X-Bytes', '\x80\xe4\xff\t~']], body: Buffer.from([0xff, 0, 0x80]) }),
  'GET /html': respond({ body: '<!DOCTYPE HTML><title>x</title>' }),
  'GET /204': respond({ status: 204, body: 'a body that must not be' }),
  'GET /304': respond({ status: 304, body: 'a body that must not be' }),
  'GET /205': respond({ status: 205, body: 'a body that must not be' }),
};

suite('what a guest answers', () => {
  const scope = suiteScope();
  let pulp: PulpProcess;
  const names = Object.keys(forbidden);

  before(async () => {
    pulp = await startGuest(scope, {
      routes: {
        ...good,
        ...Object.fromEntries(
          names.map((name, index) => [`GET /bad/${index}`, respond(forbidden[name] ?? {})]),
        ),
        'GET /codes': codes(),
      },
    });
  });

  for (const [index, name] of names.entries()) {
    test(`${name}: 502, a line in the log, and the connection goes on`, async (t) => {
      const connection = await RawConnection.open(t, pulp.port);
      connection.head(`GET /bad/${index} HTTP/1.1`, host);
      const response = await connection.response();
      assert.equal(response.status, 502);
      assert.equal(header(response, 'X-B'), undefined);
      assert.equal(header(response, 'X-A'), undefined);
      connection.head('GET /ok HTTP/1.1', host);
      assert.equal((await connection.response()).body.toString(), 'ok');
      await pulp.line('bad response from plugin', { plugin: 'guest' });
    });
  }

  const get = (path: string, method = 'GET') =>
    rawRequest(scope, pulp.port, { head: [`${method} ${path} HTTP/1.1`, host] });

  test('status 0 is 200, an empty answer has length 0, and any status up to 599 is sent', async () => {
    const zero = await get('/zero');
    assert.equal(zero.status, 200);
    assert.equal(zero.body.toString(), 'zero');
    assert.equal(header(await get('/empty'), 'Content-Length'), '0');
    assert.equal((await get('/599')).status, 599);
  });

  test('headers of the framing are dropped, others kept', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    connection.head('GET /framing HTTP/1.1', host);
    const response = await connection.response();
    assert.equal(response.body.toString(), 'longer than three');
    assert.equal(header(response, 'Content-Length'), '17');
    assert.equal(header(response, 'Transfer-Encoding'), undefined);
    assert.equal(header(response, 'Connection'), 'keep-alive');
    assert.equal(header(response, 'X-Kept'), 'yes');
    connection.head('GET /ok HTTP/1.1', host);
    assert.equal((await connection.response()).body.toString(), 'ok');
  });

  test('headers about trailers, upgrades and keeping alive cost neither answer nor connection', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    connection.head('GET /trailer HTTP/1.1', host);
    const response = await connection.response();
    assert.equal(response.status, 200);
    assert.equal(response.body.toString(), 'body');
    assert.deepEqual(valuesOf(response, 'Trailer'), []);
    // The one line that is there says what the host does.
    assert.deepEqual(valuesOf(response, 'Keep-Alive'), ['timeout=60']);
    connection.head('GET /ok HTTP/1.1', host);
    assert.equal((await connection.response()).body.toString(), 'ok');
  });

  test('Date, Server and Content-Type of the guest take the place of ours', async () => {
    const response = await get('/own');
    assert.deepEqual(valuesOf(response, 'Date'), ['never']);
    assert.deepEqual(valuesOf(response, 'Server'), ['mine']);
    assert.deepEqual(valuesOf(response, 'Content-Type'), ['x/y']);
    assert.equal(header(response, 'X-Content-Type-Options'), undefined);
  });

  test('several cookies are several lines, in their order', async () => {
    assert.deepEqual(valuesOf(await get('/cookies'), 'Set-Cookie'), ['a=1', 'b=2', 'c=3', 'd=4']);
  });

  test('bytes of header values and bodies go out as they are', async () => {
    const response = await get('/bytes');
    assert.equal(header(response, 'X-Bytes'), '\x80\xe4\xff\t~');
    assert.deepEqual(response.body, Buffer.from([0xff, 0, 0x80]));
  });

  test('a missing Content-Type is found out, with nosniff', async () => {
    const html = await get('/html');
    assert.match(header(html, 'Content-Type') ?? '', /^text\/html/);
    assert.equal(header(html, 'X-Content-Type-Options'), 'nosniff');
    assert.match(header(await get('/bytes'), 'Content-Type') ?? '', /^application\/octet-stream/);
    assert.equal(header(await get('/zero'), 'Content-Type'), 'text/plain; charset=utf-8');
  });

  test('204, 205, 304 and answers to HEAD have no body, whatever the guest gave', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    for (const [path, status] of [
      ['/204', 204],
      ['/304', 304],
    ] as const) {
      connection.head(`GET ${path} HTTP/1.1`, host);
      const response = await connection.response();
      assert.equal(response.status, status);
      assert.equal(header(response, 'Transfer-Encoding'), undefined);
      assert.equal(header(response, 'Content-Length'), undefined);
      assert.equal(header(response, 'Content-Type'), undefined, 'a type for a body that is not there');
      assert.equal(header(response, 'X-Content-Type-Options'), undefined);
    }
    for (const path of ['/zero', '/204', '/framing']) {
      connection.head(`HEAD ${path} HTTP/1.1`, host);
      await connection.response({ toHead: true });
    }
    connection.head('GET /205 HTTP/1.1', host);
    const reset = await connection.response();
    assert.equal(reset.status, 205);
    assert.equal(header(reset, 'Content-Length'), '0');
    assert.equal(header(reset, 'Content-Type'), undefined);
    // A body that was sent all the same would stand in front of this.
    connection.head('GET /ok HTTP/1.1', host);
    assert.equal((await connection.response()).body.toString(), 'ok');
  });

  test('a guest that only ever answers badly has code 0 each time', async () => {
    await get('/codes');
    await get('/bad/0');
    const { body } = await get('/codes');
    assert.deepEqual([...body], [0]);
  });
});

suite('which request a guest may answer', () => {
  const scope = suiteScope();
  let pulp: PulpProcess;

  before(async () => {
    pulp = await startGuest(
      scope,
      {
        routes: {
          'GET /twice': all(respond({ body: 'first' }), respond({ body: 'second' })),
          'GET /other': all(...[0, 1, 2 ** 31, 2 ** 53, -1].map((id) => respondTo(id, { body: 'stolen' }))),
          'GET /remember': remember(),
          'GET /late': all(respondLate({ body: 'late' }), respond({ body: 'own' })),
          'GET /remember-for-tick': all(remember(), text('(global.set $armed (i32.const 1))')),
          'GET /codes': codes(),
        },
        tick: (data) =>
          `(if (global.get $armed) (then (global.set $armed (i32.const 0)) ${respondLate({ body: 'tick' })(data)}))`,
      },
      { manifest: 'tick_interval_ms = 20' },
    );
  });

  const get = async (path: string) => {
    const { status, body } = await rawRequest(scope, pulp.port, { head: [`GET ${path} HTTP/1.1`, host] });
    return { status, body: body.toString('latin1') };
  };
  const notedCodes = async () => [...Buffer.from((await get('/codes')).body, 'latin1')];

  test('its own, once: the second answer is code 4', async () => {
    await notedCodes();
    assert.deepEqual(await get('/twice'), { status: 200, body: 'first' });
    assert.deepEqual(await notedCodes(), [0, 4]);
  });

  test('no other: every id that is not its own is code 4', async () => {
    await notedCodes();
    assert.equal((await get('/other')).status, 500);
    assert.deepEqual(await notedCodes(), [4, 4, 4, 4, 4]);
  });

  test('not an earlier one that had its 500 already', async () => {
    await notedCodes();
    assert.equal((await get('/remember')).status, 500);
    assert.deepEqual(await get('/late'), { status: 200, body: 'own' });
    assert.deepEqual(await notedCodes(), [4, 0]);
  });

  test('not from a tick', async () => {
    await notedCodes();
    assert.equal((await get('/remember-for-tick')).status, 500);
    let noted: number[] = [];
    while (noted.length === 0) noted = await notedCodes();
    assert.deepEqual(noted, [4]);
  });
});
