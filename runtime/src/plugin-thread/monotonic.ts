/** Between the clock of this thread's `performance.now()` and the machine's monotonic one, in milliseconds. */
const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/**
 * A time of `performance.now()` on a clock that all threads of the process share, and that does not jump when
 * somebody sets the machine's: that of `process.hrtime`, in milliseconds.
 */
export function shared(now: number): number {
  return now + offset;
}
