/** Bytes that may be held at one time, counted down and up by those who hold them. */
export class Budget {
  readonly limit: number;
  readonly #waiting = new Set<() => void>();
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** Takes bytes; false, and nothing is taken, when there are not so many left. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.limit) return false;
    this.#used += bytes;
    return true;
  }

  /** Takes bytes even beyond the limit: for what MUST be told, and is bounded by something else. */
  takeAnyway(bytes: number): void {
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const tell of waiting) tell();
  }

  /** Calls `tell` once, when bytes are given back next. The same function is called once however often it waits. */
  onceFreed(tell: () => void): void {
    this.#waiting.add(tell);
  }
}
