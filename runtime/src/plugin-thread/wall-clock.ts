/** How far the two clocks may be apart, in milliseconds, before the wall clock is taken to have been set. */
const toleranceMs = 5;

/** Wall-clock time in nanoseconds, finer than `Date.now()` and true to it when the system's clock is set. */
export class WallClock {
  #offset = performance.timeOrigin;

  /** @param now What `performance.now()` says. */
  at(now: number): bigint {
    const coarse = Date.now();
    if (Math.abs(this.#offset + now - coarse) > toleranceMs) this.#offset = coarse - now;
    return BigInt(Math.round((this.#offset + now) * 1e6));
  }
}
