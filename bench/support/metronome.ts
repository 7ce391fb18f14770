/**
 * Wakes another thread at even intervals, to some 0.1 ms. Timers of the event loop have a grain of 1 ms, and
 * a loop that spins would take a core from the server that is measured.
 */
import { isMainThread, Worker, workerData } from 'node:worker_threads';

interface Beats {
  /** One word: counts beats, and is notified at each. */
  readonly count: Int32Array<SharedArrayBuffer>;
  /** In milliseconds. */
  readonly interval: number;
  /** The first beat, in milliseconds since the Unix epoch, with fractions. */
  readonly start: number;
}

/** The clock that threads share: milliseconds since the Unix epoch, steady and with fractions. */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Beats from `start` on until it is disposed of. */
export class Metronome implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #count = new Int32Array(new SharedArrayBuffer(4));
  #seen = 0;

  constructor(options: Omit<Beats, 'count'>) {
    this.#worker = new Worker(new URL(import.meta.url), {
      workerData: { ...options, count: this.#count } satisfies Beats,
    });
  }

  /** Settles at the next beat, at once when one has passed since the last call. I/O has its turn in any case. */
  async beat(): Promise<void> {
    const wait = Atomics.waitAsync(this.#count, 0, this.#seen);
    if (wait.async) await wait.value;
    else await new Promise((resolve) => setImmediate(resolve));
    this.#seen = Atomics.load(this.#count, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

function beatForever({ count, interval, start }: Beats): never {
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let next = start; ; next += interval) {
    const left = next - steadyNow();
    if (left > 0) Atomics.wait(never, 0, 0, left);
    Atomics.add(count, 0, 1);
    Atomics.notify(count, 0);
  }
}

if (!isMainThread) beatForever(workerData as Beats);
