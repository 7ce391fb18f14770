import assert from 'node:assert/strict';
import type { Http2ServerRequest } from 'node:http2';
import { suite, test } from 'node:test';
import type { EdgeRequest } from '../ext.ts';
import { readHttp2Request } from './http2-request.ts';
import type { Http2Response } from './http2-response.ts';

const usual = [':method', 'GET', ':scheme', 'https', ':path', '/', ':authority', 'a.example'];

/** Reads a request with these lines, names and values in turn, behind those of every request. */
function read(
  lines: readonly string[],
  { head = usual, endAfterHeaders = true, maxBytes = 65_536 } = {},
): EdgeRequest | number {
  const request = { rawHeaders: [...head, ...lines], stream: { endAfterHeaders } };
  return readHttp2Request(request as unknown as Http2ServerRequest, {} as Http2Response, {
    maxBytes,
    remoteAddr: '192.0.2.1:4711',
  });
}

function found(...given: Parameters<typeof read>): EdgeRequest {
  const request = read(...given);
  assert.ok(typeof request !== 'number', 'it was refused');
  return request;
}

/** The usual pseudo headers with one replaced, or left out where it is undefined. */
function but(name: string, value: string | undefined): { head: string[] } {
  const head: string[] = [];
  for (let index = 0; index < usual.length; index += 2) {
    const [own = '', given = ''] = usual.slice(index, index + 2);
    if (own !== name) head.push(own, given);
    else if (value !== undefined) head.push(own, value);
  }
  return { head };
}

suite('readHttp2Request', () => {
  test('takes method, target, host and client from where they are', () => {
    const { method, path, query, host, proto, remoteAddr, hasBody, headers } = found(
      [],
      but(':path', '/a%2Fb?c=d'),
    );
    assert.deepEqual(
      { method, path, query, host, proto, remoteAddr, hasBody, headers },
      {
        method: 'GET',
        path: '/a%2Fb',
        query: 'c=d',
        host: 'a.example',
        proto: 'HTTP/2.0',
        remoteAddr: '192.0.2.1:4711',
        hasBody: false,
        headers: [],
      },
    );
  });

  test('has a body unless the head is the end', () => {
    assert.equal(found([], { endAfterHeaders: false }).hasBody, true);
    assert.equal(found(['content-length', '0'], { endAfterHeaders: false }).hasBody, true);
    assert.equal(found(['content-length', '0']).hasBody, false);
  });

  test('headers have canonical names, and of each name the first value', () => {
    const lines = ['x-request-id', '1', 'accept', 'a', 'x-request-id', '2', 'te', 'trailers'];
    assert.deepEqual(found(lines).headers, ['X-Request-Id', '1', 'Accept', 'a', 'Te', 'trailers']);
  });

  test('many of them, too', () => {
    const lines = Array.from({ length: 100 }, (_, index) => [`x-${index % 50}`, String(index)]).flat();
    const { headers } = found(lines);
    assert.equal(headers.length, 100);
    assert.deepEqual(headers.slice(0, 4), ['X-0', '0', 'X-1', '1']);
  });

  test('crumbs of a cookie are joined, wherever they stand', () => {
    assert.deepEqual(found(['cookie', 'a=1', 'x-a', 'b', 'cookie', 'b=2', 'cookie', 'c=3']).headers, [
      'Cookie',
      'a=1; b=2; c=3',
      'X-A',
      'b',
    ]);
  });

  test('Host is no header, and does for a missing authority', () => {
    const { host, headers } = found(['host', 'b.example'], but(':authority', undefined));
    assert.deepEqual([host, headers], ['b.example', []]);
  });

  test('Host and authority that name different hosts are 400, as are two Hosts', () => {
    assert.equal(read(['host', 'b.example']), 400);
    assert.equal(read(['host', 'a.example:443']), 400);
    assert.equal(found(['host', 'A.Example']).host, 'a.example');
    assert.equal(read(['host', 'a.example', 'host', 'a.example']), 400);
  });

  test('a target that is no path is 400', () => {
    for (const path of ['', 'a', 'https://a.example/', '?a', '#', '*a']) {
      assert.equal(read([], but(':path', path)), 400, path);
    }
    assert.equal(read([], but(':path', undefined)), 400);
    assert.equal(found([], but(':path', '*')).path, '*');
    assert.equal(found([], but(':path', '//b/..')).path, '//b/..');
  });

  test('a head over the limit is 431, counted as HTTP/1.1 would write it', () => {
    // The usual ones are 49 bytes and 4 for each of their lines.
    const size = usual.join('').length + 4 * 4;
    assert.equal(typeof read(['x-a', 'b'], { maxBytes: size + 8 }), 'object');
    assert.equal(read(['x-a', 'b'], { maxBytes: size + 7 }), 431);
    assert.equal(read(['a', '', 'a', ''], { maxBytes: size + 9 }), 431);
  });
});
