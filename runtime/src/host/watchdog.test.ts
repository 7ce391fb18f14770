import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { Watchdog, watchEveryMs } from './watchdog.ts';

/** A watchdog whose time a test moves on. */
function watched(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const watchdog = new Watchdog();
  t.after(() => watchdog[Symbol.dispose]());
  return watchdog;
}

suite('Watchdog', () => {
  test('looks at each as often as the most impatient of them wants', (t) => {
    const watchdog = watched(t);
    let [calm, hasty] = [0, 0];
    watchdog.add(() => {
      calm += 1;
      return Number.POSITIVE_INFINITY;
    });
    t.mock.timers.tick(watchEveryMs);
    assert.equal(calm, 1);
    const look = watchdog.add(() => {
      hasty += 1;
      return 100;
    });
    t.mock.timers.tick(watchEveryMs);
    t.mock.timers.tick(100);
    t.mock.timers.tick(100);
    assert.deepEqual([calm, hasty], [4, 3]);
    look[Symbol.dispose]();
    t.mock.timers.tick(100);
    t.mock.timers.tick(watchEveryMs);
    assert.deepEqual([calm, hasty], [6, 3]);
  });

  test('looks sooner when it is asked to', (t) => {
    const watchdog = watched(t);
    let looks = 0;
    const look = watchdog.add(() => {
      looks += 1;
      return watchEveryMs;
    });
    look.soon(20);
    t.mock.timers.tick(21);
    assert.equal(looks, 1);
  });
});
