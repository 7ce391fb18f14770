import { runOwned } from './owned-process.ts';

/**
 * How many files and sockets a process that is started here may have open: the hard limit, up to which Node raises
 * its own by itself. Infinity where there is none, or no shell to ask.
 */
export async function maxOpenFiles(): Promise<number> {
  try {
    const { stdout } = await runOwned('sh', ['-c', 'ulimit -Hn'], { timeoutMs: 10_000 });
    const limit = Number.parseInt(stdout, 10);
    return Number.isNaN(limit) ? Number.POSITIVE_INFINITY : limit;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
