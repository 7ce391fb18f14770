import type { GuestContext, Log } from '../../runtime/src/ext.ts';

function ignore(): void {
  // Nothing looks at it.
}

export const silent: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** Notes nothing but how long a call took. */
function timed(): GuestContext['native'] {
  let begun = 0;
  return { begin: () => void (begun = performance.now()), end: () => performance.now() - begun };
}

/** A context for a guest end outside of a plugin thread. What a test wants to see it gives itself. */
export function guestContext<O = Readonly<Record<string, unknown>>>(
  given: Partial<GuestContext<O>> & Pick<GuestContext<O>, 'options'>,
): GuestContext<O> {
  const context: GuestContext<O> = {
    plugin: { name: 'guest', version: '1.0.0' },
    log: silent,
    event: undefined,
    signal: new AbortController().signal,
    scope: new AsyncDisposableStack(),
    folder: '/nowhere/guest',
    allowPrivateNetwork: false,
    arity: () => 0,
    send: ignore,
    ask: () => 0,
    request: () => Promise.reject(new Error('nothing is requested here')),
    native: timed(),
    ref: () => ({ [Symbol.dispose]: ignore }),
    ...given,
  };
  // A spread would read a live property such as `event` once.
  return Object.defineProperties(context, Object.getOwnPropertyDescriptors(given));
}
