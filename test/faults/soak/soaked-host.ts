import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { patiently } from '../../support/patiently.ts';
import type { Scope } from '../../support/scope.ts';
import type { Sample } from './growth.ts';

const commandLine = join(import.meta.dirname, '../../../runtime/src/cli/entry.ts');
const probe = new URL('heap-probe.ts', import.meta.url).href;

/** Lines of the log that are kept for a failure's message. */
const keptLines = 60;

export interface SoakedHostOptions {
  readonly manifests: readonly string[];
  /** The program to run. Default: the command line of this tree. */
  readonly entry?: string;
}

/** The real command line, and what its process uses. */
export class SoakedHost {
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #listening = Promise.withResolvers<number>();
  #port = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    const keep = (line: string): void => {
      const [, port] = /msg="http server started" addr=\S+:(\d+)/.exec(line) ?? [];
      if (port !== undefined) this.#listening.resolve(Number(port));
      if (this.#lines.push(line) > keptLines) this.#lines.shift();
    };
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface(stream).on('line', keep);
    }
    this.ended = once(child, 'close').then(([code, signal]) => {
      const how = `the host ended with ${String(code ?? signal)}\n${this.dump()}`;
      this.#listening.reject(new Error(how));
      return how;
    });
  }

  /** Starts it and waits until it serves. It ends with its scope at the latest. */
  static async start(t: Scope, { manifests, entry = commandLine }: SoakedHostOptions): Promise<SoakedHost> {
    const storage = await mkdtemp(join(tmpdir(), 'pulp-soak-'));
    const flags = [
      '-http-port',
      '0',
      '-http-host',
      '127.0.0.1',
      '-storage-root',
      storage,
      '-log-format',
      'text',
    ];
    const plugins = manifests.flatMap((manifest) => ['-manifest', manifest]);
    const child = spawn(process.execPath, ['--expose-gc', '--import', probe, entry, ...plugins, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PULP_'))),
    });
    const host = new SoakedHost(child);
    t.after(async () => {
      child.kill('SIGKILL');
      await host.ended;
      await rm(storage, { recursive: true, force: true });
    });
    host.#port = await patiently(host.#listening.promise, () => `the host did not start\n${host.dump()}`);
    return host;
  }

  get port(): number {
    return this.#port;
  }

  /** Has it read all plugins again. */
  reload(): void {
    this.#child.kill('SIGHUP');
  }

  /** Sends SIGTERM, and gives the exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    await patiently(this.ended, () => `the host did not end\n${this.dump()}`);
    return this.#child.exitCode;
  }

  /** What its process uses now. Linux only: it is read from /proc. */
  async sample(): Promise<Sample> {
    const folder = `/proc/${this.#child.pid}`;
    const answer = once(this.#child, 'message');
    this.#child.send('heap');
    const [heap] = (await patiently(answer, () => `the host does not say what it uses\n${this.dump()}`)) as [
      number,
    ];
    const status = await readFile(`${folder}/status`, 'utf8');
    const number = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
    const handles = (await readdir(`${folder}/fd`)).length;
    return { rss: number('VmRSS') * 1024, heap, handles, threads: number('Threads') };
  }

  dump(): string {
    return this.#lines.join('\n');
  }
}
