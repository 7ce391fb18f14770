import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Memory of an ended instance from which on it is given back at once, in bytes. The engine counts a guest's memory for
 * little: it may wait for a long time until it looks for what nobody uses, and ends of several instances add up.
 */
const largeBytes = 32 * 1024 * 1024;

let collect: (() => void) | undefined;

/** Gives the memory of an instance back that has ended, where that is much. Nothing may refer to it any more. */
export function giveBack(bytes: number): void {
  if (bytes < largeBytes) return;
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}
