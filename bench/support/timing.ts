/** How many operations are made between two looks at the clock. */
const batch = 64;

/** Repeats an operation for some milliseconds and gives the nanoseconds that one took, on average. */
export function timePerOperation(operation: () => unknown, milliseconds: number): number {
  const start = performance.now();
  const until = start + milliseconds;
  let count = 0;
  let now = start;
  while (now < until) {
    for (let left = batch; left > 0; left--) operation();
    count += batch;
    now = performance.now();
  }
  return ((now - start) * 1e6) / count;
}

/** The same for an operation that gives a promise: each is awaited before the next begins. */
export async function timePerAwaited(
  operation: () => Promise<unknown>,
  milliseconds: number,
): Promise<number> {
  const start = performance.now();
  const until = start + milliseconds;
  let count = 0;
  let now = start;
  while (now < until) {
    for (let left = batch; left > 0; left--) await operation();
    count += batch;
    now = performance.now();
  }
  return ((now - start) * 1e6) / count;
}
