import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CrashLoop, maxCrashes, openMs } from './crash-loop.ts';

suite('CrashLoop', () => {
  test('each restart comes later, until the fifth crash opens the circuit', () => {
    const loop = new CrashLoop(() => 0);
    const after = Array.from({ length: maxCrashes }, (_, crash) => loop.crashed(crash * 100, crash * 100));
    assert.deepEqual(after, [
      { delayMs: 10, open: false },
      { delayMs: 20, open: false },
      { delayMs: 40, open: false },
      { delayMs: 80, open: false },
      { delayMs: openMs, open: true },
    ]);
  });

  test('a delay is up to half as long again', () => {
    assert.equal(new CrashLoop(() => 1).crashed(0, 0).delayMs, 15);
    assert.equal(new CrashLoop(() => 0.5).crashed(0, 0).delayMs, 12.5);
  });

  test('crashes long ago do not count', () => {
    const loop = new CrashLoop(() => 0);
    for (let crash = 0; crash < 20; crash++) {
      assert.deepEqual(loop.crashed(crash * 10_000, crash * 10_000 - 1), {
        delayMs: 10 * 2 ** Math.min(crash, 2),
        open: false,
      });
    }
  });

  test('behind an open circuit one crash opens it again, unless an instance has lasted', () => {
    const loop = new CrashLoop(() => 0);
    for (let crash = 0; crash < maxCrashes; crash++) loop.crashed(0, undefined);
    assert.deepEqual(loop.crashed(31_000, 30_500), { delayMs: openMs, open: true });
    assert.deepEqual(loop.crashed(62_000, undefined), { delayMs: openMs, open: true });
    assert.deepEqual(loop.crashed(130_000, 93_000), { delayMs: 10, open: false });
  });

  test('forgets all of it when it is told to', () => {
    const loop = new CrashLoop(() => 0);
    for (let crash = 0; crash < maxCrashes; crash++) loop.crashed(0, undefined);
    loop.reset();
    assert.deepEqual(loop.crashed(0, undefined), { delayMs: 10, open: false });
  });
});
