/** Starts and reloads that are under way when an operator, or the end of the host, comes. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { suite, test } from 'node:test';
import { type GuestPlugin, HostUnderTest } from '../support/host-under-test.ts';
import { until } from '../support/until.ts';
import { type Action, all, busy, forever, respond, text, trap } from '../support/wat-guest.ts';

const state = (host: HostUnderTest, name: string) =>
  host.host.status().plugins.find((plugin) => plugin.name === name);

/** Begins a reload. Gives a function that says what came of it. */
async function reloading(host: HostUnderTest, plugin: GuestPlugin): Promise<() => Promise<string>> {
  const outcome = host.reload(plugin).then(
    () => 'reloaded',
    (error: Error) => error.message,
  );
  await until(() => state(host, plugin.name)?.reloading === true, 'the reload has begun');
  // The files have been read, and the next instance is there.
  await new Promise((resolve) => setTimeout(resolve, 300));
  return () => outcome;
}

suite('a reload whose start does not come to an end', { concurrency: 2 }, () => {
  for (const act of ['stopPlugin', 'restartPlugin'] as const) {
    test(`is called off by ${act}`, async (t) => {
      const host = await HostUnderTest.start(t, [{ name: 'one' }, { name: 'two' }]);
      const load = host.load('/two');
      const outcome = await reloading(host, { name: 'one', guest: { init: forever() } });
      await host.release({ name: 'one', version: '3' });
      await host.host[act]('one');
      assert.equal(await outcome(), 'plugin one did not start: it was stopped');
      const { state: now, reloading: still, instance } = state(host, 'one') ?? {};
      assert.deepEqual([now, still], [act === 'stopPlugin' ? 'stopped' : 'ready', undefined]);
      if (act === 'stopPlugin') await host.host.startPlugin('one');
      assert.deepEqual(await host.get('/one'), [200, 'one'], `instance ${instance}`);
      assert.deepEqual((await load.stop()).errors, []);
    });
  }

  test('is called off as the host stops, and the instance before it shuts down in order', async (t) => {
    const host = await HostUnderTest.start(t, [{ name: 'one' }]);
    const outcome = await reloading(host, { name: 'one', guest: { init: forever() } });
    assert.deepEqual(await host.host.stop(), { clean: true });
    assert.equal(await outcome(), 'plugin one did not start: it was stopped');
    assert.equal(host.logged('shutdown complete', { plugin: 'one' }).length, 1);
  });
});

suite('the end of the host', { concurrency: 2 }, () => {
  test('nothing is started any more behind a reload that it calls off, also when that owes a start', async (t) => {
    const host = await HostUnderTest.start(t, [{ name: 'one', guest: { routes: { 'GET /trap': trap() } } }]);
    const outcome = await reloading(host, { name: 'one', guest: { init: forever() } });
    assert.equal((await host.get('/trap'))[0], 502);
    await host.host.stop();
    assert.equal(await outcome(), 'plugin one did not start: it was stopped');
    const lines = host.lines.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual(host.messages.slice(lines), []);
    assert.deepEqual(host.logged('plugin restart failed'), []);
  });

  test('one that was starting hears of it when its thread ends on the account of another', async (t) => {
    const manifest = 'call_timeout_ms = 1000\ncapabilities = ["transport.http.inbound"]';
    const bad = { name: 'bad', manifest, guest: { shutdown: forever() } };
    const options = { pluginThreads: 1, drainTimeoutMs: 20_000 };
    const host = await HostUnderTest.start(t, [bad, { name: 'good' }], options);
    await host.host.stopPlugin('good');
    await host.release({ name: 'good', guest: { init: busy(500) } });
    await host.host.reloadPlugin('good');
    const failed = assert.rejects(host.host.startPlugin('good'), /it was stopped/);
    await until(() => state(host, 'good')?.state === 'starting', 'it starts');
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.deepEqual(await host.host.stop(), { clean: false });
    await failed;
    assert.deepEqual(host.logged('plugin cut off'), [], host.dump());
  });

  test('a request that comes over a connection which is still there gets 503, whoever had its path', async (t) => {
    const slow = {
      name: 'slow',
      guest: { routes: { 'GET /slow': all(busy(1000), respond({ body: 'slow' })) } },
    };
    const host = await HostUnderTest.start(t, [{ name: 'one' }, slow]);
    const answer = host.get('/slow');
    const connection = connect(host.port, '127.0.0.1');
    connection.write('GET /one HTTP/1.1\r\nHost: x\r\n');
    await new Promise((resolve) => setTimeout(resolve, 200));
    const stopped = host.host.stop();
    await host.line('shutdown complete', { plugin: 'one' });
    connection.write('\r\n');
    assert.match(await textOf(connection), /^HTTP\/1.1 503 /);
    assert.equal((await answer)[0], 200);
    assert.deepEqual(await stopped, { clean: true });
  });
});

