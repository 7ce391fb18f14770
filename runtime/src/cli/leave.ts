/**
 * Ends the process without waiting for its threads. `process.exit` joins them, and one that is inside of a native
 * call, such as a query, ends only with that call: seconds or hours later. The process becomes one that exits at
 * once instead; where that cannot be it kills itself, and the exit code is the signal's. What was written and not
 * flushed is lost.
 */
export function leave(code: number): never {
  try {
    if (process.platform !== 'win32') process.execve?.('/bin/sh', ['sh', '-c', `exit ${code}`], {});
  } catch {
    // There is no shell: the signal is left.
  }
  process.kill(process.pid, 'SIGKILL');
  throw new Error('the process outlives its own end');
}
