/**
 * A place in a {@link Ring}: in one at most at a time. Leaving one and joining two together take constant time,
 * however many are in them.
 */
export class Place {
  before: Place = this;
  after: Place = this;

  /** Leaves the ring that it is in, if any. */
  leave(): void {
    this.before.after = this.after;
    this.after.before = this.before;
    this.before = this;
    this.after = this;
  }
}

/** Things in the order in which they came. */
export class Ring<T extends Place> implements Iterable<T> {
  /** Stands before the first and behind the last. */
  readonly #end = new Place();

  get isEmpty(): boolean {
    return this.#end.after === this.#end;
  }

  get first(): T | undefined {
    const { after } = this.#end;
    // Only `add` puts anything into a ring.
    return after === this.#end ? undefined : (after as T);
  }

  /** Puts it behind the last. It leaves the ring that it was in. */
  add(item: T): void {
    item.leave();
    const last = this.#end.before;
    item.before = last;
    item.after = this.#end;
    last.after = item;
    this.#end.before = item;
  }

  /** Puts all of another ring behind the last. */
  addAll(other: Ring<T>): void {
    if (other.isEmpty) return;
    const { after: first, before: last } = other.#end;
    other.#end.after = other.#end;
    other.#end.before = other.#end;
    const mine = this.#end.before;
    mine.after = first;
    first.before = mine;
    last.after = this.#end;
    this.#end.before = last;
  }

  /** The one that is given out may leave meanwhile. */
  *[Symbol.iterator](): Iterator<T> {
    for (let place = this.#end.after; place !== this.#end;) {
      const { after } = place;
      yield place as T;
      place = after;
    }
  }
}
