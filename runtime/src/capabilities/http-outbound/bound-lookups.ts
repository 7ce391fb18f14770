import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';
import type { Resolve } from './open-socket.ts';

/**
 * Lets at most so many lookups run at a time; one more rejects with a {@link Failure} with code 4. A lookup cannot be
 * called off: it goes on when its fetch has ended, in one of a few threads that all plugins of the process share. So
 * without a bound a plugin with short timeouts, and a name whose servers do not answer, would keep every other plugin
 * from looking up anything.
 */
export function boundLookups(resolve: Resolve, most: number): Resolve {
  let running = 0;
  return async (hostname) => {
    if (running >= most) throw new Failure(Code.refused, `${most} names are being looked up already`);
    running += 1;
    try {
      return await resolve(hostname);
    } finally {
      running -= 1;
    }
  };
}
