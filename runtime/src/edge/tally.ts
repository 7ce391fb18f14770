/** How often it is said at most, in milliseconds. */
const everyMs = 1000;

/** Counts what may happen often, so that it is said once a second at most. */
export class Tally {
  readonly #say: (count: number) => void;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param say Called with how often it happened since it was called last. */
  constructor(say: (count: number) => void) {
    this.#say = say;
  }

  add(): void {
    this.#count += 1;
    this.#timer ??= setTimeout(() => this.flush(), everyMs).unref();
  }

  /** Says what was counted and not said yet. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const count = this.#count;
    this.#count = 0;
    if (count > 0) this.#say(count);
  }
}
