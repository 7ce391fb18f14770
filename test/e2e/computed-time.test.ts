import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { HostUnderTest } from '../support/host-under-test.ts';
import { all, busy, forever, respond, trap } from '../support/wat-guest.ts';

const inbound = 'capabilities = ["transport.http.inbound"]';

suite('the time that a plugin computes', () => {
  test('is counted for it alone, and over crashes, runaways and reloads', async (t) => {
    const worker = {
      name: 'worker',
      guest: {
        routes: {
          'GET /work': all(busy(200), respond({})),
          'GET /break': all(busy(200), trap()),
          'GET /loop': forever(),
        },
      },
      manifest: `${inbound}\ncall_timeout_ms = 1000`,
    };
    const host = await HostUnderTest.start(t, [worker, { name: 'idle' }], { pluginThreads: 1 });
    const computed = (): number[] => host.host.status().plugins.map(({ computedMs }) => computedMs);
    let [before = 0, idle = 0] = computed();
    /** What comes on top is measured by the clock, so a busy machine makes it more, and none makes it less. */
    const adds = async (ms: number, act: () => Promise<unknown>): Promise<void> => {
      await act();
      const [now = 0] = computed();
      assert.ok(now - before >= ms * 0.9, `${now - before} ms of ${ms}`);
      before = now;
    };
    await adds(200, () => host.get('/work'));
    await adds(200, () => host.get('/break'));
    await adds(1000, () => host.get('/loop'));
    await host.line('plugin restarted', { plugin: 'worker', instance: 3 });
    await adds(200, () => host.get('/work'));
    await adds(0, () => host.reload(worker));
    await adds(200, () => host.get('/work'));
    [, idle = 0] = computed().map((ms, index) => (index === 1 ? ms - idle : ms));
    assert.ok(idle < before / 2, `the other one has ${idle} of ${before} ms`);
  });
});
