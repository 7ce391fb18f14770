/**
 * The order of the steps of a ring, held one by one: the sleeper's side runs between two of them. Threads that
 * only happen to meet there hardly ever do.
 */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { Bell } from './bell.ts';

/** The steps that a ring may consist of. */
const steps = ['add', 'load', 'exchange', 'notify', 'store'] as const;

/** Calls `between` once, behind the step with this number of whatever uses `Atomics`, from 1 on. */
function afterStep(t: TestContext, number: number, between: () => void): { taken: () => number } {
  let taken = 0;
  let inside = false;
  for (const name of steps) {
    const real = Atomics[name].bind(Atomics) as (...args: readonly unknown[]) => unknown;
    t.mock.method(Atomics, name, (...args: readonly unknown[]) => {
      const result = real(...args);
      if (inside) return result;
      taken += 1;
      if (taken === number) {
        inside = true;
        between();
        inside = false;
      }
      return result;
    });
  }
  return { taken: () => taken };
}

/** Lets everything run that is due. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const nothing = (): boolean => false;

suite('a ring, step by step', () => {
  // At most four steps: what is behind the last of them is behind the ring. A ring that finds nobody asleep has fewer.
  for (const step of [1, 2, 3, 4]) {
    for (const before of ['awake', 'asleep']) {
      // Work that is there may not be due: for a guest that is in the middle of a step.
      test(`leaves a thread (${before} before) that looks for work behind its step ${step}, and waits when it is over, to the next`, async (t) => {
        const bell = new Bell();
        if (before === 'asleep') new Bell(bell.buffer).fallAsleep(() => undefined, nothing);
        let woken = 0;
        let begin: (() => void) | undefined;
        const wait = Atomics.waitAsync.bind(Atomics);
        const { promise, resolve } = Promise.withResolvers<'ok'>();
        t.mock.method(
          Atomics,
          'waitAsync',
          (words: Int32Array<SharedArrayBuffer>, index: number, seen: number) => {
            begin = () => {
              const waiting = wait(words, index, seen);
              if (waiting.async) void waiting.value.then(() => resolve('ok'));
              else resolve('ok');
            };
            return { async: true, value: promise };
          },
        );
        const sleep = (): void => {
          bell.fallAsleep(() => {
            woken += 1;
          }, nothing);
        };
        const { taken } = afterStep(t, step, sleep);
        bell.ring();
        if (taken() < step) sleep();
        t.mock.restoreAll();
        assert.ok(taken() <= 4, `a ring of ${taken()} steps`);
        assert.ok(begin, 'the thread did not fall asleep');
        begin();
        bell.ring();
        await turns();
        assert.equal(woken, 1, 'the thread sleeps though the bell rang');
      });
    }
  }

  for (const step of [1, 2, 3, 4]) {
    test(`wakes a thread that has announced itself, and waits from behind step ${step} on`, async (t) => {
      const bell = new Bell();
      let woken = 0;
      const wait = Atomics.waitAsync.bind(Atomics);
      type Waiting = ReturnType<typeof wait>;
      t.mock.method(
        Atomics,
        'waitAsync',
        (words: Int32Array<SharedArrayBuffer>, index: number, seen: number) => {
          let waiting: Waiting | undefined;
          const { taken } = afterStep(t, step, () => {
            waiting = wait(words, index, seen);
          });
          bell.ring();
          t.mock.restoreAll();
          assert.ok(taken() <= 4, `a ring of ${taken()} steps`);
          return waiting ?? wait(words, index, seen);
        },
      );
      const asleep = bell.fallAsleep(() => {
        woken += 1;
      }, nothing);
      await turns();
      assert.ok(!asleep || woken === 1, 'the thread sleeps though the bell rang');
    });
  }
});
