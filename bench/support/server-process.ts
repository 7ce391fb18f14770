import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { spawnOwned } from './owned-process.ts';

export interface ServerOptions {
  /** What errors call it. */
  readonly name: string;
  /** Arguments of Node: the module and its own. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** Matches the line on stdout that says it listens; its first group is the port. */
  readonly listening: RegExp;
  /** What it needs and nobody else: disposed of when it has ended, or could not start. */
  readonly owns?: AsyncDisposable;
}

/** How long a server may take to start, and then to end, in milliseconds. The machine may be busy. */
const startMs = 30_000;
const endMs = 10_000;

interface Started {
  readonly port: number;
  readonly spawned: number;
  readonly owns: AsyncDisposable | undefined;
}

/** A server in a Node process of its own, listening on 127.0.0.1. Disposing of it ends it. */
export class ServerProcess implements AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** When it was spawned, on the clock of `performance.now()`. */
  readonly spawned: number;
  readonly #child: ChildProcess;
  readonly #owns: AsyncDisposable | undefined;

  private constructor(child: ChildProcess, { port, spawned, owns }: Started) {
    this.#child = child;
    this.#owns = owns;
    this.port = port;
    this.spawned = spawned;
    this.pid = child.pid ?? 0;
  }

  /** Starts a server and waits until it listens. Rejects with what it said when it does not. */
  static async start({ name, args, cwd, listening, owns }: ServerOptions): Promise<ServerProcess> {
    const spawned = performance.now();
    const child = spawnOwned(process.execPath, args, { cwd });
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    let said = '';
    let found = false;
    const hear = (chunk: string): void => {
      // Once it serves, its log is only drained.
      if (found) return;
      said += chunk;
      const port = listening.exec(said)?.[1];
      if (port === undefined) return;
      found = true;
      resolve(Number(port));
    };
    child.stdout?.setEncoding('utf8').on('data', hear);
    child.stderr?.setEncoding('utf8').on('data', hear);
    child.once('error', reject);
    child.once('close', (code, signal) =>
      reject(new Error(`${name}: ended with ${signal ?? code} before it listened:\n${said}`)),
    );
    const timer = setTimeout(
      () => reject(new Error(`${name}: does not listen after ${startMs / 1000} s:\n${said}`)),
      startMs,
    );
    try {
      return new ServerProcess(child, { port: await promise, spawned, owns });
    } catch (error) {
      child.kill('SIGKILL');
      await owns?.[Symbol.asyncDispose]();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends it in order, or by force when that takes too long. */
  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      const timer = setTimeout(() => child.kill('SIGKILL'), endMs);
      child.kill('SIGTERM');
      await ended;
      clearTimeout(timer);
    }
    await this.#owns?.[Symbol.asyncDispose]();
  }
}
