import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { suite, test } from 'node:test';
import type { EdgeRequest } from '../ext.ts';
import { exchange } from './exchange.suite.ts';
import { readRequest, releaseHead } from './request.ts';

interface Head {
  readonly url?: string;
  readonly method?: string;
  readonly lines?: readonly string[];
  readonly httpVersion?: string;
  readonly socket?: { remoteAddress?: string; remotePort?: number };
}

/** Reads a request with this head. `lines` are names and values in turn. */
function read(head: Head): EdgeRequest | undefined {
  const { url = '/', method = 'GET', lines = [], httpVersion = '1.1', socket = {} } = head;
  const request = { url, method, rawHeaders: [...lines], httpVersion, socket } as unknown as IncomingMessage;
  return readRequest(request, {} as ServerResponse);
}

function found(head: Head): EdgeRequest {
  const request = read(head);
  assert.ok(request !== undefined, 'it was refused');
  return request;
}

suite('readRequest: the target', () => {
  test('is split into path and query as they were sent', () => {
    for (const [url, path, query] of [
      ['/', '/', ''],
      ['/a%2Fb/../c//d', '/a%2Fb/../c//d', ''],
      ['/a?b=c&d', '/a', 'b=c&d'],
      ['/a?', '/a', ''],
      ['/a?b?c', '/a', 'b?c'],
      ['//host/a', '//host/a', ''],
      ['/a#b?c', '/a', ''],
      ['/a?b#c', '/a', 'b'],
      ['*', '*', ''],
    ] as const) {
      const request = found({ url });
      assert.deepEqual([request.path, request.query], [path, query], url);
    }
  });

  test('may be an absolute URL, whose authority goes before the Host header', () => {
    for (const [url, path, query, host] of [
      ['http://a.example/b?c', '/b', 'c', 'a.example'],
      ['HTTPS://a.example:8080/b', '/b', '', 'a.example:8080'],
      ['http://a.example', '/', '', 'a.example'],
      ['http://a.example?c', '/', 'c', 'a.example'],
      ['http:///b', '/b', '', ''],
    ] as const) {
      const request = found({ url, lines: ['Host', 'b.example'] });
      assert.deepEqual([request.path, request.query, request.host], [path, query, host], url);
    }
  });

  test('is refused when it is neither', () => {
    for (const url of ['', 'a', 'ftp://a.example/', 'a.example:80', '*a', '?a', '#']) {
      assert.equal(read({ url }), undefined, url);
    }
  });
});

suite('readRequest: the headers', () => {
  test('have canonical names, and of each name the first value', () => {
    const { headers } = found({
      lines: [
        'x-request-ID',
        '1',
        'accept',
        'a',
        'X-REQUEST-ID',
        '2',
        'Accept',
        'b',
        'Content-length',
        '5',
        'connection',
        'close',
      ],
    });
    assert.deepEqual(headers, [
      'X-Request-Id',
      '1',
      'Accept',
      'a',
      'Content-Length',
      '5',
      'Connection',
      'close',
    ]);
  });

  test('a value that reads like a name is no name', () => {
    const { headers } = found({ lines: ['X-A', 'X-B', 'X-B', 'c'] });
    assert.deepEqual(headers, ['X-A', 'X-B', 'X-B', 'c']);
  });

  test('are without Host and Transfer-Encoding', () => {
    const { headers, host } = found({
      lines: ['HOST', 'a.example', 'transfer-encoding', 'chunked', 'A', 'b'],
    });
    assert.deepEqual(headers, ['A', 'b']);
    assert.equal(host, 'a.example');
  });

  test('two Host lines are refused, however they are written', () => {
    assert.equal(read({ lines: ['Host', 'a.example', 'host', 'a.example'] }), undefined);
    assert.equal(read({ lines: ['Host', '', 'HOST', ''] }), undefined);
  });

  test('are the same for many lines as for few', () => {
    for (const count of [10, 31, 32, 33, 5000]) {
      const lines = Array.from({ length: count }, (_, index) => [`x-${index % 3000}`, String(index)]).flat();
      const { headers } = found({ lines });
      assert.equal(headers.length, Math.min(count, 3000) * 2);
      assert.deepEqual(headers.slice(0, 4), ['X-0', '0', 'X-1', '1']);
    }
  });

  test('announce a body by a length that is not 0, or by their encoding', () => {
    for (const [lines, hasBody] of [
      [[], false],
      [['Content-Length', '0'], false],
      [['content-length', '5'], true],
      [['Transfer-Encoding', 'chunked'], true],
      [['X-Length', '5'], false],
    ] as const) {
      assert.equal(found({ lines }).hasBody, hasBody, lines.join(': '));
    }
  });
});

suite('readRequest: the rest', () => {
  test('method, protocol and the client’s address are there', () => {
    const request = found({
      method: 'PURGE',
      httpVersion: '1.0',
      socket: { remoteAddress: '192.0.2.1', remotePort: 4711 },
    });
    assert.deepEqual(
      [request.method, request.proto, request.remoteAddr],
      ['PURGE', 'HTTP/1.0', '192.0.2.1:4711'],
    );
    assert.equal(found({}).proto, 'HTTP/1.1');
    assert.equal(found({ httpVersion: '2.0' }).proto, 'HTTP/2.0');
  });

  test('an IPv6 address is in brackets', () => {
    const { remoteAddr } = found({ socket: { remoteAddress: '2001:db8::1', remotePort: 4711 } });
    assert.equal(remoteAddr, '[2001:db8::1]:4711');
  });

  test('a socket is asked for its address once', () => {
    let asked = 0;
    const socket = {
      get remoteAddress() {
        asked += 1;
        return '192.0.2.1';
      },
      remotePort: 4711,
    };
    for (let requests = 0; requests < 3; requests++)
      assert.equal(found({ socket }).remoteAddr, '192.0.2.1:4711');
    assert.equal(asked, 1);
  });

  test('a client that has gone has no address, which is no error', () => {
    assert.equal(found({}).remoteAddr, ':0');
  });
});

suite('releaseHead', () => {
  test('keeps nothing of the headers, and as much of the target as the log shows', () => {
    const { request, incoming } = exchange('GET', ['Host', 'a', 'X-Large', 'v'.repeat(1000)]);
    request.url = `/${'p'.repeat(5000)}`;
    request.headers = { 'x-large': 'v'.repeat(1000) };
    releaseHead(request);
    assert.deepEqual([request.rawHeaders, request.headers], [[], {}]);
    assert.equal(request.url, `/${'p'.repeat(1023)}`);
    assert.deepEqual(incoming.headers, ['X-Large', 'v'.repeat(1000)]);
  });
});
