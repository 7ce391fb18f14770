/** Looks at the two clocks: the closest pair counts, since a thread may lose the processor in between of them. */
const looks = 8;

/** Between the clock of this thread's `performance.now()` and the machine's monotonic one, in milliseconds. */
const offset = measureOffset();

/**
 * A time of `performance.now()` on a clock that all threads of the process share, and that does not jump when
 * somebody sets the machine's: that of `process.hrtime`, in milliseconds.
 */
export function shared(now: number): number {
  return now + offset;
}

function measureOffset(): number {
  let between = 0;
  let closest = Number.POSITIVE_INFINITY;
  for (let look = 0; look < looks; look++) {
    const before = performance.now();
    const machine = Number(process.hrtime.bigint()) / 1e6;
    const after = performance.now();
    if (after - before >= closest) continue;
    closest = after - before;
    between = machine - (before + after) / 2;
  }
  return between;
}
