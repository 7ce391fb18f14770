import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createNativeCalls, NativeCalls, NativeCallWatch } from './native-calls.ts';

function pair(): { calls: NativeCalls; watch: NativeCallWatch } {
  const buffer = createNativeCalls();
  return { calls: new NativeCalls(buffer), watch: new NativeCallWatch(buffer) };
}

suite('native calls', () => {
  test('a call is overdue once it was seen for as long as it may last', () => {
    const { calls, watch } = pair();
    assert.equal(watch.inside, false);
    calls.begin(Buffer.from('SELECT ö'), 1000);
    assert.equal(watch.inside, true);
    assert.equal(watch.overdue(5000), undefined, 'it may have begun just now');
    assert.equal(watch.overdue(5999), undefined);
    assert.deepEqual(watch.overdue(6000), { what: 'SELECT ö', limitMs: 1000 });
    calls.end();
    assert.deepEqual([watch.inside, watch.overdue(7000)], [false, undefined]);
  });

  test('many short calls are none that lasts', () => {
    const { calls, watch } = pair();
    for (let now = 0; now < 10_000; now += 500) {
      calls.begin(Buffer.from('a'), 1000);
      assert.equal(watch.overdue(now), undefined);
      calls.end();
    }
  });

  test('of a long text the beginning is noted', () => {
    const { calls, watch } = pair();
    calls.begin(Buffer.alloc(100_000, 'x'), 0);
    assert.equal(watch.overdue(1)?.what, 'x'.repeat(500));
  });
});
