import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { get, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { connect as connectPlain } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { before, suite, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { Agent, request } from 'undici';
import { buildExample, exampleManifest } from '../support/example-plugins.ts';
import { startGuest } from '../support/guest-host.ts';
import { certificateFile, httpsFlags, readCertificateFile } from '../support/https-certificates.ts';
import { Http2Client } from '../support/http2-client.ts';
import { mirrored } from '../support/mirrored.ts';
import { patiently } from '../support/patiently.ts';
import { PulpProcess } from '../support/pulp-process.ts';
import { RawConnection } from '../support/raw-http.ts';
import { suiteScope } from '../support/scope.ts';
import { missingTool } from '../support/tool.ts';
import { mirror } from '../support/wat-guest.ts';

const run = promisify(execFile);
const ca = await readCertificateFile('first.crt');
const notBuilt = await buildExample('echo');

/** A TLS connection, once its handshake is over. Rejects when that fails. */
async function secured(t: TestContext, port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ port, host: '127.0.0.1', ca, ...options }, resolve);
  t.after(() => socket.destroy());
  socket.once('error', reject);
  await patiently(promise, () => 'the handshake does not end');
  socket.off('error', reject);
  socket.on('error', () => undefined);
  return socket;
}

/** The text of a response to GET. */
async function text(options: RequestOptions): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  get({ ca, ...options }, resolve).once('error', reject);
  const response = await promise;
  return Buffer.concat(await response.toArray()).toString();
}

suite('HTTPS, with the echo plugin', { skip: notBuilt }, () => {
  const scope = suiteScope();
  let pulp: PulpProcess;

  before(async () => {
    pulp = await PulpProcess.start(scope, { manifest: exampleManifest('echo'), args: httpsFlags() });
  });

  test('the log says so, and node:https is served over HTTP/1.1', async () => {
    assert.equal((await pulp.line('http server started'))['tls'], 'true');
    assert.equal(await text({ port: pulp.port, host: 'localhost', path: '/echo/hi' }), 'hi');
  });

  test('undici is served over HTTP/2, many requests at a time', async (t) => {
    const agent = new Agent({ allowH2: true, connect: { ca } });
    t.after(() => agent.close());
    const url = `https://localhost:${pulp.port}/echo`;
    const { statusCode, body } = await request(`${url}/hi`, { dispatcher: agent });
    assert.deepEqual([statusCode, await body.text()], [200, 'hi']);
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const answer = await request(url, { dispatcher: agent, method: 'POST', body: `body ${index}` });
        return answer.body.text();
      }),
    );
    for (const [index, answer] of answers.entries()) assert.ok(answer.includes(`body ${index}`), answer);
  });

  const noCurl = missingTool('curl');
  test('curl is served over either version', { skip: noCurl }, async () => {
    for (const [flag, version] of [
      ['--http1.1', '1.1'],
      ['--http2', '2'],
    ] as const) {
      const { stdout } = await run('curl', [
        '--silent',
        flag,
        '--cacert',
        certificateFile('first.crt'),
        '--write-out',
        ' %{http_version}',
        `https://localhost:${pulp.port}/echo/hi`,
      ]);
      assert.equal(stdout, `hi ${version}`);
    }
  });

  const noH2load = missingTool('h2load');
  test('h2load gets an answer to each of its requests', { skip: noH2load }, async () => {
    for (const protocol of ['h2', 'http/1.1']) {
      const { stdout } = await run('h2load', [
        '--requests=3000',
        '--clients=8',
        '--max-concurrent-streams=16',
        `--npn-list=${protocol}`,
        `https://localhost:${pulp.port}/echo/hi`,
      ]);
      assert.match(stdout, /3000 succeeded, 0 failed, 0 errored, 0 timeout/, protocol);
      assert.match(stdout, /3000 2xx, 0 3xx, 0 4xx, 0 5xx/, protocol);
    }
  });
});

