import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { HostOptions } from '../../../runtime/src/host/host.ts';
import type { HostStatus, PluginStatus } from '../../../runtime/src/host/status.ts';
import { patiently } from '../../support/patiently.ts';
import type { Scope } from '../../support/scope.ts';
import type { Reply, Wish } from './orders.ts';

const program = join(import.meta.dirname, 'host-process.ts');
const compileCache = join(import.meta.dirname, '../../../node_modules/.cache/compile');

/** Lines of the log that are kept for a failure's message: a fault may log without end. */
const keptLines = 100;

export interface FaultHostOptions extends Omit<HostOptions, 'manifest' | 'log'> {
  /** Of all plugins. */
  readonly manifests: readonly string[];
}

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A `Host` in a process of its own, so that it can be killed, and that what a fault does to it is seen from outside. */
export class FaultHost {
  /** Settles when the process has ended. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #lines: string[] = [];
  #stderr = '';
  #orders = 0;
  #url = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    assert.ok(child.stdout !== null && child.stderr !== null, 'the streams are pipes');
    createInterface(child.stdout).on('line', (line) => {
      if (this.#lines.push(line) > keptLines) this.#lines.shift();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    child.on('message', (reply: Reply) => this.#replied(reply));
    this.ended = once(child, 'close').then(([code, signal]: ProcessEnd[keyof ProcessEnd][]) => {
      const end = { code, signal } as ProcessEnd;
      for (const { reject } of this.#waiting.values()) {
        reject(new Error(`the host has ended, ${JSON.stringify(end)}:\n${this.dump()}`));
      }
      return end;
    });
  }

  /** Starts a host and waits until it serves. It ends with its scope at the latest, its storage with it. */
  static async start(t: Scope, { manifests, ...options }: FaultHostOptions): Promise<FaultHost> {
    const storageRoot = options.storageRoot ?? (await mkdtemp(join(tmpdir(), 'pulp-faults-')));
    const given: HostOptions = { ...options, storageRoot, manifest: manifests };
    const child = spawn(process.execPath, [program, JSON.stringify(given)], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: environment(),
    });
    const host = new FaultHost(child);
    t.after(async () => {
      child.kill('SIGKILL');
      await host.ended;
      if (options.storageRoot === undefined) await rm(storageRoot, { recursive: true, force: true });
    });
    host.#url = String(await host.#reply(0));
    return host;
  }

  get url(): string {
    return this.#url;
  }

  get port(): number {
    return Number(new URL(this.#url).port);
  }

  /** What it has written to standard error: nothing, as long as all is well. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Tells the host what to do, and gives what came of it. Rejects with the host's error. */
  async tell(wish: Wish): Promise<unknown> {
    const number = ++this.#orders;
    const reply = this.#reply(number);
    this.#child.send({ ...wish, number });
    return reply;
  }

  async status(): Promise<HostStatus> {
    return (await this.tell({ what: 'status' })) as HostStatus;
  }

  async plugin(name: string): Promise<PluginStatus> {
    const { plugins } = await this.status();
    const found = plugins.find((plugin) => plugin.name === name);
    assert.ok(found !== undefined, `there is no plugin ${name}`);
    return found;
  }

  /** Ends the process in the middle of whatever it does. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  /** Stops the host in order. */
  async stop(): Promise<ProcessEnd> {
    await this.tell({ what: 'stop' });
    return patiently(this.ended, () => `the host did not end:\n${this.dump()}`);
  }

  /** What it said last, for a failure's message. */
  dump(): string {
    return [...this.#lines, this.#stderr].join('\n');
  }

  async #reply(number: number): Promise<unknown> {
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(number, waiting);
    try {
      return await patiently(waiting.promise, () => `the host does not answer:\n${this.dump()}`);
    } finally {
      this.#waiting.delete(number);
    }
  }

  #replied({ number, value, error }: Reply): void {
    const waiting = this.#waiting.get(number);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(error));
  }
}

/** Without flags of the host and without coverage, which would triple the time of a start. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('PULP_') && name !== 'NODE_V8_COVERAGE',
  );
  return { NODE_COMPILE_CACHE: compileCache, ...Object.fromEntries(own) };
}
