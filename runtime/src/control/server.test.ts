import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { suite, test } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { FakeHost, pluginStatus } from '../../../test/support/fake-host.ts';
import type { Scope } from '../../../test/support/scope.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { until } from '../../../test/support/until.ts';
import { controlAddress, dial } from './address.ts';
import { ControlClient } from './client.ts';
import { LogHistory } from './log-history.ts';
import { ControlServer } from './server.ts';

const skip = process.platform === 'win32' && 'the socket is a named pipe';

interface Scene {
  readonly root: string;
  readonly path: string;
  readonly host: FakeHost;
  readonly history: LogHistory;
  readonly client: ControlClient;
  readonly server: ControlServer;
}

function open(root: string, host: FakeHost | undefined, history = new LogHistory()): Promise<ControlServer> {
  return ControlServer.open({
    path: controlAddress(root),
    host: () => host,
    health: () => host?.status(),
    history,
    version: '9.9.9',
  });
}

async function serve(t: Scope, below = ''): Promise<Scene> {
  const root = join(await temporaryFolder(t), below);
  const host = new FakeHost();
  const history = new LogHistory();
  const server = await open(root, host, history);
  t.after(() => server[Symbol.asyncDispose]());
  return { root, path: controlAddress(root), host, history, client: new ControlClient(root), server };
}

/** What the socket says to bytes; the client half-closes behind them. */
async function raw(path: string, bytes: string): Promise<string> {
  const socket = await dial(path);
  socket.end(bytes);
  return text(socket);
}

async function linesOf(lines: AsyncIterable<string>): Promise<string[]> {
  const messages: string[] = [];
  for await (const line of lines) messages.push((JSON.parse(line) as { msg: string }).msg);
  return messages;
}

