/**
 * What an instance is doing, noted in shared memory: the host sees a guest that does not come back without having
 * asked its thread anything, and the thread pays two additions and a look at the clock a step for that.
 */
import { shared } from './monotonic.ts';

const SERIAL = 0;
const ENTRY = 1;
const SINCE = 1;
const MEMORY = 2;
const FROM = 3;
const COMPUTED = 4;

/** What a guest is inside of. */
export const entries = ['its start', 'a step', 'its shutdown'] as const;

export const Entry = { start: 0, step: 1, shutdown: 2 } as const;

export type EntryKind = (typeof Entry)[keyof typeof Entry];

export function createActivity(): SharedArrayBuffer {
  return new SharedArrayBuffer(40);
}

/** The plugin thread's end, for one instance. Times are those of `performance.now()`. */
export class Activity {
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  /** Waits of the call that are under way: they may be inside of each other. */
  #waits = 0;
  #used = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
    this.#numbers = new Float64Array(buffer);
  }

  /** The guest computes from now on. Hot: once a step. */
  enter(entry: EntryKind, now: number): void {
    this.#waits = 0;
    this.#words[ENTRY] = entry;
    this.#numbers[SINCE] = this.#numbers[FROM] = shared(now);
    // Odd while it computes.
    Atomics.add(this.#words, SERIAL, 1);
  }

  /** The guest has returned, or will never. */
  leave(): void {
    this.#waits = 0;
    if ((Atomics.load(this.#words, SERIAL) & 1) === 1) this.#rest(shared(performance.now()));
  }

  /** The guest waits for the host: that time is not its own. */
  wait(): void {
    // What the host does for itself is no wait of a call.
    if (this.#waits === 0 && (Atomics.load(this.#words, SERIAL) & 1) === 0) return;
    this.#waits += 1;
    if (this.#waits > 1) return;
    const now = shared(performance.now());
    this.#used = now - (this.#numbers[SINCE] ?? 0);
    this.#rest(now);
  }

  /** The guest goes on. */
  resume(): void {
    if (this.#waits === 0) return;
    this.#waits -= 1;
    if (this.#waits > 0) return;
    const now = shared(performance.now());
    this.#numbers[SINCE] = now - this.#used;
    this.#numbers[FROM] = now;
    Atomics.add(this.#words, SERIAL, 1);
  }

  /** Hot: once a step. */
  #rest(now: number): void {
    const numbers = this.#numbers;
    Atomics.add(this.#words, SERIAL, 1);
    numbers[COMPUTED] = (numbers[COMPUTED] ?? 0) + now - (numbers[FROM] ?? 0);
  }

  /** Bytes of the guest's memory. */
  get memory(): number {
    return this.#numbers[MEMORY] ?? 0;
  }

  set memory(bytes: number) {
    this.#numbers[MEMORY] = bytes;
  }
}

/** The host's end. */
export class ActivityWatch {
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
    this.#numbers = new Float64Array(buffer);
  }

  /** Since when the guest computes, on the clock of this thread's `performance.now()`; undefined when it does not. */
  get computesSince(): number | undefined {
    const serial = Atomics.load(this.#words, SERIAL);
    const since = this.#numbers[SINCE] ?? 0;
    // Read in between of two notes it would be the time of neither.
    if ((serial & 1) === 0 || Atomics.load(this.#words, SERIAL) !== serial) return undefined;
    return since - shared(0);
  }

  /** For how long the guest has computed so far, in milliseconds. It may lack the step that ends just now. */
  computedMs(now: number): number {
    const serial = Atomics.load(this.#words, SERIAL);
    const from = this.#numbers[FROM] ?? 0;
    const before = this.#numbers[COMPUTED] ?? 0;
    const computes = (serial & 1) === 1 && Atomics.load(this.#words, SERIAL) === serial;
    return computes ? before + Math.max(0, shared(now) - from) : before;
  }

  /** What the guest is inside of, or was last. */
  get entry(): string {
    return entries[this.#words[ENTRY] ?? 0] ?? 'a call';
  }

  get memory(): number {
    return this.#numbers[MEMORY] ?? 0;
  }
}
