/** How often a smaller input is tried: shrinking is a kindness, and need not be complete. */
const mostTries = 2000;

/**
 * Makes an input that fails smaller, by leaving out pieces, as long as it still fails. `fails` is asked for each
 * candidate.
 */
export async function shrink(
  input: Buffer,
  fails: (candidate: Buffer) => boolean | Promise<boolean>,
): Promise<Buffer> {
  let smallest = input;
  let tries = mostTries;
  for (let size = Math.ceil(input.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < smallest.length && tries > 0;) {
      const candidate = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
      tries -= 1;
      if (await fails(candidate)) smallest = candidate;
      else at += size;
    }
  }
  return smallest;
}
