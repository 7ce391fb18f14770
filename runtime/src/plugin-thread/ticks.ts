import { shared } from './monotonic.ts';

/** Longer intervals begin at multiples of this, in milliseconds, shorter ones at those of their own. */
const gridMs = 100;

/**
 * When a guest has its ticks. Those of guests with the same interval fall on the same moments of the clock that threads
 * share: a thread, or a processor, that is awake for one is awake for all. Times are those of `performance.now()`.
 */
export class Ticks {
  readonly #intervalMs: number;
  #next = Number.POSITIVE_INFINITY;
  /** The last step was a tick. */
  #ticked = false;

  /** @param intervalMs Time between two ticks, in milliseconds; 0 is no ticks. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** When the next one is due. */
  get next(): number {
    return this.#next;
  }

  /** They begin: the first one has its whole interval, so that the host is there before it. */
  begin(now: number): void {
    if (this.#intervalMs > 0) this.#next = this.#meeting(now + this.#intervalMs);
  }

  /**
   * Whether the step that is made now is a tick. One that is due goes first: a guest's own timers go on under load. But
   * one that takes its whole interval is due again when it is over, and events that wait would never have their turn.
   */
  take(now: number, eventsWait: boolean): boolean {
    this.#ticked = now >= this.#next && !(this.#ticked && eventsWait);
    if (this.#ticked) this.#next = this.#after(now);
    return this.#ticked;
  }

  /** Ticks that load has kept from happening are not made up for. */
  #after(now: number): number {
    const next = this.#next + this.#intervalMs;
    return next > now ? next : this.#meeting(now + this.#intervalMs - this.#grid / 2);
  }

  /** The first of the common moments that is not before a time. */
  #meeting(soonest: number): number {
    return Math.ceil(shared(soonest) / this.#grid) * this.#grid - shared(0);
  }

  get #grid(): number {
    return Math.min(this.#intervalMs, gridMs);
  }
}
