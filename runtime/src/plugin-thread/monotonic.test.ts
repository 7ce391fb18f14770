import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { shared } from './monotonic.ts';

/** The machine's monotonic clock, in milliseconds. */
const machine = (): number => Number(process.hrtime.bigint()) / 1e6;

/** How far two looks at a clock may be apart where nothing but a look is in between, in milliseconds. */
const sloppyMs = 5;

/** The best of many tries to read both clocks at once: what is left is what lies between them. */
function between(one: () => number, other: () => number): number {
  const tries = Array.from({ length: 1000 }, () => {
    const before = one();
    const difference = other() - before;
    return { difference, took: one() - before };
  });
  const [best] = tries.toSorted((a, b) => a.took - b.took);
  return best?.difference ?? Number.NaN;
}

suite('shared', () => {
  test('is the clock of process.hrtime, also after a while', async () => {
    for (let look = 0; look < 3; look++) {
      const difference = between(() => shared(performance.now()), machine);
      assert.ok(Math.abs(difference) < sloppyMs, `${difference} ms apart`);
      await setTimeout(20);
    }
  });

  test('keeps how far two times are apart', () => {
    assert.ok(Math.abs(shared(1250.5) - shared(1000) - 250.5) < 0.001);
  });

  test('times of two threads can be compared, whenever they began', async (t) => {
    const url = JSON.stringify(new URL('monotonic.ts', import.meta.url));
    const script = `const { parentPort } = require('node:worker_threads');
      import(${url}).then(({ shared }) =>
        parentPort.on('message', () => parentPort.postMessage(shared(performance.now()))));`;
    const worker = new Worker(script, { eval: true });
    t.after(() => worker.terminate());
    for (let look = 0; look < 5; look++) {
      const before = performance.now();
      const answered = new Promise<number>((resolve) => worker.once('message', resolve));
      worker.postMessage(undefined);
      const there = await answered;
      const after = performance.now();
      assert.ok(there > shared(before) - sloppyMs, 'it answered before it was asked');
      assert.ok(there < shared(after) + sloppyMs, 'it answered after the answer was there');
    }
  });
});
