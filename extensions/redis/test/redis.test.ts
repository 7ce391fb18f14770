import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { decode, type Value } from 'pulp-runtime/ext';
import { PulpProcess, environment } from '../../../test/support/pulp-process.ts';
import type { Scope } from '../../../test/support/scope.ts';
import { missingTool } from '../../../test/support/tool.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { Authority } from '../../../test/support/certificate-authority.ts';
import { type Answer, buildGuest, guestManifest, manifestText, RedisGuest } from './redis-guest.ts';
import { freePort, RedisServer } from './redis-server.ts';

const skip = missingTool('redis-server');
const ok = { code: 0, bytes: Buffer.alloc(0) };
const refused = 4;
const failed = 5;
const notFound = 6;

function number({ code, bytes }: Answer): Value {
  assert.equal(code, 0);
  return decode(bytes);
}

/** Asks until something is so. */
async function eventually<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    await delay(20);
  }
}

/** A server that is no Redis: each connection is handled by that. */
async function fakeServer(t: Scope, handle: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    handle(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

before(buildGuest);

suite('keys of a plugin', { skip, concurrency: 2 }, () => {
  test('hold bytes as they are, and may be missing or empty', async (t) => {
    const guest = await RedisGuest.start(t, (await RedisServer.start(t)).url);
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    assert.equal((await guest.bytes('get', 'a')).code, notFound);
    assert.deepEqual(await guest.message('set', { key: 'a', value: all }), ok);
    assert.deepEqual(await guest.bytes('get', 'a'), { code: 0, bytes: all });
    assert.deepEqual(await guest.message('set', { key: all, value: new Uint8Array(0) }), ok);
    assert.deepEqual(await guest.bytes('get', all), ok);
    assert.equal(number(await guest.message('del', { keys: ['a', all, 'b'] })), 2n);
    assert.equal((await guest.bytes('get', 'a')).code, notFound);
  });

  test('are set when they are there, or not', async (t) => {
    const guest = await RedisGuest.start(t, (await RedisServer.start(t)).url);
    const set = async (value: string, condition: string): Promise<number> =>
      (await guest.message('set', { key: 'a', value, if: condition })).code;
    assert.equal(await set('1', 'present'), notFound);
    assert.equal(await set('2', 'absent'), 0);
    assert.equal(await set('3', 'absent'), notFound);
    assert.equal(await set('4', 'present'), 0);
    assert.equal(await set('5', 'perhaps'), refused);
    assert.equal((await guest.bytes('get', 'a')).bytes.toString(), '4');
  });

  test('count exactly, and end after their time', async (t) => {
    const guest = await RedisGuest.start(t, (await RedisServer.start(t)).url);
    assert.equal(number(await guest.message('incr', { key: 'n' })), 1n);
    assert.equal(number(await guest.message('incr', { key: 'n', by: 9007199254740991n })), 9007199254740992n);
    assert.equal(number(await guest.message('incr', { key: 'n', by: 1n })), 9007199254740993n);
    assert.equal(number(await guest.message('incr', { key: 'n', by: -3n })), 9007199254740990n);
    await guest.message('set', { key: 'text', value: 'x' });
    assert.equal((await guest.message('incr', { key: 'text' })).code, refused);

    assert.equal((await guest.message('expire', { key: 'none', ttl_ms: 5n })).code, notFound);
    assert.equal((await guest.message('expire', { key: 'none', ttl_ms: 0n })).code, notFound);
    assert.equal((await guest.message('expire', { key: 'n', ttl_ms: 0n })).code, 0);
    assert.equal((await guest.message('expire', { key: 'n', ttl_ms: -1n })).code, refused);
    assert.equal((await guest.message('expire', { key: 'n', ttl_ms: 1n })).code, 0);
    await guest.message('set', { key: 'short', value: 'x', ttl_ms: 1n });
    for (const key of ['n', 'short']) {
      await eventually(
        () => guest.bytes('get', key),
        ({ code }) => code === notFound,
      );
    }
  });

  test('are its own, unless the manifest says otherwise', async (t) => {
    const server = await RedisServer.start(t);
    const [one, other, sharing] = await Promise.all([
      RedisGuest.start(t, server.url, { name: 'one' }),
      RedisGuest.start(t, server.url, { name: 'other' }),
      RedisGuest.start(t, server.url, { name: 'sharing', options: 'prefix = "one:"' }),
    ]);
    await one.message('set', { key: 'secret', value: 'x' });
    for (const key of ['secret', 'one:secret', '../one:secret', '\r\nGET one:secret\r\n']) {
      assert.equal((await other.bytes('get', key)).code, notFound);
    }
    assert.equal((await sharing.bytes('get', 'secret')).bytes.toString(), 'x');
  });

  test('and values have limits', async (t) => {
    const { url } = await RedisServer.start(t);
    const options = 'max_value_bytes = 10\nprefix = "p:"';
    const guest = await RedisGuest.start(t, url, { options });
    const large = await RedisGuest.start(t, url, { name: 'large', options: 'prefix = "p:"' });
    const long = 'k'.repeat(1024);
    assert.equal((await guest.message('set', { key: long, value: '0123456789' })).code, 0);
    assert.equal((await guest.message('set', { key: `${long}k`, value: 'x' })).code, refused);
    assert.equal((await guest.message('set', { key: 'a', value: '0123456789x' })).code, refused);
    assert.equal((await large.message('set', { key: 'a', value: '0123456789x' })).code, 0);
    assert.equal((await guest.bytes('get', 'a')).code, refused);
    assert.equal((await guest.message('publish', { channel: 'a', payload: '0123456789x' })).code, refused);
    const keys = Array.from({ length: 101 }, (_, at) => `k${at}`);
    assert.equal((await guest.message('del', { keys })).code, refused);
    assert.equal((await guest.message('del', { keys: keys.slice(1) })).code, 0);
    assert.equal((await guest.message('del', { keys: [] })).code, 1);
    assert.equal((await guest.message('set', { key: '', value: 'x' })).code, 1);
    assert.equal((await guest.bytes('set', 'no message')).code, 3);
    assert.equal((await guest.bytes('get', '')).code, 1);
  });
});

suite('messages', { skip, concurrency: 2 }, () => {
  test('go from one plugin to another, and to itself', async (t) => {
    const { url } = await RedisServer.start(t);
    const [one, other] = await Promise.all([
      RedisGuest.start(t, url, { name: 'one', subscribe: ['news', 'grüße'], options: 'prefix = "all:"' }),
      RedisGuest.start(t, url, { name: 'other', subscribe: ['news'], options: 'prefix = "all:"' }),
    ]);
    assert.equal(number(await one.message('publish', { channel: 'news', payload: 'hello' })), 2n);
    assert.equal(number(await other.message('publish', { channel: 'grüße', payload: 'hallo' })), 1n);
    assert.equal(number(await other.message('publish', { channel: 'nobody', payload: 'x' })), 0n);
    assert.deepEqual(
      await eventually(
        () => one.messages(),
        ({ length }) => length === 2,
      ),
      ['news=hello', 'grüße=hallo'],
    );
    assert.deepEqual(
      await eventually(
        () => other.messages(),
        ({ length }) => length === 1,
      ),
      ['news=hello'],
    );
  });

  test('of channels that were given up do not come, and channels have a limit', async (t) => {
    const { url } = await RedisServer.start(t);
    const guest = await RedisGuest.start(t, url, { options: 'max_channels = 2' });
    assert.deepEqual(await guest.bytes('subscribe', 'a'), ok);
    assert.deepEqual(await guest.bytes('subscribe', 'a'), ok);
    assert.deepEqual(await guest.bytes('subscribe', 'b'), ok);
    assert.equal((await guest.bytes('subscribe', 'c')).code, refused);
    for (let turn = 0; turn < 3; turn++) {
      assert.deepEqual(await guest.bytes('unsubscribe', 'b'), ok);
      assert.deepEqual(await guest.bytes('subscribe', 'b'), ok);
    }
    assert.equal(number(await guest.message('publish', { channel: 'b', payload: 'x' })), 1n);
    assert.deepEqual(await guest.bytes('unsubscribe', 'a'), ok);
    assert.deepEqual(await guest.bytes('subscribe', 'c'), ok);
    assert.equal((await guest.bytes('subscribe', Buffer.of(0xff))).code, 3);
    const published = async (): Promise<Value> =>
      number(await guest.message('publish', { channel: 'a', payload: 'x' }));
    await eventually(published, (receivers) => receivers === 0n);
  });

  test('come again when Redis was gone, and functions fail meanwhile', async (t) => {
    const server = await RedisServer.start(t);
    const guest = await RedisGuest.start(t, server.url, {
      subscribe: ['news'],
      options: 'timeout_ms = 1000',
    });
    await server.kill();
    const down = await eventually(
      () => guest.message('set', { key: 'a', value: 'x' }),
      ({ code }) => code !== 0,
    );
    assert.equal(down.code, failed);
    await guest.pulp.alive();
    await guest.pulp.line('redis not reachable', { plugin: 'guest' });
    await server.start();
    await guest.pulp.line('redis reachable again', { plugin: 'guest' });
    const publish = (): Promise<Answer> => guest.message('publish', { channel: 'news', payload: 'back' });
    await eventually(publish, ({ code, bytes }) => code === 0 && decode(bytes) === 1n);
    await eventually(
      () => guest.messages(),
      (messages) => messages.includes('news=back'),
    );
  });

  test('go on over a crash and a reload', async (t) => {
    const server = await RedisServer.start(t);
    const manifest = await guestManifest(t, { subscribe: ['news', 'old'] });
    const guest = await RedisGuest.start(t, server.url, { manifest });
    await guest.message('publish', { channel: 'news', payload: 'trap' });
    await guest.pulp.line('plugin crashed', { plugin: 'guest' });
    const told = async (payload: string): Promise<void> => {
      const publish = (): Promise<Answer> => guest.message('publish', { channel: 'news', payload });
      await eventually(publish, ({ code }) => code === 0);
      await eventually(
        () => guest.messages(),
        (messages) => messages.includes(`news=${payload}`),
      );
    };
    await told('after the crash');
    await writeFile(manifest, manifestText({ subscribe: ['news'] }));
    guest.pulp.signal('SIGHUP');
    await guest.pulp.line('plugin reloaded', { plugin: 'guest' });
    await told('after the reload');
    const receivers = async (): Promise<Value> =>
      number(await guest.message('publish', { channel: 'old', payload: 'x' }));
    await eventually(receivers, (count) => count === 0n);
    assert.equal((await guest.pulp.stop()).code, 0);
  });

  test('that are too large are dropped, and that is logged', async (t) => {
    const { url } = await RedisServer.start(t);
    const options = 'prefix = "p:"\nmax_value_bytes = 10';
    const guest = await RedisGuest.start(t, url, { subscribe: ['news'], options });
    const large = await RedisGuest.start(t, url, { name: 'large', options: 'prefix = "p:"' });
    await large.message('publish', { channel: 'news', payload: '0123456789x' });
    await guest.pulp.line('redis messages dropped', { plugin: 'guest', messages: '1' });
    await large.message('publish', { channel: 'news', payload: '0123456789' });
    assert.deepEqual(
      await eventually(
        () => guest.messages(),
        ({ length }) => length > 0,
      ),
      ['news=0123456789'],
    );
  });
});

suite('where Redis is', { skip, concurrency: 2 }, () => {
  test('a password, a user and a database are those of the variable', async (t) => {
    const { port } = await RedisServer.start(t, ['--requirepass', 'se/cret']);
    const url = (rest: string): string => `redis://default:se%2Fcret@127.0.0.1:${port}${rest}`;
    const [none, first] = await Promise.all(
      ['', '/1'].map((rest) => RedisGuest.start(t, url(rest), { subscribe: ['news'] })),
    );
    assert.ok(none !== undefined && first !== undefined);
    assert.deepEqual(await first.message('set', { key: 'a', value: 'x' }), ok);
    assert.equal((await none.bytes('get', 'a')).code, notFound);
    assert.equal((await first.bytes('get', 'a')).bytes.toString(), 'x');
  });

  test('a password that is wrong fails the functions, and stands nowhere', async (t) => {
    const { port } = await RedisServer.start(t, ['--requirepass', 'right']);
    const guest = await RedisGuest.start(t, `redis://:hidden@127.0.0.1:${port}`);
    for (const name of ['get', 'subscribe']) assert.equal((await guest.bytes(name, 'a')).code, failed);
    await guest.pulp.line('redis not reachable', { plugin: 'guest' });
    const { stderr } = await guest.pulp.stop();
    assert.doesNotMatch(JSON.stringify([...guest.pulp.lines, stderr]), /hidden/);
  });

  test('over TLS, by an authority that Node knows', { skip: missingTool('openssl') }, async (t) => {
    const authority = await Authority.create(t);
    const { key, cert } = await authority.issue({ names: 'IP:127.0.0.1' });
    const folder = await temporaryFolder(t);
    await Promise.all([writeFile(join(folder, 'key'), key), writeFile(join(folder, 'cert'), cert)]);
    const port = await freePort();
    const files = ['--tls-cert-file', join(folder, 'cert'), '--tls-key-file', join(folder, 'key')];
    await RedisServer.start(t, ['--tls-port', String(port), '--tls-auth-clients', 'no', ...files]);
    const url = `rediss://127.0.0.1:${port}`;
    const [known, unknown] = await Promise.all([
      RedisGuest.start(t, url, { env: { NODE_EXTRA_CA_CERTS: authority.file }, subscribe: ['news'] }),
      RedisGuest.start(t, url),
    ]);
    assert.deepEqual(await known.message('set', { key: 'a', value: 'x' }), ok);
    assert.equal((await unknown.bytes('get', 'a')).code, failed);
  });
});

suite('a Redis that is none', { concurrency: 2 }, () => {
  const servers: readonly (readonly [what: string, handle: (socket: Socket) => void])[] = [
    ['never answers', (socket) => void socket.resume()],
    ['closes at once', (socket) => void socket.destroy()],
    [
      'closes in the middle of an answer',
      (socket) => void socket.once('data', () => socket.end('$1000\r\nabc')),
    ],
    [
      'answers garbage',
      (socket) => void socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
    ],
    [
      'answers what nobody asked for',
      (socket) => void socket.on('data', () => socket.write(':1\r\n'.repeat(100))),
    ],
    [
      'claims endless lengths',
      (socket) => void socket.on('data', () => socket.write('*999999999\r\n$999999999999\r\n')),
    ],
  ];
  for (const [what, handle] of servers) {
    test(`and ${what} harms nobody: the function fails in its time`, async (t) => {
      const guest = await RedisGuest.start(t, await fakeServer(t, handle), { options: 'timeout_ms = 500' });
      for (const name of ['get', 'subscribe']) {
        const { code } = await guest.bytes(name, 'a');
        assert.equal(code, failed, name);
      }
      await guest.pulp.alive();
      assert.equal((await guest.pulp.stop()).code, 0);
    });
  }

  test('is an error at the start when nobody said where Redis is, without the password', async (t) => {
    for (const [url, reason] of [
      [undefined, /redis: the variable PULP_REDIS_URL says where Redis is.*and is not set/],
      ['http://user:hidden@127.0.0.1', /PULP_REDIS_URL has to look like redis:/],
    ] as const) {
      const env = { ...environment(), ...(url === undefined ? {} : { PULP_REDIS_URL: url }) };
      const args = ['-ext', new URL('../src/index.ts', import.meta.url).pathname];
      const { code, stderr } = await PulpProcess.run(t, { manifest: await guestManifest(t), args, env });
      assert.equal(code, 1);
      assert.match(stderr, reason);
      assert.doesNotMatch(stderr, /hidden/);
    }
  });

  test('functions fail at once while it is known not to be there', async (t) => {
    const guest = await RedisGuest.start(t, 'redis://127.0.0.1:1');
    const codes = await Promise.all(Array.from({ length: 20 }, () => guest.bytes('get', 'a')));
    assert.deepEqual(new Set(codes.map(({ code }) => code)), new Set([failed]));
  });
});