suite('HTTPS', () => {
  const scope = suiteScope();
  let pulp: PulpProcess;

  before(async () => {
    pulp = await startGuest(
      scope,
      { routes: { 'GET /m/:x': mirror(), 'POST /m/:x': mirror() } },
      { args: [...httpsFlags(), '-header-timeout', '1s', '-log-level', 'debug'] },
    );
  });

  test('ALPN chooses the version, and HTTP/1.1 is what a client speaks that says nothing', async (t) => {
    for (const [ALPNProtocols, chosen] of [
      [['h2', 'http/1.1'], 'h2'],
      [['http/1.1', 'h2'], 'h2'],
      [['http/1.1'], 'http/1.1'],
      [undefined, false],
    ] as const) {
      const options = ALPNProtocols === undefined ? {} : { ALPNProtocols: [...ALPNProtocols] };
      const socket = await secured(t, pulp.port, options);
      assert.equal(socket.alpnProtocol, chosen);
      socket.destroy();
    }
    await assert.rejects(secured(t, pulp.port, { ALPNProtocols: ['http/0.9'] }), {
      code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    });
  });

  test('TLS 1.2 and 1.3 are spoken, and nothing older', async (t) => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await secured(t, pulp.port, { minVersion: version, maxVersion: version });
      assert.equal(socket.getProtocol(), version);
      socket.destroy();
    }
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await assert.rejects(secured(t, pulp.port, old), { code: /ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION/ });
  });

  test('a session is taken up again, over either version', async (t) => {
    for (const ALPNProtocols of [['http/1.1'], ['h2']]) {
      const first = await secured(t, pulp.port, { ALPNProtocols, maxVersion: 'TLSv1.2' });
      const session = first.getSession();
      first.destroy();
      assert.ok(session !== undefined);
      const second = await secured(t, pulp.port, { ALPNProtocols, maxVersion: 'TLSv1.2', session });
      assert.equal(second.isSessionReused(), true);
      second.destroy();
    }
  });

  test('what the plugin is told is that of HTTP/1.1, with the address of the client', async (t) => {
    const socket = await secured(t, pulp.port);
    socket.write(
      'POST /m/x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody',
    );
    const response = Buffer.concat(await socket.toArray());
    const seen = mirrored(response.subarray(response.indexOf('\r\n\r\n') + 4));
    assert.deepEqual([seen.proto, seen.host, seen.body.toString()], ['HTTP/1.1', 'a.example', 'body']);
    assert.match(seen.remoteAddr, /^127\.0\.0\.1:\d+$/);
  });

  test('undici speaks HTTP/2 with it where it may', async (t) => {
    for (const [allowH2, proto] of [
      [true, 'HTTP/2.0'],
      [false, 'HTTP/1.1'],
    ] as const) {
      const agent = new Agent({ allowH2, connect: { ca } });
      t.after(() => agent.close());
      const { body } = await request(`https://localhost:${pulp.port}/m/x`, { dispatcher: agent });
      assert.equal(mirrored(Buffer.from(await body.arrayBuffer())).proto, proto);
    }
  });

  test('HTTP without TLS gets no answer, and the connection is closed', async (t) => {
    for (const bytes of [
      'GET /ok HTTP/1.1\r\nHost: a\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      '\0'.repeat(64),
    ]) {
      const connection = await RawConnection.open(t, pulp.port);
      connection.send(bytes);
      await patiently(connection.closed, () => 'still connected');
      assert.ok(!connection.rest.includes('HTTP'));
    }
    await pulp.line('tls handshake failed', { level: 'DEBUG', reason: 'ERR_SSL_HTTP_REQUEST' });
  });

  test('a handshake that does not end is closed, however slowly it goes on', async (t) => {
    const silent = await RawConnection.open(t, pulp.port);
    const dripping = await RawConnection.open(t, pulp.port);
    const hello = Buffer.from('1603010200010001fc0303', 'hex');
    let at = 0;
    const timer = setInterval(() => {
      dripping.send(at < hello.length ? hello.subarray(at, at + 1) : Buffer.of(7));
      at += 1;
    }, 40);
    t.after(() => clearInterval(timer));
    for (const connection of [silent, dripping]) {
      await patiently(connection.closed, () => 'still connected');
    }
    await pulp.line('tls handshake failed', { reason: 'ERR_TLS_HANDSHAKE_TIMEOUT' });
  });

  test('a client that leaves in the middle of its handshake harms nobody', async (t) => {
    for (let round = 0; round < 20; round++) {
      const socket = connectPlain(pulp.port, '127.0.0.1');
      socket.on('error', () => undefined);
      t.after(() => socket.destroy());
      await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
      socket.write(Buffer.from('160301020001', 'hex'));
      socket.resetAndDestroy();
    }
    assert.equal(await text({ port: pulp.port, host: 'localhost', path: '/ok' }), 'ok');
  });

  test('limits of HTTP/1.1 are those of HTTP: slow heads are 408, large ones 431, no HTTP is 400', async (t) => {
    for (const [bytes, status] of [
      ['GET /ok HTTP/1.1\r\nHo', 408],
      [`GET /ok HTTP/1.1\r\nA: ${'a'.repeat(70_000)}\r\n\r\n`, 431],
      ['no HTTP\r\n\r\n', 400],
      ['CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 405],
    ] as const) {
      const socket = await secured(t, pulp.port);
      socket.write(bytes);
      const head = Buffer.concat(await socket.toArray()).toString('latin1');
      assert.equal(head.slice(0, 12), `HTTP/1.1 ${status}`);
      // To who asks for a tunnel nothing is allowed, and that is said (RFC 9110 section 15.5.6).
      if (status === 405) assert.match(head, /\r\nAllow: \r\n/);
    }
  });

  test('connections count whichever version they speak, handshakes too', async (t) => {
    const few = await startGuest(t, {}, { args: [...httpsFlags(), '-max-connections', '3'] });
    await RawConnection.open(t, few.port);
    await secured(t, few.port);
    const client = await Http2Client.open(t, few.port);
    const fourth = await RawConnection.open(t, few.port);
    await patiently(fourth.closed, () => 'it is taken');
    await few.line('connections refused', { max_connections: '3' });
    assert.equal((await client.request('/ok')).status, 200);
  });

  test('none of that is an error of the host', async () => {
    assert.deepEqual(
      pulp.lines.filter(({ level }) => level === 'ERROR' || level === 'WARN'),
      [],
    );
    assert.deepEqual(await pulp.stop(), { code: 0, signal: null, stderr: '' });
  });
});
