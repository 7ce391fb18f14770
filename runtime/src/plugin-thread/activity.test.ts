import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { Activity, ActivityWatch, createActivity, Entry } from './activity.ts';

function both(): { activity: Activity; watch: ActivityWatch } {
  const buffer = createActivity();
  return { activity: new Activity(buffer), watch: new ActivityWatch(buffer) };
}

/** Times that are noted and read are the same, but for the last digits of a sum. */
function assertSince(watch: ActivityWatch, expected: number): void {
  const since = watch.computesSince;
  assert.ok(since !== undefined && Math.abs(since - expected) < 0.01, `since ${since}, not ${expected}`);
}

/** A clock that a test moves on. */
function clock(t: TestContext): { now: number } {
  const at = { now: 1000 };
  t.mock.method(performance, 'now', () => at.now);
  return at;
}

suite('Activity', () => {
  test('a guest computes from its entry to its return', () => {
    const { activity, watch } = both();
    assert.equal(watch.computesSince, undefined);
    activity.enter(Entry.step, 5000);
    assertSince(watch, 5000);
    assert.equal(watch.entry, 'a step');
    activity.leave();
    assert.equal(watch.computesSince, undefined);
    activity.leave();
    activity.enter(Entry.shutdown, 6000);
    assertSince(watch, 6000);
    assert.equal(watch.entry, 'its shutdown');
  });

  test('while it waits its clock stands still, however often', (t) => {
    const at = clock(t);
    const { activity, watch } = both();
    activity.enter(Entry.step, at.now);
    for (let wait = 1; wait <= 3; wait++) {
      at.now += 10;
      activity.wait();
      assert.equal(watch.computesSince, undefined);
      at.now += 10_000;
      activity.resume();
      assertSince(watch, at.now - wait * 10);
    }
  });

  test('waits inside of each other are one', (t) => {
    const at = clock(t);
    const { activity, watch } = both();
    activity.enter(Entry.start, at.now);
    activity.wait();
    activity.wait();
    activity.resume();
    assert.equal(watch.computesSince, undefined);
    activity.resume();
    assertSince(watch, at.now);
    activity.resume();
    assertSince(watch, at.now);
  });

  test('a wait that ends behind the step changes nothing', (t) => {
    const at = clock(t);
    const { activity, watch } = both();
    activity.enter(Entry.step, at.now);
    activity.leave();
    activity.wait();
    activity.resume();
    activity.resume();
    activity.enter(Entry.step, at.now + 7);
    assertSince(watch, at.now + 7);
  });

  test('adds up for how long the guest has computed, without its waits', (t) => {
    const at = clock(t);
    const { activity, watch } = both();
    const assertComputed = (expected: number): void => {
      const ms = watch.computedMs(at.now);
      assert.ok(Math.abs(ms - expected) < 0.01, `${ms} ms, not ${expected}`);
    };
    assertComputed(0);
    for (let step = 0; step < 3; step++) {
      activity.enter(Entry.step, at.now);
      at.now += 10;
      assertComputed(step * 15 + 10);
      activity.wait();
      at.now += 10_000;
      assertComputed(step * 15 + 10);
      activity.resume();
      at.now += 5;
      assertComputed(step * 15 + 15);
      activity.leave();
      at.now += 10_000;
      assertComputed(step * 15 + 15);
    }
    activity.enter(Entry.step, at.now);
    at.now += 3;
    activity.wait();
    activity.leave();
    assertComputed(48);
  });

  test('says how much memory there is', () => {
    const { activity, watch } = both();
    activity.memory = 4_294_967_296;
    assert.equal(watch.memory, 4_294_967_296);
  });
});
