import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createNativeCalls, NativeCalls, NativeCallWatch } from './native-calls.ts';

function pair(): { calls: NativeCalls; watch: NativeCallWatch } {
  const buffer = createNativeCalls();
  return { calls: new NativeCalls(buffer), watch: new NativeCallWatch(buffer) };
}

suite('native calls', () => {
  test('a call is overdue once it has taken as long as it may', () => {
    const { calls, watch } = pair();
    assert.equal(watch.inside, false);
    calls.begin(Buffer.from('SELECT ö'), 1000, 5000);
    assert.equal(watch.inside, true);
    assert.equal(watch.overdue(5999), undefined);
    assert.deepEqual(watch.overdue(6000), { what: 'SELECT ö', limitMs: 1000 });
    assert.equal(calls.end(6500), 1500);
    assert.deepEqual([watch.inside, watch.overdue(7000)], [false, undefined]);
  });

  test('many short calls are none that lasts', () => {
    const { calls, watch } = pair();
    for (let now = 0; now < 10_000; now += 500) {
      calls.begin(Buffer.from('a'), 1000, now);
      assert.equal(watch.overdue(now + 499), undefined);
      calls.end(now + 500);
    }
  });

  test('time in calls is added up from the entry on, of each no more than it may take', () => {
    const { calls, watch } = pair();
    calls.begin(Buffer.from('before'), 1000, 0);
    calls.end(100);
    calls.reset();
    assert.deepEqual(watch.time(200), { spentMs: 0, countedMs: 0, insideMs: 0, limitMs: 1000 });
    calls.begin(Buffer.from('a'), 1000, 200);
    calls.end(250);
    calls.begin(Buffer.from('b'), 1000, 300);
    assert.deepEqual(watch.time(320), { spentMs: 70, countedMs: 70, insideMs: 20, limitMs: 1000 });
    calls.end(2300);
    assert.deepEqual(watch.time(2400), { spentMs: 2050, countedMs: 1050, insideMs: 0, limitMs: 1000 });
  });

  test('of a long text the beginning is noted', () => {
    const { calls, watch } = pair();
    calls.begin(Buffer.alloc(100_000, 'x'), 0, 0);
    assert.equal(watch.overdue(1)?.what, 'x'.repeat(500));
  });
});
