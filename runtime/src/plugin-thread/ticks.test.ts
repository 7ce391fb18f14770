import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { shared } from './monotonic.ts';
import { Ticks } from './ticks.ts';

function begun(intervalMs: number, now: number): Ticks {
  const ticks = new Ticks(intervalMs);
  ticks.begin(now);
  return ticks;
}

/** How far a time is from a multiple of so many milliseconds on the clock of all threads. */
function off(time: number, gridMs: number): number {
  const past = shared(time) % gridMs;
  return Math.min(past, gridMs - past);
}

suite('Ticks', () => {
  test('the first comes behind its whole interval, at a moment that others of that interval have, too', () => {
    for (const [intervalMs, gridMs] of [
      [10, 10],
      [7, 7],
      [100, 100],
      [60_000, 100],
    ] as const) {
      for (const now of [0, 1.3, 1234.5]) {
        const { next } = begun(intervalMs, now);
        assert.ok(next >= now + intervalMs && next <= now + intervalMs + gridMs, `${next} for ${now}`);
        assert.ok(off(next, gridMs) < 0.001, `${next} is off`);
      }
    }
  });

  test('each is an interval behind the one before it, however late that was', () => {
    const ticks = begun(10, 0);
    const first = ticks.next;
    assert.equal(ticks.take(first - 0.1, false), false);
    assert.equal(ticks.take(first + 4, false), true);
    assert.equal(ticks.next, first + 10);
  });

  test('those that were missed are not made up for', () => {
    const ticks = begun(10, 0);
    const late = ticks.next + 42;
    assert.equal(ticks.take(late, false), true);
    assert.ok(ticks.next >= late + 5 && ticks.next <= late + 15, `${ticks.next} behind ${late}`);
    assert.ok(off(ticks.next, 10) < 0.001);
  });

  test('an event that waits has its turn between two of them', () => {
    const ticks = begun(10, 0);
    const taken = [1, 2, 3, 4].map((count) => ticks.take(ticks.next + count * 100, true));
    assert.deepEqual(taken, [true, false, true, false]);
  });

  test('there are none before they begin, and with an interval of 0 ever', () => {
    assert.equal(new Ticks(10).take(1e9, false), false);
    assert.equal(begun(0, 5).take(1e9, false), false);
  });
});
