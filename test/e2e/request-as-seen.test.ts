import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { startGuest } from '../support/guest-host.ts';
import { mirrored, type Mirrored } from '../support/mirrored.ts';
import type { PulpProcess } from '../support/pulp-process.ts';
import { rawRequest } from '../support/raw-http.ts';
import { suiteScope, type Scope } from '../support/scope.ts';
import { mirror } from '../support/wat-guest.ts';

/** A host whose guest answers every request below `/m/` with what it saw of it. */
function startMirror(t: Scope): Promise<PulpProcess> {
  return startGuest(t, {
    routes: {
      'GET /m/:a/:b': mirror(),
      'GET /m/:a': mirror(),
      'POST /m/:a': mirror(),
      'GET //x': mirror(),
      'GET /a/../b': mirror(),
      'GET /a/./b/': mirror(),
      'GET /rest/*tail': mirror(),
    },
  });
}

/** What the guest saw of a request. */
async function seen(
  t: Scope,
  pulp: PulpProcess,
  {
    target,
    lines = [],
    body = '',
    method = 'GET',
  }: { target: string; lines?: readonly string[]; body?: string | Uint8Array; method?: string },
): Promise<Mirrored> {
  const head = [`${method} ${target} HTTP/1.1`, 'Host: example.test:81', ...lines];
  const response = await rawRequest(t, pulp.port, { head, body });
  assert.equal(
    response.status,
    200,
    `${target} gave ${response.status}: ${response.body.toString('latin1')}`,
  );
  return mirrored(response.body);
}

suite('what a guest sees of a request', () => {
  const scope = suiteScope();
  let pulp: PulpProcess;

  before(async () => {
    pulp = await startMirror(scope);
  });

  test('method, path, params, host, peer, protocol and the path as sent', async (t) => {
    const request = await seen(t, pulp, { target: '/m/one%20two/%C3%A9?q=1' });
    assert.equal(request.method, 'GET');
    assert.equal(request.path, '/m/one two/\xc3\xa9');
    assert.equal(request.rawPath, '/m/one%20two/%C3%A9');
    assert.deepEqual(
      [...request.params],
      [
        ['a', 'one two'],
        ['b', '\xc3\xa9'],
      ],
    );
    assert.deepEqual([...request.query], [['q', '1']]);
    assert.equal(request.host, 'example.test:81');
    assert.match(request.remoteAddr, /^127\.0\.0\.1:\d+$/);
    assert.equal(request.proto, 'HTTP/1.1');
    assert.equal(request.body.length, 0);
    assert.ok(request.id >= 1);
  });

  test('%2F, %00 and bytes that are not UTF-8 stay in their segment as they are', async (t) => {
    const slash = await seen(t, pulp, { target: '/m/a%2Fb%2fc' });
    assert.deepEqual([...slash.params], [['a', 'a/b/c']]);
    assert.equal(slash.path, '/m/a/b/c');
    assert.equal(slash.rawPath, '/m/a%2Fb%2fc');
    assert.equal((await seen(t, pulp, { target: '/m/%00' })).params.get('a'), '\0');
    assert.equal((await seen(t, pulp, { target: '/m/%ff%FE' })).params.get('a'), '\xff\xfe');
    assert.equal((await seen(t, pulp, { target: '/m/%2e%2e' })).params.get('a'), '..');
    assert.equal((await seen(t, pulp, { target: '/m/' })).params.get('a'), '');
    assert.equal((await seen(t, pulp, { target: '/m/a+b' })).params.get('a'), 'a+b');
    const rest = await seen(t, pulp, { target: '/rest/x//%2F/..' });
    assert.equal(rest.params.get('tail'), 'x////..');
  });

  test('nothing of the path is cleaned, and an absolute target is its path', async (t) => {
    for (const target of ['//x', '/a/../b', '/a/./b/']) {
      assert.equal((await seen(t, pulp, { target })).path, target);
    }
    const absolute = await seen(t, pulp, { target: 'http://other.test:82/m/abs?x=y' });
    assert.equal(absolute.path, '/m/abs');
    assert.equal(absolute.rawPath, '/m/abs');
    assert.equal(absolute.query.get('x'), 'y');
    // RFC 9112 section 3.2.2: the authority of the target takes the place of the Host header.
    assert.equal(absolute.host, 'other.test:82');
    for (const target of ['/x', '/b', '/a/b']) {
      const response = await rawRequest(t, pulp.port, { head: [`GET ${target} HTTP/1.1`, 'Host: test'] });
      assert.equal(response.status, 404, target);
    }
  });

  test('the query: first of each key, + is a space, bad pairs are dropped, any bytes, __proto__', async (t) => {
    const target = '/m/q?a=1&a=2&b=x+y%2B&c=%ff&bad=%zz&%zz=bad&empty&=none&__proto__=p&constructor=c';
    const { query } = await seen(t, pulp, { target });
    assert.equal(query.get('a'), '1');
    assert.equal(query.get('b'), 'x y+');
    assert.equal(query.get('c'), '\xff');
    assert.equal(query.get('empty'), '');
    assert.equal(query.get('__proto__'), 'p');
    assert.equal(query.get('constructor'), 'c');
    assert.ok(
      !query.has('bad') && ![...query.values()].includes('bad'),
      'pairs with a bad encoding are dropped',
    );
  });

  test('headers: canonical names, the first of each, without Host and Transfer-Encoding', async (t) => {
    const lines = [
      'x-request-id: one',
      'X-REQUEST-ID: two',
      'content-type: text/x-test',
      '__proto__: p',
      'constructor: c',
      'X-Bytes: \xe4\xff\x80',
      'X-Blank:   around   ',
      'X-Empty:',
      'Connection: close',
      'Transfer-Encoding: chunked',
    ];
    const body = '3\r\nabc\r\n0\r\n\r\n';
    const { headers, body: got } = await seen(t, pulp, { method: 'POST', target: '/m/h', lines, body });
    assert.equal(got.toString(), 'abc');
    assert.equal(headers.get('X-Request-Id'), 'one');
    assert.equal(headers.get('Content-Type'), 'text/x-test');
    assert.equal(headers.get('__proto__') ?? headers.get('__Proto__'), 'p');
    assert.equal(headers.get('Constructor'), 'c');
    assert.equal(headers.get('X-Bytes'), '\xe4\xff\x80');
    assert.equal(headers.get('X-Blank'), 'around');
    assert.equal(headers.get('X-Empty'), '');
    assert.equal(headers.get('Connection'), 'close');
    assert.ok(!headers.has('Host') && !headers.has('Transfer-Encoding'), [...headers.keys()].join());
    assert.equal(headers.size, 8);
  });

  test('5,000 headers within the limit arrive one and all', async (t) => {
    const lines = Array.from({ length: 5000 }, (_, index) => `h${index}:${index}`);
    const { headers } = await seen(t, pulp, { target: '/m/many', lines });
    assert.equal(headers.size, 5000);
    assert.equal(headers.get('H4999'), '4999');
  });

  test('a body of any bytes, and its length in the headers', async (t) => {
    const body = Buffer.from([...Array(256).keys()]);
    const lines = ['Content-Length: 256'];
    const request = await seen(t, pulp, { method: 'POST', target: '/m/body', lines, body });
    assert.deepEqual(request.body, body);
    assert.equal(request.headers.get('Content-Length'), '256');
    const empty = await seen(t, pulp, { method: 'POST', target: '/m/body', lines: ['Content-Length: 0'] });
    assert.equal(empty.body.length, 0);
    assert.equal(empty.headers.get('Content-Length'), '0');
  });
});
