import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { until } from '../../../test/support/until.ts';
import type { ExtensionModule } from '../capabilities/import-extension.ts';
import { PluginThreads, type Tenant, type ThreadLease } from './plugin-threads.ts';

interface TenantUnderTest extends Tenant {
  readonly heard: string[];
}

function tenant({ busy = false } = {}): TenantUnderTest {
  const heard: string[] = [];
  return {
    busy,
    heard,
    died: (error) => heard.push(`died: ${error.message}`),
    evicted: (reason) => heard.push(`evicted: ${reason}`),
  };
}

/** Threads of a host that has so many, without capabilities. They end with the test. */
function threads(t: TestContext, max: number, extensions: readonly ExtensionModule[] = []) {
  const all = new PluginThreads({ max, extensions });
  return (dedicated = false, { extra = false, by = tenant() } = {}): ThreadLease => {
    const lease = all.acquire(by, { dedicated, extra });
    t.after(() => lease.kill('the test is over'));
    return lease;
  };
}

const indexes = (leases: readonly ThreadLease[]): readonly number[] => leases.map(({ index }) => index);

suite('PluginThreads', () => {
  test('each plugin has a thread to itself while there are few; then the least occupied is shared', (t) => {
    const acquire = threads(t, 2);
    const leases = Array.from({ length: 5 }, () => acquire());
    assert.deepEqual(indexes(leases), [1, 2, 1, 2, 1]);
    assert.deepEqual(
      leases.map(({ tenants }) => tenants),
      [3, 2, 3, 2, 3],
    );
    assert.equal(leases[0]?.thread, leases[2]?.thread);
    assert.notEqual(leases[0]?.thread, leases[1]?.thread);
  });

  test('a place that was given back is taken before others', async (t) => {
    const acquire = threads(t, 2);
    const leases = Array.from({ length: 4 }, () => acquire());
    assert.equal(await leases[1]?.release(), true);
    assert.deepEqual(indexes([acquire()]), [2]);
  });

  test('a dedicated thread is nobody else’s, and counts for no limit', (t) => {
    const acquire = threads(t, 1);
    const [first, alone, second, third] = [acquire(), acquire(true), acquire(), acquire(true)];
    assert.deepEqual(indexes([first, alone, second, third]), [1, 2, 1, 3]);
    assert.equal(alone.tenants, 1);
  });

  test('those that are expected begin one ahead, and what is left of them ends', async (t) => {
    const begun: Worker[] = [];
    const ended: Worker[] = [];
    const note = (worker: Worker): void => {
      begun.push(worker);
      worker.once('exit', () => ended.push(worker));
    };
    process.on('worker', note);
    t.after(() => process.off('worker', note));
    const all = new PluginThreads({ max: 3 });
    const counts: number[] = [];
    all.prepare(9);
    all.prepare(9);
    await until(() => begun.length === 1, 'one begins before it is asked for');
    for (let asked = 1; asked <= 4; asked++) {
      const lease = all.acquire(tenant(), { dedicated: false });
      t.after(() => lease.kill('the test is over'));
      await until(() => begun.length >= Math.min(asked + 1, 3), 'the next begins');
      counts.push(begun.length);
    }
    assert.deepEqual(counts, [2, 3, 3, 3]);
    await all.dismiss();
    assert.equal(ended.length, 0, 'all were taken');

    const unused = new PluginThreads({ max: 3 });
    unused.prepare(1);
    await unused.dismiss();
    await until(() => ended.length === 1, 'nobody has taken it');
    assert.equal(begun[3], ended[0]);
  });

  test('an extra one is new whatever the limit', (t) => {
    const acquire = threads(t, 1);
    assert.deepEqual(indexes([acquire(), acquire(false, { extra: true })]), [1, 2]);
  });

  test('numbers of instances are the host’s, not the thread’s', (t) => {
    const acquire = threads(t, 2);
    const [one, other, again] = [acquire(), acquire(), acquire()];
    const keys = [one.nextKey(), other.nextKey(), again.nextKey(), one.nextKey()];
    assert.equal(new Set(keys).size, 4);
  });

  test('a thread ends with the last one in it, and not before', async (t) => {
    const acquire = threads(t, 1);
    const [one, other] = [acquire(), acquire()];
    const { thread } = one;
    const ended = t.mock.method(thread, 'terminate');
    assert.equal(await one.release(), true);
    assert.equal(await one.release(), true, 'giving back twice is giving back');
    assert.equal(ended.mock.callCount(), 0);
    assert.equal(await other.release(), true);
    assert.equal(ended.mock.callCount(), 1);
    assert.notEqual(acquire().thread, thread);
  });

  test('whoever is killed with another one hears why, and the next comes into a new thread', async (t) => {
    const acquire = threads(t, 1);
    const [runaway, neighbour, gone] = [tenant(), tenant(), tenant()];
    const lease = acquire(false, { by: runaway });
    const left = acquire(false, { by: neighbour });
    await acquire(false, { by: gone }).release();
    assert.equal(await lease.kill('it looped'), true);
    assert.deepEqual([runaway.heard, neighbour.heard, gone.heard], [[], ['evicted: it looped'], []]);
    assert.equal(await left.release(), true);
    assert.equal(acquire().index, 2);
  });

  test('a thread that dies says so to everyone in it, and the next comes into a new one', async (t) => {
    const broken = 'data:text/javascript,throw new Error("a bug of ours")';
    const acquire = threads(t, 1, [{ name: 'test.broken', module: broken }]);
    const all = [tenant(), tenant()];
    for (const by of all) acquire(false, { by });
    await until(() => all.every(({ heard }) => heard.length > 0), 'the thread dies');
    for (const { heard } of all)
      assert.deepEqual(heard, [`died: the extension ${broken} cannot be loaded: a bug of ours`]);
    assert.equal(acquire().index, 2);
  });

  test('of a thread that dies the one who computed alone is to blame', async (t) => {
    const broken = 'data:text/javascript,throw new Error("out of memory")';
    const acquire = threads(t, 1, [{ name: 'test.broken', module: broken }]);
    const all = [tenant(), tenant({ busy: true }), tenant()];
    for (const by of all) acquire(false, { by });
    await until(() => all.every(({ heard }) => heard.length > 0), 'the thread dies');
    assert.deepEqual(
      all.map(({ heard }) => heard.map((line) => line.split(':')[0])),
      [['evicted'], ['died'], ['evicted']],
    );
  });
});
