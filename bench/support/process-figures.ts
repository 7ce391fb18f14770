import { readFile } from 'node:fs/promises';

/** Ticks a second in `/proc/<pid>/stat`: 100 on every Linux, whatever the kernel's own clock (proc(5)). */
const ticksPerSecond = 100;

/** Whether a process's figures can be read here. */
export const canReadFigures = process.platform === 'linux';

/** Processor time that a process and all its threads have used so far, in seconds. Linux only. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  // The second field is a name in parentheses that may itself have blanks and parentheses in it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [utime, stime] = [Number(fields[11]), Number(fields[12])];
  return (utime + stime) / ticksPerSecond;
}

/** Memory of a process that is resident now, in bytes. Linux only. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
