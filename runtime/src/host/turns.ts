/** Things to be done one after the other, each with a name. */
export class Turns<Name extends string> {
  #current: Name | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** What is being done. */
  get current(): Name | undefined {
    return this.#current;
  }

  /** Settles when all is done that was there to be done. */
  get done(): Promise<unknown> {
    return this.#last;
  }

  /**
   * Does it when its turn comes, and settles as that does. Rejects with the signal's reason, and does nothing, when it is
   * aborted by then: nobody waits for it any more.
   */
  take(name: Name, what: () => Promise<void>, signal?: AbortSignal): Promise<void> {
    const done = this.#last.then(async () => {
      signal?.throwIfAborted();
      this.#current = name;
      try {
        await what();
      } finally {
        this.#current = undefined;
      }
    });
    this.#last = done.catch(() => undefined);
    return done;
  }
}
