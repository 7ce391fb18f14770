import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import zlib from 'node:zlib';
import { type CannedServer, answer, cannedServer, headerOf } from '../support/canned-server.ts';
import {
  type FetchHost,
  type FetchRequest,
  type FetchResult,
  replyOf,
  startFetchHost,
} from '../support/fetch-guest.ts';
import { suiteScope } from '../support/scope.ts';

const MiB = 1024 * 1024;
const body = Buffer.from('what a server says '.repeat(500));

const encoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => zlib.gzipSync(bytes),
  deflate: (bytes) => zlib.deflateSync(bytes),
  // At its best it takes seconds for what is a bomb here.
  br: (bytes) => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
  zstd: (bytes) => zlib.zstdCompressSync(bytes),
};

/** An answer that ends with its connection. */
const untilEnd = (text: string): string => `HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${text}`;
const chunked = (text: string): string => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${text}`;

suite('an answer that a plugin gets', () => {
  const scope = suiteScope();
  let host: FetchHost;
  let server: CannedServer;
  /** What the server does next. */
  let next: Parameters<typeof cannedServer>[1];
  before(async () => {
    server = await cannedServer(scope, (request) => next(request));
    host = await startFetchHost(scope, { options: 'max_body_bytes = 1048576' });
  });

  /** Fetches with this answer. */
  function getting(bytes: string | Buffer, request: Partial<FetchRequest> = {}): Promise<FetchResult> {
    next = () => bytes;
    return host.fetch({ url: server.url, ...request });
  }

  /** The same, and then the server closes the connection. */
  function gettingAll(bytes: string | Buffer, end: 'end' | 'reset' = 'end'): Promise<FetchResult> {
    next = ({ socket }) => {
      socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, () => {
        if (end === 'end') socket.end();
        // What was written has to arrive before it.
        else setTimeout(() => socket.resetAndDestroy(), 30);
      });
      return undefined;
    };
    return host.fetch({ url: server.url });
  }

  test('has id 0, canonical names, the first of each, and bytes as they were sent', async () => {
    const reply = replyOf(
      await getting(
        answer('\0\xff', {
          status: '404 Not Found',
          headers: [
            'x-own-NAME:  \xff\xe4 \t ',
            'set-cookie: a',
            'Set-Cookie: b',
            'X-Empty:',
            'ETAG: "x"',
            '__proto__: p',
            '__PROTO__: q',
          ],
        }),
      ),
    );
    assert.equal(reply.id, 0);
    assert.equal(reply.status, 404);
    assert.equal(reply.body.toString('latin1'), '\0\xff');
    assert.deepEqual(
      [...reply.headers],
      [
        ['X-Own-Name', '\xff\xe4'],
        ['Set-Cookie', 'a'],
        ['X-Empty', ''],
        ['Etag', '"x"'],
        ['__proto__', 'p'],
        ['Content-Length', '2'],
      ],
    );
  });

  test('comes in chunks, or until the end of the connection, or in pieces', async () => {
    const reply = replyOf(await getting(chunked('3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: z\r\n\r\n')));
    assert.equal(reply.body.toString(), 'abcde');
    assert.deepEqual([...reply.headers], []);
    assert.equal(replyOf(await gettingAll(untilEnd('abc'))).body.toString(), 'abc');
    assert.equal(replyOf(await gettingAll('HTTP/1.0 200 OK\r\n\r\nabc')).body.toString(), 'abc');
    next = ({ socket }) => {
      const pieces = answer('abc', { headers: ['A: b'] })
        .toString('latin1')
        .split('');
      socket.setNoDelay(true);
      const write = (): void => {
        const piece = pieces.shift();
        if (piece !== undefined && !socket.destroyed) socket.write(piece, () => setImmediate(write));
      };
      write();
      return undefined;
    };
    const slow = replyOf(await host.fetch({ url: server.url }));
    assert.deepEqual([slow.body.toString(), slow.headers.get('A')], ['abc', 'b']);
  });

  test('has no body to HEAD, 204 and 304', async () => {
    const head = replyOf(
      await getting('HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\nContent-Encoding: gzip\r\n\r\n', {
        method: 'HEAD',
      }),
    );
    assert.equal(head.body.length, 0);
    assert.equal(head.headers.get('Content-Length'), '99999999');
    assert.equal(head.headers.get('Content-Encoding'), 'gzip');
    for (const status of [204, 304]) {
      const reply = replyOf(await getting(`HTTP/1.1 ${status} X\r\nContent-Encoding: br\r\n\r\n`));
      assert.deepEqual([reply.status, reply.body.length], [status, 0]);
    }
  });

  test('comes behind any number of interim ones', async () => {
    const interim =
      'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 X\r\n\r\n';
    for (const method of ['GET', 'POST']) {
      const reply = replyOf(await getting(interim.repeat(5) + answer('fine').toString(), { method }));
      assert.deepEqual([reply.status, reply.body.toString()], [200, 'fine']);
      assert.equal(reply.headers.has('Link'), false);
    }
    assert.equal(
      (await getting('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n')).code,
      4,
    );
  });

  test('may have any status', async () => {
    for (const status of [200, 299, 418, 599, 600, 999]) {
      assert.equal(replyOf(await getting(answer('', { status: `${status} X` }))).status, status);
    }
  });

  test('is code 4 when it is not HTTP, or not clear', async () => {
    for (const bytes of [
      'hello\r\n\r\n',
      '<html>an answer of HTTP/0.9</html>',
      'HTTP/1.1 99 X\r\n\r\n',
      'HTTP/1.1 099 X\r\n\r\n',
      'HTTP/1.1 1000 X\r\n\r\n',
      'HTTP/1.1 abc X\r\n\r\n',
      'HTTP/3.0 200 OK\r\n\r\n',
      'HTTP/1.1 200 OK\r\nno colon\r\n\r\n',
      'HTTP/1.1 200 OK\r\nna me: x\r\n\r\n',
      'HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n',
      chunked('x\r\n'),
      chunked('-1\r\na\r\n'),
      chunked('fffffffffffffffff\r\na\r\n'),
      chunked('1\r\nabc\r\n'),
      '\r\n'.repeat(10),
      'SSH-2.0-OpenSSH\r\n',
      Buffer.from([0x15, 3, 1, 0, 2, 2, 70]),
      '',
    ]) {
      assert.equal((await gettingAll(bytes)).code, 4, JSON.stringify(bytes.toString('latin1').slice(0, 60)));
    }
  });

  test('is code 4 when it is cut short', async () => {
    const whole = answer('abc').toString('latin1');
    for (let size = 0; size < whole.length; size++) {
      assert.equal((await gettingAll(whole.slice(0, size))).code, 4, `after ${size} bytes`);
    }
    const chunks = chunked('3\r\nabc\r\n0\r\n\r\n');
    for (let size = chunks.indexOf('3\r\n'); size < chunks.length; size++) {
      assert.equal((await gettingAll(chunks.slice(0, size))).code, 4, `after ${size} bytes`);
    }
    for (const bytes of [untilEnd('abc'), whole.slice(0, -1), chunks.slice(0, -1)]) {
      assert.equal((await gettingAll(bytes, 'reset')).code, 4, 'reset');
    }
  });

  for (const [coding, encode] of Object.entries(encoders)) {
    test(`has its ${coding} undone, and what spoke of it is gone`, async () => {
      const reply = replyOf(
        await getting(answer(encode(body), { headers: [`Content-Encoding: ${coding}`, 'Vary: x'] })),
      );
      assert.deepEqual(reply.body, body);
      assert.deepEqual([...reply.headers], [['Vary', 'x']]);
    });

    test(`has its ${coding} left alone when the plugin asked for it`, async () => {
      const encoded = encode(body);
      const reply = replyOf(
        await getting(answer(encoded, { headers: [`Content-Encoding: ${coding}`] }), {
          headers: [['accept-encoding', coding]],
        }),
      );
      assert.deepEqual(reply.body, encoded);
      assert.equal(reply.headers.get('Content-Encoding'), coding);
      assert.equal(reply.headers.get('Content-Length'), String(encoded.length));
      const received = server.received.at(-1);
      assert.equal(received && headerOf(received, 'accept-encoding'), coding);
    });

    test(`is code 4 when its ${coding} is cut short, corrupt or a bomb`, async () => {
      const headers = [`Content-Encoding: ${coding}`];
      assert.equal((await getting(answer(encode(body).subarray(0, -1), { headers }))).code, 4);
      assert.equal((await getting(answer(body, { headers }))).code, 4);
      assert.equal((await getting(answer(encode(Buffer.alloc(MiB + 1)), { headers }))).code, 4);
      assert.equal((await getting(answer(encode(Buffer.alloc(64 * MiB)), { headers }))).code, 4);
      assert.equal(replyOf(await getting(answer(encode(Buffer.alloc(MiB)), { headers }))).body.length, MiB);
    });
  }

  test('has stacked and headerless codings undone, and unknown ones left', async () => {
    const gzipped = zlib.gzipSync(body);
    const stacked = answer(zlib.brotliCompressSync(gzipped), { headers: ['Content-Encoding: gzip, br'] });
    assert.deepEqual(replyOf(await getting(stacked)).body, body);
    const lines = answer(zlib.brotliCompressSync(gzipped), {
      headers: ['Content-Encoding: gzip', 'content-encoding: br'],
    });
    assert.deepEqual(replyOf(await getting(lines)).body, body);
    const raw = answer(zlib.deflateRawSync(body), { headers: ['Content-Encoding: deflate'] });
    assert.deepEqual(replyOf(await getting(raw)).body, body);
    const unknown = replyOf(await getting(answer(gzipped, { headers: ['Content-Encoding: x-own'] })));
    assert.deepEqual(unknown.body, gzipped);
    assert.equal(unknown.headers.get('Content-Encoding'), 'x-own');
    const many = answer(gzipped, { headers: [`Content-Encoding: ${'gzip, '.repeat(5)}gzip`] });
    assert.equal((await getting(many)).code, 4);
  });

  test('is code 4 beyond max_body_bytes, however it is sent', async () => {
    const most = 'x'.repeat(MiB);
    assert.equal(replyOf(await getting(answer(most))).body.length, MiB);
    assert.equal((await getting(answer(`${most}x`))).code, 4);
    // Not a byte of it is waited for.
    assert.equal((await getting('HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n')).code, 4);
    await host.pulp.line('host call refused', {
      reason: `${server.url}: a body of 1048577 bytes; at most 1048576 are read`,
    });
    assert.equal((await getting(chunked(`100001\r\n${most}x\r\n0\r\n\r\n`))).code, 4);
    assert.equal(replyOf(await gettingAll(untilEnd(most))).body.length, MiB);
    assert.equal((await gettingAll(untilEnd(`${most}x`))).code, 4);
  });

  test('costs no more than its bytes when it comes one by one', async () => {
    const most = '1\r\nx\r\n'.repeat(MiB);
    assert.equal(replyOf(await getting(chunked(`${most}0\r\n\r\n`))).body.length, MiB);
    assert.equal((await getting(chunked(`${most}1\r\nx\r\n0\r\n\r\n`))).code, 4);
  });

  test('is code 4 when its headers are too long', async () => {
    const header = `X: ${'y'.repeat(1000)}\r\n`;
    const most = replyOf(await getting(`HTTP/1.1 204 X\r\n${header.repeat(250)}\r\n`));
    assert.equal(most.headers.get('X')?.length, 1000);
    assert.equal((await getting(`HTTP/1.1 204 X\r\n${header.repeat(270)}\r\n`)).code, 4);
    assert.equal((await getting(`HTTP/1.1 204 X\r\nX: ${'y'.repeat(300_000)}\r\n\r\n`)).code, 4);
    assert.equal((await getting(`HTTP/1.1 204 X\r\n${'a:\r\n'.repeat(300_000)}\r\n`)).code, 4);
  });

  test('leaves the host and the plugin well, whatever it was', async () => {
    await host.pulp.alive();
    assert.equal((await getting(answer('fine'))).code, 0);
    assert.ok(!host.pulp.messages.includes('plugin crashed'), host.pulp.dump());
    assert.ok(!host.pulp.messages.includes('a host function failed'), host.pulp.dump());
  });
});

suite('the deadline of a fetch', () => {
  const scope = suiteScope();
  let host: FetchHost;
  before(async () => {
    host = await startFetchHost(scope, { options: 'timeout_ms = 150' });
  });

  /** A server that writes this again and again, and never ends. */
  function endless(first: string, then: string): Promise<CannedServer> {
    return cannedServer(scope, ({ socket }) => {
      const timer = setInterval(() => socket.write(then), 5);
      socket.once('close', () => clearInterval(timer));
      return first;
    });
  }

  test('ends all that does not end by itself', async () => {
    for (const [name, server] of [
      ['silence', await cannedServer(scope, () => undefined)],
      ['headers', await endless('HTTP/1.1 200 OK\r\n', 'a: b\r\n')],
      ['one header', await endless('HTTP/1.1 200 OK\r\na: ', 'b')],
      ['interim answers', await endless('', 'HTTP/1.1 100 Continue\r\n\r\n')],
      ['a body', await endless('HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n', 'x')],
      ['chunks', await endless(chunked(''), '1\r\nx\r\n')],
      ['trailers', await endless(chunked('0\r\n'), 'a: b\r\n')],
      [
        'redirects',
        await cannedServer(scope, ({ socket }) => {
          setTimeout(() => socket.write(answer('', { status: '302 Found', headers: ['Location: /'] })), 60);
          return undefined;
        }),
      ],
    ] as const) {
      assert.equal((await host.fetch({ url: server.url })).code, 4, name);
      const { reason = '' } = await host.pulp.line('host call refused', {
        reason: `${server.url}: it was not over after 150 ms`,
      });
      assert.notEqual(reason, '');
    }
  });

  test('can be moved by the request, either way', async () => {
    const slow = await cannedServer(scope, ({ socket }) => {
      setTimeout(() => socket.write(answer('late')), 300);
      return undefined;
    });
    assert.equal((await host.fetch({ url: slow.url })).code, 4);
    assert.equal((await host.fetch({ url: slow.url, timeout: 0 })).code, 4);
    assert.equal(
      replyOf(await host.fetch({ url: slow.url, timeout: 20_000_000_000 })).body.toString(),
      'late',
    );
    assert.equal(
      replyOf(await host.fetch({ url: slow.url, timeout: 2n ** 63n - 1n })).body.toString(),
      'late',
    );
    const silent = await cannedServer(scope, () => undefined);
    assert.equal((await host.fetch({ url: silent.url, timeout: 1 })).code, 4);
    await host.pulp.line('host call refused', { reason: `${silent.url}: it was not over after 1 ms` });
  });
});
