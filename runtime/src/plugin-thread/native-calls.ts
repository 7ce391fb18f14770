/**
 * Calls that nothing can interrupt, such as a query: the thread notes in shared memory what it is about to do, so
 * that the host sees from outside when it does not come back. A note costs no message and no look at a clock.
 */
const SERIAL = 0;
const LIMIT = 1;
const LENGTH = 2;
const textAt = 12;

/** Bytes of what is noted of a call. */
const maxTextBytes = 500;

export function createNativeCalls(): SharedArrayBuffer {
  return new SharedArrayBuffer(textAt + maxTextBytes);
}

/** The plugin thread's end, for one instance. Calls do not nest. */
export class NativeCalls {
  readonly #words: Int32Array;
  readonly #text: Uint8Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer, 0, 3);
    this.#text = new Uint8Array(buffer, textAt);
  }

  /** Hot: before every query. */
  begin(what: Uint8Array, limitMs: number): void {
    const words = this.#words;
    const text = what.length > maxTextBytes ? what.subarray(0, maxTextBytes) : what;
    this.#text.set(text);
    words[LENGTH] = text.length;
    words[LIMIT] = limitMs;
    // Odd while it lasts.
    Atomics.add(words, SERIAL, 1);
  }

  end(): void {
    Atomics.add(this.#words, SERIAL, 1);
  }
}

/** A call that lasts longer than it may. */
export interface OverdueCall {
  /** What was noted of it, as far as there was room. */
  readonly what: string;
  readonly limitMs: number;
}

/** The host's end. It learns when a call began by looking, so it MUST be looked at regularly. */
export class NativeCallWatch {
  readonly #words: Int32Array;
  readonly #text: Uint8Array;
  #seen = 0;
  #since = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer, 0, 3);
    this.#text = new Uint8Array(buffer, textAt);
  }

  /** Whether a call is under way. */
  get inside(): boolean {
    return (Atomics.load(this.#words, SERIAL) & 1) === 1;
  }

  /** The call under way if it was under way at an earlier look already, as long ago as it may last. */
  overdue(now: number): OverdueCall | undefined {
    const serial = Atomics.load(this.#words, SERIAL);
    if (serial !== this.#seen) {
      this.#seen = serial;
      this.#since = now;
    }
    if ((serial & 1) === 0) return undefined;
    const limitMs = this.#words[LIMIT] as number;
    if (now - this.#since < limitMs) return undefined;
    const what = Buffer.from(this.#text.slice(0, this.#words[LENGTH])).toString('utf8');
    return { what, limitMs };
  }
}
