import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { Timestamp } from './timestamp.ts';

suite('timestamp', () => {
  test('counts nanoseconds forward from the second, before 1970 too', () => {
    assert.deepEqual(Timestamp.from(new Date(-1)), new Timestamp(-1n, 999_000_000));
    assert.deepEqual(Timestamp.from(new Date(1_500)), new Timestamp(1n, 500_000_000));
    assert.deepEqual(Timestamp.from(new Date(0)), new Timestamp(0n, 0));
  });

  test('refuses what the wire cannot carry', () => {
    assert.throws(() => new Timestamp(2n ** 63n), RangeError);
    assert.throws(() => new Timestamp(0n, 1_000_000_000), RangeError);
    assert.throws(() => new Timestamp(0n, -1), RangeError);
    assert.throws(() => new Timestamp(0n, 0.5), RangeError);
    assert.throws(() => Timestamp.from(new Date(Number.NaN)), RangeError);
  });
});
