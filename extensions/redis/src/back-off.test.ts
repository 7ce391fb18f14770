import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { BackOff } from './back-off.ts';

function backOff(): { readonly one: BackOff; readonly pass: (ms: number) => void } {
  let now = 0;
  return { one: new BackOff(() => now), pass: (ms) => void (now += ms) };
}

suite('the wait before an attempt', () => {
  test('is none at first, longer after each failure, five seconds at most, and never quite the same', () => {
    const { one, pass } = backOff();
    assert.equal(one.waitMs, 0);
    const waits = Array.from({ length: 1100 }, () => {
      one.failed();
      const { waitMs } = one;
      pass(Math.ceil(waitMs));
      assert.equal(one.waitMs, 0);
      return waitMs;
    });
    for (const [at, ms] of waits.entries()) {
      const most = Math.min(5000, 50 * 2 ** at);
      assert.ok(ms >= most / 2 && ms <= most, `${at}: ${ms}`);
    }
    assert.ok(new Set(waits).size > 1000);
  });

  test('goes on to grow with connections that break soon, and begins anew after one that lasted', () => {
    const { one, pass } = backOff();
    for (let turn = 0; turn < 10; turn++) {
      one.connected();
      pass(100);
      one.failed();
    }
    assert.ok(one.waitMs >= 2500);
    one.connected();
    pass(5000);
    one.failed();
    assert.ok(one.waitMs <= 50);
  });

  test('does not take an attempt that took long for a connection that lasted', () => {
    const { one, pass } = backOff();
    for (let turn = 0; turn < 10; turn++) {
      pass(60_000);
      one.failed();
    }
    assert.ok(one.waitMs >= 2500);
  });
});
