import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { WallClock } from './wall-clock.ts';

/** A double has steps of some 250 ns at these numbers. */
function about(nanoseconds: bigint, expected: bigint): void {
  const off = nanoseconds - expected;
  assert.ok(off > -1000n && off < 1000n, `${off} ns off`);
}

suite('WallClock', () => {
  test('is the time of day in nanoseconds, to within some milliseconds', () => {
    const clock = new WallClock();
    const before = Date.now();
    const milliseconds = Number(clock.at(performance.now()) / 1_000_000n);
    assert.ok(
      milliseconds >= before - 10 && milliseconds <= Date.now() + 10,
      `${milliseconds - before} ms off`,
    );
  });

  test('is finer than a millisecond and does not go back while nobody sets it', (t) => {
    const wall = 1_700_000_000_000;
    t.mock.method(Date, 'now', () => wall);
    const clock = new WallClock();
    const start = clock.at(1000);
    about(start, BigInt(wall) * 1_000_000n);
    about(clock.at(1000.25) - start, 250_000n);
    about(clock.at(1004.9) - start, 4_900_000n);
  });

  test('follows the system’s clock when that is set, forwards or back', (t) => {
    let wall = 1_700_000_000_000;
    t.mock.method(Date, 'now', () => wall);
    const clock = new WallClock();
    clock.at(1000);
    for (const by of [3_600_000, -7_200_000, 10, -10]) {
      wall += by;
      about(clock.at(1000), BigInt(wall) * 1_000_000n);
    }
  });
});
