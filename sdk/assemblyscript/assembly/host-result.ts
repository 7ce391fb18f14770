import { decodeText } from './utf8';

/**
 * What an import gave back. The host places it in a block from `pulp_alloc`, writes the block's address and
 * length where it was told to, and from then on the block is the plugin's to free.
 *
 * Plugins use it for the functions of extensions: `pointerOut()` and `lengthOut()` are the last two arguments of the
 * import, and after code 0 the result is there to be taken.
 */
export namespace hostResult {
  /** Address and length, each a u32. Imports with a result are never within one another, so one place is enough. */
  const OUT = memory.data(8);

  /** Where the host shall write the address. Forgets the result before: call it for each import anew. */
  export function pointerOut(): usize {
    store<u64>(OUT, 0);
    return OUT;
  }

  /** Where the host shall write the length. */
  export function lengthOut(): usize {
    return OUT + 4;
  }

  /** Where the result begins; 0 when there is none. */
  export function start(): usize {
    return inMemory() ? usize(load<u32>(OUT)) : 0;
  }

  /** Its length in bytes; 0 when there is none. */
  export function size(): usize {
    return inMemory() ? usize(load<u32>(OUT, 4)) : 0;
  }

  /** A copy that the garbage collector frees. */
  export function copy(): ArrayBuffer {
    const length = size();
    const buffer = new ArrayBuffer(i32(length));
    memory.copy(changetype<usize>(buffer), start(), length);
    return buffer;
  }

  /** A copy, and the block is given back. Empty when there is none. */
  export function take(): Uint8Array {
    const bytes = Uint8Array.wrap(copy());
    free();
    return bytes;
  }

  /** The same as text. What is not UTF-8 in it becomes U+FFFD. */
  export function takeText(): string {
    const text = decodeText(start(), size());
    free();
    return text;
  }

  /** Gives the block back. */
  export function free(): void {
    if (inMemory()) heap.free(start());
    store<u64>(OUT, 0);
  }

  /** Whether there is a block, and it lies within memory: what a broken host names is neither read nor freed. */
  function inMemory(): bool {
    const from = u64(load<u32>(OUT));
    return from != 0 && from + u64(load<u32>(OUT, 4)) <= u64(memory.size()) << 16;
  }
}
