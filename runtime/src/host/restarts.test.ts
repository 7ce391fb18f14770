import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { maxCrashes } from './crash-loop.ts';
import { Restarts } from './restarts.ts';

function made(t: TestContext): { readonly restarts: Restarts; readonly starts: () => number } {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const start = t.mock.fn();
  return { restarts: new Restarts(start), starts: () => start.mock.callCount() };
}

suite('Restarts', () => {
  test('a crash brings the next instance, when its delay is over', (t) => {
    const { restarts, starts } = made(t);
    const { delayMs, open } = restarts.afterCrash(undefined);
    assert.equal(open, false);
    t.mock.timers.tick(Math.floor(delayMs) - 1);
    assert.equal(starts(), 0);
    t.mock.timers.tick(2);
    assert.equal(starts(), 1);
  });

  test('the last start that was asked for counts', (t) => {
    const { restarts, starts } = made(t);
    restarts.startIn(1000);
    restarts.startIn(0);
    t.mock.timers.tick(2000);
    assert.equal(starts(), 1);
  });

  test('a start that was cancelled does not come', (t) => {
    const { restarts, starts } = made(t);
    restarts.startIn(10);
    restarts.cancel();
    t.mock.timers.tick(1000);
    assert.equal(starts(), 0);
  });

  test('crashes that are forgiven do not count towards the circuit', (t) => {
    const { restarts, starts } = made(t);
    for (let crash = 1; crash < maxCrashes; crash++) restarts.afterCrash(undefined);
    restarts.forgive();
    assert.equal(restarts.afterCrash(undefined).open, false);
    restarts.forgive();
    t.mock.timers.tick(100_000);
    assert.equal(starts(), 0, 'a start that nobody waits for any more');
  });

  test('while it is held none starts, and who releases it hears that one is owed', (t) => {
    const { restarts, starts } = made(t);
    restarts.hold();
    assert.equal(restarts.held, true);
    restarts.startIn(0);
    t.mock.timers.tick(1000);
    assert.deepEqual([restarts.release(), restarts.held, starts()], [true, false, 0]);
    restarts.hold();
    assert.equal(restarts.release(), false, 'what was owed before is forgotten');
  });

  test('one that is on its way comes neither while it is held nor, when it was cancelled, afterwards', (t) => {
    const { restarts, starts } = made(t);
    restarts.startIn(1000);
    restarts.hold();
    t.mock.timers.tick(5000);
    assert.deepEqual([starts(), restarts.release()], [0, false]);
    t.mock.timers.tick(1000);
    assert.equal(starts(), 1);
    restarts.startIn(1000);
    restarts.hold();
    restarts.forgive();
    assert.equal(restarts.release(), false);
    t.mock.timers.tick(5000);
    assert.equal(starts(), 1);
  });
});