suite('a slow start in a thread that plugins share', { concurrency: 2 }, () => {
  test('is waited for as the host stops: nobody is cut off for it', async (t) => {
    const plugins = ['one', 'two', 'three'].map((name) => ({ name }));
    const options = { pluginThreads: 1, drainTimeoutMs: 20_000 };
    const host = await HostUnderTest.start(t, plugins, options);
    const outcome = await reloading(host, { name: 'two', guest: { init: busy(2000) } });
    assert.deepEqual(await host.host.stop(), { clean: true }, host.dump());
    assert.equal(await outcome(), 'plugin two did not start: it was stopped');
    for (const { name } of plugins)
      assert.equal(host.logged('shutdown complete', { plugin: name }).length, 1);
    assert.deepEqual(host.logged('plugin crashed'), []);
    assert.deepEqual(host.logged('plugin reloaded'), []);
  });

  test('has as long as draining may take', async (t) => {
    const plugins = ['one', 'two'].map((name) => ({ name }));
    const host = await HostUnderTest.start(t, plugins, { pluginThreads: 1, drainTimeoutMs: 500 });
    const outcome = await reloading(host, { name: 'two', guest: { init: forever() } });
    assert.deepEqual(await host.host.stop(), { clean: false });
    assert.equal(await outcome(), 'plugin two did not start: it was stopped');
  });
});

/** Does not come to an end from that time on, in milliseconds since 1970. */
const hangsFrom = (ms: number): Action =>
  text(`(drop (call $clock (i32.const 0) (i64.const 0) (i32.const 496)))
    (if (i64.gt_u (i64.load (i32.const 496)) (i64.const ${ms * 1_000_000})) (then (loop $again (br $again))))`);

suite('a reload while the plugin starts anew by itself, and hangs', { concurrency: 2 }, () => {
  test('takes over, and nothing comes of the other start', async (t) => {
    const from = Date.now() + 3000;
    const manifest = 'call_timeout_ms = 2000\ncapabilities = ["transport.http.inbound"]';
    const guest = { init: hangsFrom(from), routes: { 'GET /trap': trap() } };
    const host = await HostUnderTest.start(t, [{ name: 'one', manifest, guest }, { name: 'two' }]);
    await new Promise((resolve) => setTimeout(resolve, from - Date.now() + 50));
    assert.equal((await host.get('/trap'))[0], 502);
    await until(() => state(host, 'one')?.instance === 2, 'it starts anew');
    await host.reload({ name: 'one', version: '2', manifest });
    assert.deepEqual(await host.get('/one'), [200, 'one']);
    // Behind the deadline of the start that hangs.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const { state: now, instance, crashes } = state(host, 'one') ?? {};
    assert.deepEqual([now, instance, crashes], ['ready', 3, 1]);
    for (const message of ['plugin restarted', 'plugin restart failed']) {
      assert.deepEqual(host.logged(message), [], host.dump());
    }
    assert.deepEqual(await host.host.stop(), { clean: true });
  });
});

suite('a start by itself that an operator calls off with a reload', { concurrency: 2 }, () => {
  test('is no crash', async (t) => {
    const from = Date.now() + 2000;
    const guest = { init: hangsFrom(from), routes: { 'GET /trap': trap() } };
    const host = await HostUnderTest.start(t, [{ name: 'one', guest }, { name: 'two' }]);
    await new Promise((resolve) => setTimeout(resolve, from - Date.now() + 50));
    assert.equal((await host.get('/trap'))[0], 502);
    await until(() => state(host, 'one')?.instance === 2, 'it starts anew');
    const outcome = await reloading(host, { name: 'one', guest: { init: forever() } });
    await host.host.stopPlugin('one');
    assert.equal(await outcome(), 'plugin one did not start: it was stopped');
    const { state: now, crashes } = state(host, 'one') ?? {};
    assert.deepEqual([now, crashes], ['stopped', 1]);
    assert.deepEqual(host.logged('plugin restart failed'), [], host.dump());
  });
});

