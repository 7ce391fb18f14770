/** The other thread of the bell's tests: it answers each call with one of its own. */
import { workerData } from 'node:worker_threads';
import { Bell } from './bell.ts';

/** How long a wait may take before it counts as a wake-up that was lost, in milliseconds. */
export const lostMs = 5000;

export interface BellThreadData {
  /** The bell that this thread waits for. */
  readonly own: SharedArrayBuffer;
  /** The bell of the thread that calls. */
  readonly other: SharedArrayBuffer;
  /** Word 0: the round that was called. Word 1: the round that was answered. Word 2: wake-ups lost here. */
  readonly words: SharedArrayBuffer;
  readonly rounds: number;
  readonly waits: 'blocking' | 'turning';
}

/** Does nothing for a moment of a length that nobody can foresee: mostly none, sometimes some microseconds. */
export function linger(seed: number): number {
  const next = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  const end = performance.now() + ((next >>> 8) % 64 < 32 ? 0 : (next >>> 16) / 65_536 / 50);
  while (performance.now() < end);
  return next;
}

const data = workerData as BellThreadData | null;

if (data !== null && 'own' in data) {
  const own = new Bell(data.own);
  const other = new Bell(data.other);
  const words = new Int32Array(data.words);
  // A promise of Atomics.waitAsync does not keep a thread alive.
  const alive = setInterval(() => undefined, 1_000_000);
  let seed = 1;
  for (let round = 1; round <= data.rounds; round++) {
    const called = (): boolean => Atomics.load(words, 0) >= round;
    while (!called()) {
      const start = performance.now();
      if (data.waits === 'blocking') own.wait(lostMs, called);
      else await own.waitAsync(lostMs, called);
      if (performance.now() - start > lostMs * 0.9) Atomics.add(words, 2, 1);
    }
    seed = linger(seed);
    Atomics.store(words, 1, round);
    other.ring();
  }
  clearInterval(alive);
}
