/** The least and the longest time between two attempts to connect, in milliseconds. */
const leastMs = 50;
const mostMs = 5000;

/**
 * When a server may be tried again. Each failure in a row doubles the wait, up to five seconds, and part of it is chance,
 * so that not all that lost a server come back to it at once. A connection that lasted for as long ends the row: one that
 * is made and breaks again and again is as much of a burden as one that cannot be made.
 */
export class BackOff {
  readonly #now: () => number;
  #failures = 0;
  #connectedAt = Infinity;
  #notBefore = -Infinity;

  /** `now` is a clock in milliseconds that is never set back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Milliseconds until an attempt may be made; 0 when it may be now. */
  get waitMs(): number {
    return Math.max(0, this.#notBefore - this.#now());
  }

  /** An attempt succeeded. */
  connected(): void {
    this.#connectedAt = this.#now();
  }

  /** An attempt failed, or the connection that it gave was lost. */
  failed(): void {
    const now = this.#now();
    if (now - this.#connectedAt >= mostMs) this.#failures = 0;
    this.#connectedAt = Infinity;
    const ms = Math.min(mostMs, leastMs * 2 ** this.#failures);
    this.#notBefore = now + ms / 2 + Math.random() * (ms / 2);
    this.#failures += 1;
  }
}
