/**
 * Calls that nothing can interrupt, such as a query: the thread notes in shared memory what it is about to do, so
 * that the host sees from outside when it does not come back. A note costs no message.
 */
import { shared } from './monotonic.ts';

const SERIAL = 0;
const LIMIT = 1;
const LENGTH = 2;
/** When the call began that is under way, or was last. */
const BEGAN = 0;
/** Time in such calls since the guest was entered. */
const SPENT = 1;
/** The same, of each call no more than it may take. */
const COUNTED = 2;
const numbersAt = 16;
const textAt = numbersAt + 3 * 8;

/** Bytes of what is noted of a call. */
const maxTextBytes = 500;

export function createNativeCalls(): SharedArrayBuffer {
  return new SharedArrayBuffer(textAt + maxTextBytes);
}

/** The plugin thread's end, for one instance. Calls do not nest. */
export class NativeCalls {
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #text: Uint8Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer, 0, 3);
    this.#numbers = new Float64Array(buffer, numbersAt, 3);
    this.#text = new Uint8Array(buffer, textAt);
  }

  /** The guest is entered: what was spent before is not counted. Hot. */
  reset(): void {
    this.#numbers[SPENT] = 0;
    this.#numbers[COUNTED] = 0;
  }

  /** Hot: before every query. */
  begin(what: Uint8Array, limitMs: number, now = performance.now()): void {
    const words = this.#words;
    this.#numbers[BEGAN] = shared(now);
    const text = what.length > maxTextBytes ? what.subarray(0, maxTextBytes) : what;
    this.#text.set(text);
    words[LENGTH] = text.length;
    words[LIMIT] = limitMs;
    // Odd while it lasts.
    Atomics.add(words, SERIAL, 1);
  }

  /** Gives how long the call took, in milliseconds. */
  end(now = performance.now()): number {
    const numbers = this.#numbers;
    const ms = shared(now) - (numbers[BEGAN] ?? 0);
    numbers[SPENT] = (numbers[SPENT] ?? 0) + ms;
    numbers[COUNTED] = (numbers[COUNTED] ?? 0) + Math.min(ms, this.#words[LIMIT] ?? 0);
    Atomics.add(this.#words, SERIAL, 1);
    return ms;
  }
}

/** Time in such calls since the guest was entered, in milliseconds. */
export interface NativeTime {
  /** All of it, with that of the call under way. */
  readonly spentMs: number;
  /** The same, of each call no more than it may take. */
  readonly countedMs: number;
  /** How long the call under way has taken; 0 without one. */
  readonly insideMs: number;
  /** How long the last one may have taken; 0 when there was none. */
  readonly limitMs: number;
}

/** A call that lasts longer than it may. */
export interface OverdueCall {
  /** What was noted of it, as far as there was room. */
  readonly what: string;
  readonly limitMs: number;
}

/** The host's end. Times are those of its own `performance.now()`. */
export class NativeCallWatch {
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #text: Uint8Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer, 0, 3);
    this.#numbers = new Float64Array(buffer, numbersAt, 3);
    this.#text = new Uint8Array(buffer, textAt);
  }

  /** Whether a call is under way. */
  get inside(): boolean {
    return (Atomics.load(this.#words, SERIAL) & 1) === 1;
  }

  /** What has been spent in such calls. */
  time(now: number): NativeTime {
    const serial = Atomics.load(this.#words, SERIAL);
    const began = this.#numbers[BEGAN] ?? 0;
    const spent = this.#numbers[SPENT] ?? 0;
    const counted = this.#numbers[COUNTED] ?? 0;
    const limitMs = this.#words[LIMIT] ?? 0;
    // Read while a call ends or begins, it would be the time of neither: none under way then.
    const inside = (serial & 1) === 1 && Atomics.load(this.#words, SERIAL) === serial;
    const insideMs = inside ? Math.max(0, shared(now) - began) : 0;
    const countedMs = counted + Math.min(insideMs, limitMs);
    return { spentMs: spent + insideMs, countedMs, insideMs, limitMs };
  }

  /** The call under way if it has taken as long as it may. */
  overdue(now: number): OverdueCall | undefined {
    const { insideMs, limitMs } = this.time(now);
    if (!this.inside || insideMs < limitMs) return undefined;
    const what = Buffer.from(this.#text.slice(0, this.#words[LENGTH])).toString('utf8');
    return { what, limitMs };
  }
}
