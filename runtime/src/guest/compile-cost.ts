/**
 * Bytes of memory that V8 takes to compile what may be in a function: the more of what Liftoff and TurboFan took,
 * measured as the growth of a process of Node 26.10 that compiled one function with many of the kind in it.
 */
export const compileCost = {
  /** Of the body. */
  byte: 128,
  call: 1600,
  /** A place where paths part or meet. */
  place: 1600,
  loop: 3600,
  tableTarget: 500,
  /** A value, local or operand, that is noted down at a place. */
  copy: 12,
  /** A value that differs by the path that led to a place. */
  change: 180,
  operand: 32,
  /** A value that may be a reference, at a call. */
  reference: 0.25,
} as const;

/**
 * The most bytes of memory that compiling a function can come to, by what is known without a look at the instructions.
 *
 * @param size its bytes
 * @param locals parameters included
 * @param most the most values that an instruction of two bytes can push
 */
export function mostFunctionMemory(size: number, locals: number, most: number): number {
  // Loops take three bytes, calls two. Blocks change all values once or twice, which takes four bytes each time.
  const places =
    compileCost.loop / 3 +
    compileCost.byte +
    compileCost.change * 0.55 * (locals + most) +
    compileCost.operand * most;
  // Half of the body fills the stack, the other half is the targets of a branch table: the worst there is.
  return size * (places + (compileCost.copy * most * size) / 8);
}
