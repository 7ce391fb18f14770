import { runModule, runOwned } from './owned-process.ts';
import { parseWrk } from './wrk.ts';

export interface LoadOptions {
  /** On 127.0.0.1. */
  readonly port: number;
  readonly path: string;
  /** Connections that are open all the time, with one request each. */
  readonly connections: number;
  /** A whole number. */
  readonly seconds: number;
}

/** What a closed-loop load run saw. Times are in milliseconds. */
export interface Load {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Answers whose status was not 2xx. */
  readonly refused: number;
  /** Connections or requests that failed. */
  readonly errors: number;
}

/** Something that loads a server. */
export interface LoadGenerator {
  /** Such as `wrk`: latencies of different generators do not compare. */
  readonly name: string;
  run(options: LoadOptions): Promise<Load>;
}

export interface WrkOptions extends LoadOptions {
  /** `http` unless given. Certificates are not checked. */
  readonly scheme?: 'http' | 'https';
}

/** https://github.com/wg/wrk, where it is on the PATH. */
export const wrk = {
  name: 'wrk',
  async isThere(): Promise<boolean> {
    try {
      // It ends with 1 whatever it is asked.
      await runOwned('wrk', ['--version'], { timeoutMs: 10_000 });
      return true;
    } catch {
      return false;
    }
  },
  async run({ scheme = 'http', port, path, connections, seconds }: WrkOptions): Promise<Load> {
    const flags = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency'];
    const url = `${scheme}://127.0.0.1:${port}${path}`;
    const { code, stdout, stderr } = await runOwned('wrk', [...flags, url], {
      timeoutMs: (seconds + 30) * 1000,
    });
    if (code !== 0) throw new Error(`wrk ended with exit code ${code}:\n${stdout}${stderr}`);
    return parseWrk(stdout);
  },
} as const;

const ours: LoadGenerator = {
  name: 'bench/closed-loop.ts',
  async run(options) {
    const timeoutMs = (options.seconds + 30) * 1000;
    return (await runModule(new URL('../closed-loop.ts', import.meta.url), options, timeoutMs)) as Load;
  },
};

/** wrk where it is on the PATH, since it costs the machine least; else our own. */
export async function loadGenerator(): Promise<LoadGenerator> {
  return (await wrk.isThere()) ? wrk : ours;
}
