import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { patiently } from '../../support/patiently.ts';
import type { Scope } from '../../support/scope.ts';

export interface LoadOptions {
  readonly port: number;
  /** Answers its last segment, such as `/echo`. */
  readonly path: string;
  readonly connections: number;
  /** Requests of all connections in a second. */
  readonly perSecond: number;
}

/** What clients saw since the window before. Times are in milliseconds, from when a request was due. */
export interface LoadWindow {
  readonly requests: number;
  /** Answers that were not the right ones, and connections that were lost. */
  readonly errors: number;
  readonly firstError?: string;
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

/** Clients of a plugin that has done nothing wrong. */
export interface Neighbour {
  /** The figures since it was asked last. */
  window(): Promise<LoadWindow>;
}

/** Starts the load. It ends with its scope. */
export function startNeighbour(t: Scope, options: LoadOptions): Neighbour {
  const child = fork(join(import.meta.dirname, 'load-process.ts'), [JSON.stringify(options)], {
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'NODE_V8_COVERAGE')),
  });
  t.after(async () => {
    const closed = once(child, 'close');
    if (child.exitCode === null && child.kill('SIGKILL')) await closed;
  });
  return {
    async window() {
      const answer = once(child, 'message');
      child.send('window');
      const [window] = (await patiently(answer, () => 'the load does not say how it goes')) as [LoadWindow];
      return window;
    },
  };
}
