/**
 * One word of shared memory per thread that whatever could give the thread work rings.
 *
 * The sleeper marks the word before it looks for work a last time, and the ringer publishes its work before it
 * looks at the mark, so one of the two always sees the other; a ring for a thread that is awake costs no system
 * call. The mark itself is what the sleeper waits on: whoever takes it away either wakes the sleeper or keeps it
 * from sleeping, so nobody sleeps without a mark. Beside a count that is waited on that would not hold: a ringer
 * that had counted, was overtaken by a sleeper to whom its work was not due, and then took the mark, left that
 * sleeper to itself for good.
 */
const ASLEEP = 0;

export class Bell {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  #arranged = false;

  /** @param buffer The buffer of the same bell on another thread; a new bell without it. */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** Wakes the thread when it sleeps. What it is to find MUST have been published with `Atomics` before. */
  ring(): void {
    if (Atomics.load(this.#words, ASLEEP) === 0) return;
    // Whoever takes the mark away wakes the sleeper: many rings until it is awake cost one system call.
    if (Atomics.exchange(this.#words, ASLEEP, 0) !== 0) Atomics.notify(this.#words, ASLEEP);
  }

  /**
   * Blocks until the bell rings, at most `timeoutMs`. Returns at once when `hasWork` says so: it is asked
   * after the sleeper has announced itself. Only one thread may wait for a bell.
   */
  wait(timeoutMs: number, hasWork: () => boolean): void {
    const words = this.#words;
    Atomics.store(words, ASLEEP, 1);
    if (!hasWork()) Atomics.wait(words, ASLEEP, 1, timeoutMs);
    Atomics.store(words, ASLEEP, 0);
  }

  /** As {@link wait}, for a thread that has to turn its event loop meanwhile. */
  async waitAsync(timeoutMs: number, hasWork: () => boolean): Promise<void> {
    const words = this.#words;
    Atomics.store(words, ASLEEP, 1);
    if (!hasWork()) await Atomics.waitAsync(words, ASLEEP, 1, timeoutMs).value;
    Atomics.store(words, ASLEEP, 0);
  }

  /** Says that the thread looks for work by itself, so nobody needs to wake it. */
  stayAwake(): void {
    Atomics.store(this.#words, ASLEEP, 0);
  }

  /**
   * Says that the thread is going to sleep, and calls `wake` once when the bell rings. False, and nothing is
   * arranged, when there is work already. A call that is arranged holds over any number of
   * {@link stayAwake} and further calls, so a busy thread pays for it once.
   */
  fallAsleep(wake: () => void, hasWork: () => boolean): boolean {
    const words = this.#words;
    Atomics.store(words, ASLEEP, 1);
    if (hasWork()) return this.#stay();
    if (this.#arranged) return true;
    const wait = Atomics.waitAsync(words, ASLEEP, 1);
    if (!wait.async) return this.#stay();
    this.#arranged = true;
    void wait.value.then(() => {
      this.#arranged = false;
      Atomics.store(words, ASLEEP, 0);
      wake();
    });
    return true;
  }

  #stay(): false {
    Atomics.store(this.#words, ASLEEP, 0);
    return false;
  }
}
