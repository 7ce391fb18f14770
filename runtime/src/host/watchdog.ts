/** How long nobody looks at most, in milliseconds. */
export const watchEveryMs = 500;

/** Looks at something, and says when it has to be looked at again at the latest: in so many milliseconds. */
export type Look = (now: number) => number;

/** One timer for all that has to be looked at now and then. It keeps no process alive. */
export class Watchdog implements Disposable {
  readonly #looks = new Set<Look>();
  #timer: NodeJS.Timeout | undefined;
  #at = Number.POSITIVE_INFINITY;

  /** Looks from now on, until it is disposed of. `soon` has it look again within so many milliseconds. */
  add(look: Look): Disposable & { soon(ms: number): void } {
    this.#looks.add(look);
    this.#within(watchEveryMs);
    return {
      soon: (ms) => this.#within(ms),
      [Symbol.dispose]: () => {
        this.#looks.delete(look);
      },
    };
  }

  [Symbol.dispose](): void {
    this.#looks.clear();
    clearTimeout(this.#timer);
  }

  #within(ms: number): void {
    const at = performance.now() + ms;
    if (at >= this.#at) return;
    this.#at = at;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#turn(), Math.max(1, Math.ceil(ms))).unref();
  }

  #turn(): void {
    this.#at = Number.POSITIVE_INFINITY;
    const now = performance.now();
    let next = watchEveryMs;
    for (const look of this.#looks) next = Math.min(next, look(now));
    if (this.#looks.size > 0) this.#within(next);
  }
}
