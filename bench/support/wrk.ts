import type { Load } from './load.ts';

const inMilliseconds: Readonly<Record<string, number>> = { us: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 36e5 };

/** Reads what `wrk --latency` prints. Throws with the text when a figure is missing from it. */
export function parseWrk(text: string): Load {
  const find = (pattern: RegExp): RegExpExecArray => {
    const found = pattern.exec(text);
    if (found === null) throw new Error(`wrk did not print ${pattern}:\n${text}`);
    return found;
  };
  const percentile = (rank: number): number => {
    const [, value, unit = ''] = find(new RegExp(`^\\s*${rank}%\\s+([\\d.]+)(us|ms|s|m|h)$`, 'm'));
    return Number(value) * (inMilliseconds[unit] ?? Number.NaN);
  };
  const failures = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text) ?? [];
  return {
    perSecond: Number(find(/^Requests\/sec:\s+([\d.]+)$/m)[1]),
    p50: percentile(50),
    p99: percentile(99),
    refused: Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0),
    errors: failures.slice(1).reduce((sum, count) => sum + Number(count), 0),
  };
}
