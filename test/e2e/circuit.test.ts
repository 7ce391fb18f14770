/** What becomes of a plugin that breaks again and again, and of the others. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { openMs } from '../../runtime/src/host/crash-loop.ts';
import { HostUnderTest } from '../support/host-under-test.ts';
import { until } from '../support/until.ts';
import { respond, trap } from '../support/wat-guest.ts';

const inbound = 'capabilities = ["transport.http.inbound"]';
const broken = { routes: { 'GET /trap': trap() } };

/** Breaks the plugin so often; it is started again after each but the last. */
async function breakOften(host: HostUnderTest, times: number): Promise<void> {
  for (let count = 1; count <= times; count++) {
    assert.equal((await host.get('/trap'))[0], 502);
    if (count < times) await host.line('plugin restarted', { plugin: 'broken', instance: count + 1 });
  }
}

async function failed(t: TestContext): Promise<HostUnderTest> {
  const plugins = [{ name: 'broken', guest: broken }, { name: 'neighbour' }];
  // No other time is as long as the circuit is open.
  const host = await HostUnderTest.start(t, plugins, { startTimeoutMs: 20_000, requestTimeoutMs: 20_000 });
  await breakOften(host, 5);
  await host.line('plugin failed', { plugin: 'broken' });
  return host;
}

suite('five crashes within 30 s', { concurrency: 2 }, () => {
  test('make the plugin fail: 503 with Retry-After, a line in the log, and nobody else notices', async (t) => {
    const host = await HostUnderTest.start(t, [{ name: 'broken', guest: broken }, { name: 'neighbour' }]);
    const load = host.load('/neighbour');
    await breakOften(host, 5);
    const { delay_ms: delay, reason } = await host.line('plugin failed', { plugin: 'broken' });
    assert.deepEqual([delay, reason], [30_000, 'pulp_step trapped: unreachable']);
    const response = await fetch(`${host.url}/broken`);
    assert.equal(response.status, 503);
    const retryAfter = Number(response.headers.get('retry-after'));
    // Some of the 30 s may be over by now.
    assert.ok(retryAfter > 5 && retryAfter <= 30, `Retry-After is ${retryAfter}`);
    assert.equal((await host.get('/nowhere'))[0], 404);
    assert.deepEqual((await load.stop()).errors, []);
    const delays = host.logged('plugin restarts').map(({ fields }) => Number(fields['delay_ms']));
    for (const [index, least] of [10, 20, 40, 80].entries()) {
      const given = delays[index] ?? 0;
      assert.ok(given >= least && given <= least * 1.5, delays.join());
    }
    const [status] = host.host.status().plugins;
    assert.deepEqual([status?.state, status?.crashes], ['failed', 5]);
  });

  test('of four, none is noticed by clients who come while the plugin is down for a moment', async (t) => {
    const host = await HostUnderTest.start(t, [{ name: 'broken', guest: broken }]);
    const after: unknown[] = [];
    for (let crash = 1; crash <= 4; crash++) {
      assert.equal((await host.get('/trap'))[0], 502);
      after.push(...(await Promise.all([host.get('/broken'), host.get('/broken')])));
    }
    assert.deepEqual(
      after,
      Array.from({ length: 8 }, () => [200, 'broken']),
    );
  });

  test('whoever starts it again need not wait', async (t) => {
    const host = await failed(t);
    await host.host.startPlugin('broken');
    assert.deepEqual(await host.get('/broken'), [200, 'broken']);
    assert.equal((await host.get('/trap'))[0], 502);
    await host.host.stopPlugin('broken');
    const response = await fetch(`${host.url}/broken`);
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '1']);
  });

  test('one that is stopped tells nobody to wait for the next try', async (t) => {
    const host = await failed(t);
    await host.host.stopPlugin('broken');
    const response = await fetch(`${host.url}/broken`);
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '1']);
  });

  test('a reload mends it at once', async (t) => {
    const host = await failed(t);
    await host.reload({ name: 'broken', guest: { routes: { 'GET /trap': respond({ body: 'mended' }) } } });
    assert.deepEqual(await host.get('/trap'), [200, 'mended']);
  });
});

test('a plugin that was given up comes back when an operator starts, restarts or reloads it', async (t) => {
  const once = {
    name: 'broken',
    guest: broken,
    manifest: `restart = "never"\n${inbound}`,
  };
  const host = await HostUnderTest.start(t, [once, { name: 'neighbour' }]);
  const acts = [
    () => host.host.startPlugin('broken'),
    () => host.host.restartPlugin('broken'),
    () => host.host.reloadPlugin('broken'),
  ];
  for (const act of acts) {
    assert.equal((await host.get('/trap'))[0], 502);
    await until(() => host.host.status().plugins[0]?.state === 'failed', 'it is given up');
    await act();
    assert.deepEqual(await host.get('/broken'), [200, 'broken']);
  }
  assert.equal((await host.get('/trap'))[0], 502);
  await until(() => host.host.status().plugins[0]?.state === 'failed', 'it is given up');
  await host.host.stopPlugin('broken');
  assert.equal(host.host.status().plugins[0]?.state, 'stopped');
});

test('a failed plugin is tried again by itself, and serves; one more crash, and it has failed again', async (t) => {
  const { setTimeout } = globalThis;
  const over: (() => void)[] = [];
  t.mock.method(globalThis, 'setTimeout', (call: () => void, ms?: number) => {
    if (ms === openMs) over.push(call);
    return setTimeout(call, ms);
  });
  const host = await failed(t);
  for (const instance of [6, 7]) {
    assert.equal((await host.get('/broken'))[0], 503);
    assert.equal(over.length, 1);
    // As if the 30 s were over.
    over.pop()?.();
    await host.line('plugin restarted', { plugin: 'broken', instance });
    assert.deepEqual(await host.get('/broken'), [200, 'broken']);
    assert.equal((await host.get('/trap'))[0], 502);
    await until(() => host.logged('plugin failed').length === instance - 4, 'it has failed again');
  }
});

suite('a plugin that may not be started again', () => {
  test('ends alone while others go on, and the host ends when none is left', async (t) => {
    const never = `restart = "never"\n${inbound}`;
    const host = await HostUnderTest.start(t, [
      { name: 'one', guest: { routes: { 'GET /trap/one': trap() } }, manifest: never },
      { name: 'two', guest: { routes: { 'GET /trap/two': trap() } }, manifest: never },
    ]);
    const load = host.load('/two');
    assert.equal((await host.get('/trap/one'))[0], 502);
    await host.line('plugin crashed', { plugin: 'one' });
    const response = await fetch(`${host.url}/one`);
    assert.equal(response.status, 503);
    assert.deepEqual((await load.stop()).errors, []);
    assert.deepEqual(host.logged('plugin restarts'), []);
    assert.equal((await host.get('/trap/two'))[0], 502);
    assert.deepEqual(await host.host.finished, { code: 1 });
  });
});
