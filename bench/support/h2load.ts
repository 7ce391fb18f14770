import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Load, LoadOptions } from './load.ts';
import { runOwned } from './owned-process.ts';
import { quantile } from './statistics.ts';
import { TemporaryFolder } from './temporary-folder.ts';

/** Whether h2load, of nghttp2, is on the PATH. */
export async function hasH2load(): Promise<boolean> {
  try {
    return (await runOwned('h2load', ['--version'], { timeoutMs: 10_000 })).code === 0;
  } catch {
    return false;
  }
}

export interface Http2LoadOptions extends LoadOptions {
  /** Requests that each connection has open all the time. */
  readonly streams: number;
}

/** Loads a server of HTTPS over HTTP/2. Rejects when it answers nothing. */
export async function runH2load(options: Http2LoadOptions): Promise<Load> {
  const { port, path, connections, streams, seconds } = options;
  await using folder = new TemporaryFolder();
  // It prints no percentiles; a line for each request is in its log.
  const file = join(folder.path, 'requests.log');
  const flags = ['-t1', `-c${connections}`, `-m${streams}`, `-D${seconds}`, `--log-file=${file}`];
  const { code, stdout, stderr } = await runOwned('h2load', [...flags, `https://127.0.0.1:${port}${path}`], {
    timeoutMs: (seconds + 30) * 1000,
  });
  if (code !== 0) throw new Error(`h2load ended with exit code ${code}:\n${stdout}${stderr}`);
  return parseH2load(stdout, await readFile(file, 'latin1'));
}

/**
 * Reads what `h2load` prints, and its log. Throws with the text when a figure is missing from it, or nothing was
 * answered, which it takes for no failure.
 */
export function parseH2load(text: string, log: string): Load {
  const find = (pattern: RegExp): readonly number[] => {
    const found = pattern.exec(text);
    if (found === null) throw new Error(`h2load did not print ${pattern}:\n${text}`);
    return found.slice(1).map(Number);
  };
  const [perSecond = 0] = find(/^finished in [^,]+, ([\d.]+) req\/s/m);
  const [done = 0, errored = 0, timeout = 0] = find(
    /^requests: .* (\d+) done, .* (\d+) errored, (\d+) timeout$/m,
  );
  const [good = 0] = find(/^status codes: (\d+) 2xx/m);
  if (done === 0) throw new Error(`h2load got no answer:\n${text}`);
  // Start, status and microseconds of each request.
  const times = Float64Array.from(log.trimEnd().split('\n'), (line) => Number(line.split('\t')[2]) / 1000);
  const sorted = times.toSorted();
  return {
    perSecond,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    refused: done - good,
    errors: errored + timeout,
  };
}