suite('control server', { skip }, () => {
  test('tells how the host and each plugin are', async (t) => {
    const { client, host } = await serve(t);
    const status = await client.status();
    assert.equal(status.pulp, '9.9.9');
    assert.ok(status.cpuMs > 0 && status.rssBytes > 2 ** 20);
    assert.deepEqual(status.plugins, host.plugins);
    assert.deepEqual(await client.plugin('chat'), { ...host.plugins[1], routes: ['GET /chat'] });
  });

  test('is not ready from the moment on that the host is told to stop', async (t) => {
    const host = new FakeHost();
    const root = await temporaryFolder(t);
    const server = await ControlServer.open({
      path: controlAddress(root),
      host: () => host,
      health: () => ({ ready: false, stopping: true, plugins: host.plugins }),
      history: new LogHistory(),
      version: '9.9.9',
    });
    t.after(() => server[Symbol.asyncDispose]());
    const { ready, stopping, plugins } = await new ControlClient(root).status();
    assert.deepEqual([ready, stopping, plugins.length], [false, true, 2]);
  });

  test('takes one request of a connection at a time: more at once close it, and are not done', async (t) => {
    const { path, host, client } = await serve(t);
    const first = Promise.withResolvers<void>();
    host.acts = () => first.promise;
    const request = 'POST /v1/plugins/echo/restart HTTP/1.1\r\nHost: pulp\r\n\r\n';
    assert.equal(await raw(path, request.repeat(1000)), '');
    assert.deepEqual(host.asked, ['restart echo']);
    first.resolve();
    host.acts = () => Promise.resolve();
    const socket = await dial(path);
    for (let round = 1; round <= 3; round++) {
      socket.write(request);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      assert.match(answer.toString(), /^HTTP\/1\.1 200 /);
      assert.equal(host.asked.length, 1 + round);
    }
    socket.destroy();
    assert.equal((await client.status()).plugins.length, 2);
  });

  test('says when nobody waits for what was asked any more', async (t) => {
    const { path, host } = await serve(t);
    let signal: AbortSignal | undefined;
    host.acts = (_asked, given) => {
      signal = given;
      return new Promise((_resolve, reject) => {
        given?.addEventListener('abort', () => reject(given.reason as Error));
      });
    };
    const socket = await dial(path);
    socket.write('POST /v1/plugins/echo/reload HTTP/1.1\r\nHost: pulp\r\n\r\n');
    await until(() => signal !== undefined, 'it was asked');
    assert.equal(signal?.aborted, false);
    socket.destroy();
    await until(() => signal?.aborted === true, 'it was told');
  });

  test('does with a plugin what it is asked for, whatever its name', async (t) => {
    const { client, host } = await serve(t);
    const names = ['echo', 'a b', '100%', 'käse', '..a', 'a?b#c'];
    host.plugins = names.map((name) => pluginStatus(name));
    for (const name of names) assert.equal((await client.act(name, 'restart')).name, name);
    await client.act('echo', 'stop');
    await client.act('echo', 'start');
    await client.act('echo', 'reload');
    assert.deepEqual(host.asked, [
      ...names.map((name) => `restart ${name}`),
      'stop echo',
      'start echo',
      'reload echo',
    ]);
  });

  test('says why something failed, and which plugins there are', async (t) => {
    const { client, host } = await serve(t);
    host.acts = () => Promise.reject(new Error('echo: pulp_init failed: no'));
    await assert.rejects(client.act('echo', 'start'), {
      name: 'ControlError',
      message: 'echo: pulp_init failed: no',
    });
    const message = 'no plugin is called "ecoh"; did you mean echo? This host has: chat, echo';
    await assert.rejects(client.act('ecoh', 'stop'), { message });
    await assert.rejects(client.plugin('ecoh'), { message });
    await assert.rejects(linesOf(client.logs({ plugin: 'ecoh' })), { message });
    await assert.rejects(client.plugin('x'), {
      message: 'no plugin is called "x". This host has: chat, echo',
    });
    assert.deepEqual(host.asked, ['start echo']);
  });

  test('gives log and liveness while the host starts, and says so for the rest', async (t) => {
    const root = await temporaryFolder(t);
    const history = new LogHistory();
    await using server = await open(root, undefined, history);
    assert.ok(server);
    history.add({ time: 0, level: 'info', message: 'early', fields: { plugin: 'echo' } });
    const client = new ControlClient(root);
    assert.deepEqual(await linesOf(client.logs({ plugin: 'echo' })), ['early']);
    await assert.rejects(client.status(), { message: 'the host is still starting' });
    await assert.rejects(client.act('echo', 'stop'), { message: 'the host is still starting' });
    const path = controlAddress(root);
    assert.match(await raw(path, 'GET /livez HTTP/1.0\r\n\r\n'), /^HTTP\/1.1 200 .*\r\n\r\nok\n$/s);
    assert.match(await raw(path, 'GET /readyz HTTP/1.0\r\n\r\n'), /^HTTP\/1.1 503 .*is starting\n$/s);
  });

  test('followers of the log get the last line before the socket is gone', async (t) => {
    const { client, history, server, path } = await serve(t);
    history.add({ time: 0, level: 'info', message: 'first', fields: {} });
    const following = linesOf(client.logs({ follow: true }));
    await setTimeout(50);
    history.add({ time: 0, level: 'info', message: 'last', fields: {} });
    await server[Symbol.asyncDispose]();
    assert.deepEqual(await following, ['first', 'last']);
    assert.ok(!existsSync(path));
  });

  test('followers of the log leave room for others: one more than 16 is refused', async (t) => {
    const { client, history } = await serve(t);
    const gone = new AbortController();
    const followers = Array.from({ length: 16 }, () => client.logs({ follow: true, signal: gone.signal }));
    const first = followers.map((follower) => follower.next());
    history.add({ time: 0, level: 'info', message: 'first', fields: {} });
    await Promise.all(first);
    await assert.rejects(client.logs({ follow: true }).next(), {
      name: 'ControlError',
      message: '16 clients follow the log already',
    });
    assert.deepEqual(await linesOf(client.logs({})), ['first']);
    assert.ok((await client.status()).plugins.length > 0);
    gone.abort();
    await Promise.all(followers.map((follower) => follower.return(undefined)));
    // Each that has left makes room.
    for (const deadline = performance.now() + 30_000; ;) {
      const again = client.logs({ follow: true });
      const line = await again.next().catch(() => undefined);
      await again.return(undefined);
      if (line !== undefined) break;
      assert.ok(performance.now() < deadline, 'there is room again');
      await setTimeout(5);
    }
  });

  test('a follower that never reads holds up neither the host nor its end', async (t) => {
    const { history, server, path } = await serve(t);
    const socket = await dial(path);
    socket.on('error', () => {});
    socket.write('GET /v1/logs?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n');
    socket.pause();
    await setTimeout(50);
    for (let n = 0; n < 20_000; n++) {
      history.add({ time: 0, level: 'info', message: 'x'.repeat(1_000), fields: { plugin: `p${n % 3}` } });
      if (n % 100 === 0) await setImmediate();
    }
    const read = text(socket);
    await until(() => socket.bytesRead > 2 ** 18, 'it reads');
    await server[Symbol.asyncDispose]();
    const got = await read;
    assert.ok(got.length < 4 * 2 ** 20, `${got.length} bytes of 20 million waited`);
    assert.match(got, /"msg":"log lines dropped","count":\d{5}/);
  });

  test('refuses what it does not know, and requests with a body', async (t) => {
    const { path, host } = await serve(t);
    const cases = [
      ['GET / HTTP/1.0\r\n\r\n', 404],
      ['GET /v2/status HTTP/1.0\r\n\r\n', 404],
      ['POST /v1/status HTTP/1.0\r\n\r\n', 404],
      ['GET /v1/plugins/echo/stop HTTP/1.0\r\n\r\n', 404],
      ['POST /v1/plugins/echo/toString HTTP/1.0\r\n\r\n', 404],
      ['POST /v1/plugins/%zz/stop HTTP/1.0\r\n\r\n', 400],
      ['GET /v1/logs?tail=x HTTP/1.0\r\n\r\n', 400],
      ['GET http://[ HTTP/1.0\r\n\r\n', 400],
      ['POST /v1/plugins/echo/stop HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}', 413],
      ['POST /v1/plugins/echo/stop HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n', 413],
      [`GET /v1/status HTTP/1.0\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
      ['nonsense\r\n\r\n', 400],
    ] as const;
    for (const [bytes, status] of cases) {
      assert.match(await raw(path, bytes), new RegExp(`^HTTP/1.1 ${status} `), bytes.slice(0, 60));
    }
    assert.deepEqual(host.asked, []);
  });

  test('keeps to its bound, and who says nothing keeps nobody else away', async (t) => {
    const { path } = await serve(t);
    const follower = await dial(path);
    follower.write('GET /v1/logs?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(follower, 'data');
    const sockets = await Promise.all(Array.from({ length: 36 }, () => dial(path)));
    let closed = 0;
    for (const socket of sockets) {
      socket.on('error', () => {}).on('close', () => (closed += 1));
      socket.resume();
    }
    await until(() => closed >= 5, 'those over 32 are closed');
    assert.match(await raw(path, 'GET /v1/status HTTP/1.0\r\n\r\n'), /^HTTP\/1.1 200 /);
    await until(() => closed === 6, 'it has the place of the oldest');
    assert.ok(!follower.destroyed, 'one that is being answered is left alone');
    for (const socket of [follower, ...sockets]) socket.destroy();
  });
});

suite('control socket', { skip }, () => {
  test('is for its owner alone, and leaves nothing behind', async (t) => {
    const { root, path, server } = await serve(t, 'deep/data');
    assert.equal(path, join(root, 'pulp.sock'));
    assert.equal(lstatSync(path).mode & 0o777, 0o600);
    assert.equal(lstatSync(root).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(join(root, '.pulp')), []);
    await server[Symbol.asyncDispose]();
    assert.ok(!existsSync(root));
  });

  test('takes a storage root away with it that it made, and no other', async (t) => {
    const folder = await temporaryFolder(t);
    for (const [below, left] of [
      ['', true],
      ['made/for/it', false],
    ] as const) {
      const root = join(folder, below);
      await (await open(root, new FakeHost()))[Symbol.asyncDispose]();
      assert.equal(existsSync(root), left, below);
    }
  });

  test('is never taken from a host that lives', async (t) => {
    const { root, client, server } = await serve(t);
    await assert.rejects(open(root, new FakeHost([])), /another host listens there/);
    assert.equal((await client.status()).plugins.length, 2);
    await server[Symbol.asyncDispose]();
    await assert.rejects(client.status(), {
      message: `no host listens at ${controlAddress(root)}; start one with \`pulp run FOLDER -storage-root ${root}\`, or say with -storage-root which one you mean`,
    });
  });

  test('of a host that was killed is replaced, by one of many that try', async (t) => {
    const root = await temporaryFolder(t);
    const path = controlAddress(root);
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
    const dead = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(dead.stdout, 'data');
    dead.kill('SIGKILL');
    await once(dead, 'exit');
    assert.ok(existsSync(path));
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => open(root, new FakeHost())));
    const servers = tries.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    t.after(() => Promise.all(servers.map((server) => server[Symbol.asyncDispose]())));
    assert.equal(servers.length, 1, JSON.stringify(tries));
    assert.equal((await new ControlClient(root).status()).plugins.length, 2);
    assert.deepEqual(readdirSync(join(root, '.pulp')), []);
  });

  test('is claimed though one that cleared its place has died over it', async (t) => {
    const root = await temporaryFolder(t);
    await using first = await open(root, new FakeHost());
    assert.ok(first);
    const folder = join(root, '.pulp', 'control-clearing');
    mkdirSync(folder);
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(folder, longAgo, longAgo);
    await assert.rejects(open(root, new FakeHost()), /another host listens there/);
    assert.ok(!existsSync(folder));
    // Whatever it is.
    writeFileSync(folder, '');
    utimesSync(folder, longAgo, longAgo);
    await assert.rejects(open(root, new FakeHost()), /another host listens there/);
    assert.ok(!existsSync(folder));
  });

  test('is left alone when it has become that of another', async (t) => {
    const { root, server, path } = await serve(t);
    const { rename } = await import('node:fs/promises');
    await rename(path, join(root, 'moved'));
    writeFileSync(path, 'mine');
    await server[Symbol.asyncDispose]();
    assert.ok(existsSync(path));
  });

  test('does not replace what is no socket', async (t) => {
    const root = await temporaryFolder(t);
    mkdirSync(join(root, 'pulp.sock'));
    await assert.rejects(open(root, new FakeHost()), /no socket is in its place: move it away/);
    assert.ok(lstatSync(join(root, 'pulp.sock')).isDirectory());
  });

  test('works in a storage root whose path is too long for a socket', async (t) => {
    const { root, client, path, host, server } = await serve(t, `${'x'.repeat(150)}/${'y'.repeat(150)}`);
    assert.deepEqual((await client.status()).plugins, host.plugins);
    if (process.platform === 'linux') {
      assert.equal(path, join(root, 'pulp.sock'));
      assert.equal(lstatSync(path).mode & 0o777, 0o600);
      await assert.rejects(open(root, new FakeHost()), /another host listens there/);
    }
    await server[Symbol.asyncDispose]();
    assert.ok(!existsSync(path));
  });

  test(
    'cannot be made in a folder that may not be written to',
    { skip: process.getuid?.() === 0 && 'this user may write everywhere' },
    async (t) => {
      const root = await temporaryFolder(t);
      chmodSync(root, 0o500);
      await assert.rejects(open(root, new FakeHost()), /EACCES/);
      chmodSync(root, 0o700);
    },
  );

  test('of something else is told apart', async (t) => {
    const root = await temporaryFolder(t);
    const other = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'));
    t.after(() => other.close());
    other.listen(controlAddress(root));
    await once(other, 'listening');
    const path = controlAddress(root);
    await assert.rejects(new ControlClient(root).status(), {
      name: 'ControlError',
      message: `${path}: what listens there is no host of Pulp: its answer is not JSON`,
    });
  });

  test('of a host that is stopped is not waited for without an end', async (t) => {
    const root = await temporaryFolder(t);
    const silent = createServer();
    t.after(() => silent.close());
    const taken = once(silent, 'connection') as Promise<[Socket]>;
    silent.listen(controlAddress(root));
    await once(silent, 'listening');
    const asked = new ControlClient(root, 100).status();
    const [socket] = await taken;
    await assert.rejects(asked, /pulp\.sock: the host does not answer within 100 ms$/);
    socket.destroy();
  });

  test('of something that answers without an end is told apart, too', async (t) => {
    const root = await temporaryFolder(t);
    const chunk = Buffer.alloc(2 ** 20, ' ');
    let sent = 0;
    const endless = createHttpServer((_, response) => {
      const more = (): void => {
        if (sent++ > 200) response.end();
        else response.write(chunk, (error) => error ?? more());
      };
      more();
    });
    t.after(() => endless.close());
    endless.listen(controlAddress(root));
    await once(endless, 'listening');
    await assert.rejects(new ControlClient(root).status(), {
      name: 'ControlError',
      message: `${controlAddress(root)}: what listens there is no host of Pulp: its answer has more than 67108864 bytes`,
    });
    assert.ok(sent < 150, `${sent} MiB were sent`);
  });

  test('a request that is never finished ends', async (t) => {
    const { path } = await serve(t);
    const socket = connect(path);
    socket.write('GET /v1/status HTTP/1.1\r\nHost:');
    assert.match(await text(socket), /^HTTP\/1.1 408 /);
  });
});
