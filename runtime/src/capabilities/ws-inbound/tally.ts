/** How often one says something at most, in milliseconds. */
const everyMs = 1000;

/** Counts what happens often, and says so once a second at most. */
export class Tally {
  readonly #say: (count: number) => void;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param say Called with how often it happened since the last time. */
  constructor(say: (count: number) => void) {
    this.#say = say;
  }

  add(): void {
    this.#count += 1;
    this.#timer ??= setTimeout(() => this.flush(), everyMs).unref();
  }

  /** Says what was counted, at once. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#count === 0) return;
    const count = this.#count;
    this.#count = 0;
    this.#say(count);
  }
}