suite('a start that another plugin in its thread ends', { concurrency: 2 }, () => {
  test('is made again: it was not its own doing', async (t) => {
    const manifest = 'call_timeout_ms = 500\ncapabilities = ["transport.http.inbound"]';
    const bad = { name: 'bad', manifest, guest: { routes: { 'GET /loop': forever() } } };
    const host = await HostUnderTest.start(t, [bad, { name: 'good', manifest }], { pluginThreads: 1 });
    await host.host.stopPlugin('good');
    const loop = host.get('/loop');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await host.host.startPlugin('good');
    assert.equal((await loop)[0], 504);
    assert.deepEqual(await host.get('/good'), [200, 'good']);
  });

  test('is made again when it is that of a reload, too', async (t) => {
    const manifest = 'call_timeout_ms = 500\ncapabilities = ["transport.http.inbound"]';
    const bad = { name: 'bad', manifest, guest: { routes: { 'GET /loop': forever() } } };
    const host = await HostUnderTest.start(t, [bad, { name: 'good', manifest }], { pluginThreads: 1 });
    const loop = host.get('/loop');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await host.reload({ name: 'good', version: '2', manifest });
    assert.equal((await loop)[0], 504);
    assert.deepEqual(await host.get('/good'), [200, 'good']);
    const { state: now, version, crashes } = state(host, 'good') ?? {};
    assert.deepEqual([now, version, crashes], ['ready', '2', 0]);
    assert.deepEqual(host.logged('plugin restarted').length, 1, 'that of the other');
  });

  test('a start that fails by itself: the plugin stays stopped, and says why', async (t) => {
    const options = { requestTimeoutMs: 5000 };
    const host = await HostUnderTest.start(t, [{ name: 'one' }, { name: 'two' }], options);
    await host.host.stopPlugin('one');
    await host.release({ name: 'one', guest: { init: all(busy(400), trap()) } });
    await host.host.reloadPlugin('one');
    const failed = assert.rejects(
      host.host.startPlugin('one'),
      /plugin one did not start: pulp_init trapped/,
    );
    await until(() => state(host, 'one')?.state === 'starting', 'it starts');
    await new Promise((resolve) => setTimeout(resolve, 100));
    // What comes meanwhile waits for the start, and no longer.
    assert.deepEqual(await host.get('/one'), [503, 'plugin unavailable\n']);
    await failed;
    assert.equal(host.logged('plugin start failed', { plugin: 'one' }).length, 1);
    const { state: now, reason } = state(host, 'one') ?? {};
    assert.equal(now, 'stopped');
    assert.match(reason ?? '', /^plugin one did not start: pulp_init trapped/);
    await host.release({ name: 'one' });
    await host.host.reloadPlugin('one');
    await host.host.startPlugin('one');
    assert.equal(state(host, 'one')?.state, 'ready');
  });
});

suite('what operators ask for', { concurrency: 2 }, () => {
  test('is not done when they have gone before its turn', async (t) => {
    const host = await HostUnderTest.start(t, [{ name: 'one' }]);
    await host.release({ name: 'one', guest: { init: busy(500) } });
    const gone = new AbortController();
    const first = host.host.reloadPlugin('one');
    const second = host.host.reloadPlugin('one', gone.signal);
    gone.abort(new Error('gone'));
    await first;
    await assert.rejects(second, /^Error: gone$/);
    assert.equal(state(host, 'one')?.instance, 2);
  });

  test('a plugin with another name: the reload is refused before anything is said of a start', async (t) => {
    const host = await HostUnderTest.start(t, [{ name: 'one' }, { name: 'two' }]);
    await host.rename('one', 'other');
    await assert.rejects(
      host.host.reloadPlugin('one'),
      /the plugin one is called other now: restart the host/,
    );
    assert.equal(host.logged('pulp boot').length, 2);
    assert.deepEqual(await host.get('/one'), [200, 'one']);
  });

  test('a plugin that was stopped before does not shut down once more as the host stops', async (t) => {
    const host = await HostUnderTest.start(t, [{ name: 'one' }, { name: 'two' }]);
    await host.host.stopPlugin('one');
    await host.host.stop();
    assert.deepEqual(host.logged('shutdown complete', { plugin: 'one' }), []);
    assert.equal(host.logged('shutdown complete', { plugin: 'two' }).length, 1);
  });
});

test('a runaway that is cut off as the host stops: its client gets 504', async (t) => {
  const guest = { routes: { 'GET /loop': forever(), 'GET /ok': respond({}) } };
  const host = await HostUnderTest.start(t, [{ name: 'one', guest }], { drainTimeoutMs: 300 });
  const loop = host.get('/loop');
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(await host.host.stop(), { clean: false });
  assert.equal((await loop)[0], 504);
});
