/**
 * An unsigned integer as LEB128, in as few bytes as it takes.
 *
 * @param value a whole number from 0 to 2^53-1; anything else is a RangeError, as it can only be our bug.
 * @see WebAssembly Core Specification, section 5.2.2
 */
export function encodeUnsigned(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not an unsigned integer`);
  const bytes: number[] = [];
  let rest = value;
  // Division, since the bitwise operators end at 32 bits.
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
