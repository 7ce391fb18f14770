import { randomBytes } from 'node:crypto';
import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';

/**
 * What the names of files begin with that are being written. Guests may not name them, lists leave them out, and
 * what a crash has left of them is removed when the plugin starts.
 */
const prefix = '.pulp-tmp-';

/** Random bytes in a temporary name: enough that nobody guesses it and none comes twice. */
const randomness = 8;

/** A name for a file that is being written. It is short: the name that it stands in for may be as long as any. */
export function temporaryName(): string {
  return prefix + randomBytes(randomness).toString('hex');
}

/** Whether a name, letters lowered, is one of a file that is being written. */
export function isTemporary(lowered: string): boolean {
  return lowered.startsWith(prefix);
}

/**
 * A guest's pattern as a name that is new: its last `*` is the random part, which comes last in a pattern without
 * one. Throws {@link Failure} 4 for a pattern with a separator in it.
 *
 * @param pattern A binary string.
 */
export function nameFrom(pattern: string): string {
  if (/[/\\\0]/.test(pattern)) throw new Failure(Code.refused, 'a pattern has no separator or NUL in it');
  const random = randomBytes(randomness).toString('hex');
  const star = pattern.lastIndexOf('*');
  if (star < 0) return pattern + random;
  return pattern.slice(0, star) + random + pattern.slice(star + 1);
}
