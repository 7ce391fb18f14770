import { type AfterCrash, CrashLoop } from './crash-loop.ts';

/**
 * When the next instance of a plugin starts by itself. While an operator's reload is under way none does: the reload
 * brings the next one, or fails, and then that start is owed.
 */
export class Restarts {
  readonly #start: () => void;
  readonly #crashLoop = new CrashLoop();
  #timer: NodeJS.Timeout | undefined;
  /** When it fires, on the clock of `performance.now()`. */
  #dueAt: number | undefined;
  #held = false;
  #owed = false;

  /** @param start Begins the next instance. */
  constructor(start: () => void) {
    this.#start = start;
  }

  /** Whether {@link hold} was said, and {@link release} was not. */
  get held(): boolean {
    return this.#held;
  }

  /**
   * An instance broke: the next one starts after the delay that is given back.
   *
   * @param readyAt When it had become ready, on the clock of `performance.now()`; undefined when it never was.
   */
  afterCrash(readyAt: number | undefined): AfterCrash {
    const after = this.#crashLoop.crashed(performance.now(), readyAt);
    this.startIn(after.delayMs);
    return after;
  }

  /** The next one starts in so many milliseconds. */
  startIn(delayMs: number): void {
    this.#owed = this.#held;
    if (this.#held) return;
    this.cancel();
    this.#dueAt = performance.now() + delayMs;
    this.#timer = setTimeout(() => {
      this.#dueAt = undefined;
      this.#start();
    }, delayMs);
  }

  /** None starts by itself any more. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#dueAt = undefined;
  }

  /** Forgets earlier crashes: somebody has seen to it. */
  forgive(): void {
    this.cancel();
    this.#crashLoop.reset();
  }

  hold(): void {
    this.#held = true;
    this.#owed = false;
    clearTimeout(this.#timer);
  }

  /** Gives whether a start is owed. One that was on its way before and was not cancelled comes when it would have come. */
  release(): boolean {
    this.#held = false;
    if (!this.#owed && this.#dueAt !== undefined) this.startIn(Math.max(0, this.#dueAt - performance.now()));
    return this.#owed;
  }
}
