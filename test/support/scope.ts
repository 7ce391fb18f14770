import { after } from 'node:test';

/** What ends what a test began: a `TestContext` is one. */
export interface Scope {
  after(end: () => unknown): void;
}

/** A scope that ends with the suite it is made in, for what its tests share. */
export function suiteScope(): Scope {
  const stack = new AsyncDisposableStack();
  after(() => stack.disposeAsync());
  return {
    after: (end) => {
      stack.defer(async () => {
        await end();
      });
    },
  };
}
