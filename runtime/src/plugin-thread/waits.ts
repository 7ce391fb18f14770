import type { Bell } from '../link/bell.ts';

/** Whose turn goes on when a wait begins, so that other guests get theirs. */
export interface Waiter {
  parked: (() => void) | undefined;
}

/**
 * Counts what the thread has to turn its event loop for: promises of the host that a guest waits for, and
 * sockets that are open. A thread may block only while there is nothing of the kind.
 */
export class Waits {
  readonly #bell: Bell;
  #pending = 0;
  #begun = 0;

  constructor(bell: Bell) {
    this.#bell = bell;
  }

  get pending(): number {
    return this.#pending;
  }

  /** How many waits of guests have begun so far. */
  get begun(): number {
    return this.#begun;
  }

  /**
   * Counts a promise until what waits for it has gone on, and then rings the thread's own bell. The guest goes
   * on in microtasks, so the count holds for one turn of the event loop more: a thread that blocked between
   * the two would leave the guest where it is.
   */
  hold<T>(waiter: Waiter, promise: Promise<T>): Promise<T> {
    const ref = this.ref();
    this.#begun += 1;
    waiter.parked?.();
    return promise.finally(() => setImmediate(() => ref[Symbol.dispose]()));
  }

  /** Counts something until it is disposed of. */
  ref(): Disposable {
    this.#pending += 1;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        this.#pending -= 1;
        this.#bell.ring();
      },
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }
}
