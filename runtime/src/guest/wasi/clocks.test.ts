import { suite, test } from 'node:test';
import assert from 'node:assert/strict';
import { Clocks } from './clocks.ts';

/** Clocks over a system whose wall clock shows whole milliseconds of `nanoseconds`; the first estimate is off. */
function clocksAt(nanoseconds: bigint, off = 0n) {
  const system = { wall: nanoseconds, monotonic: 77n };
  const clocks = new Clocks({
    wall: () => Number(system.wall / 1_000_000n),
    monotonic: () => system.monotonic,
    offset: () => nanoseconds - 77n + off,
    cpu: () => 0,
  });
  return { system, clocks };
}

suite('clocks', () => {
  test('the wall clock goes on between the milliseconds of the system', () => {
    const { system, clocks } = clocksAt(1_000_000_123_456n);
    const readings: bigint[] = [];
    for (let step = 0; step < 50; step += 1) {
      readings.push(clocks.realtime());
      system.wall += 100_000n;
      system.monotonic += 100_000n;
    }
    for (const [index, reading] of readings.entries()) {
      assert.equal(reading, 1_000_000_123_456n + BigInt(index) * 100_000n);
    }
  });

  test('a first estimate that is off is corrected to the millisecond', () => {
    for (const off of [-3_600_000_000_000n, -2_000_000n, 1_500_000n, 9_000_000_000n]) {
      const now = clocksAt(1_000_000_300_000n, off).clocks.realtime();
      assert.ok(now >= 1_000_000_000_000n && now < 1_000_001_000_000n, `${now} with ${off}`);
    }
  });

  test('it stays within the millisecond that the system says, however it was set', () => {
    const { system, clocks } = clocksAt(1_000_000_000_000n);
    for (const jump of [3_600_000_000_000n, -7_200_000_000_000n, 500_000n, 1n, -1_500_000n]) {
      system.wall += jump;
      system.monotonic += 10n;
      const first = (system.wall / 1_000_000n) * 1_000_000n;
      const now = clocks.realtime();
      assert.ok(now >= first && now < first + 1_000_000n, `${now} after a jump of ${jump}`);
    }
  });

  test('ids that no clock has give nothing', () => {
    const { clocks } = clocksAt(0n);
    assert.equal(clocks.now(4), undefined);
    assert.equal(clocks.resolution(4), undefined);
  });
});
