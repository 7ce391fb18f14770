import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseLogfmt, type LogLine } from './logfmt.ts';
import { patiently } from './patiently.ts';
import type { Scope } from './scope.ts';

const root = join(import.meta.dirname, '..', '..');
/** The command's source. */
export const entry = join(root, 'runtime', 'src', 'cli', 'entry.ts');

export interface PulpOptions {
  /** The manifest or the plugin's folder, or several. */
  readonly manifest: string | readonly string[];
  /** Further flags; they come last, so they win. */
  readonly args?: readonly string[];
  /** The program, and what stands before the flags. Default: the command, from source. */
  readonly program?: readonly [path: string, ...args: string[]];
  /** Default: this process's own, without flags of the host. */
  readonly env?: NodeJS.ProcessEnv;
}

/** How a process ended, and what it said. */
export interface PulpEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** The real command line as a child process, on a free port of 127.0.0.1. It ends with its test at the latest. */
export class PulpProcess {
  /** Settles when the process has ended and all that it wrote has been read. Never rejects. */
  readonly ended: Promise<PulpEnd>;
  readonly #child: ChildProcess;
  readonly #lines: LogLine[] = [];
  #stderr = '';
  #wake = Promise.withResolvers<void>();
  #over = false;
  #port: number | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    const { promise, resolve } = Promise.withResolvers<PulpEnd>();
    this.ended = promise;
    assert.ok(child.stdout !== null && child.stderr !== null, 'the streams are pipes');
    createInterface(child.stdout).on('line', (line) => {
      this.#lines.push(parseLogfmt(line));
      this.#changed();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    child.on('close', (code, signal) => {
      this.#over = true;
      resolve({ code, signal, stderr: this.#stderr });
      this.#changed();
    });
  }

  /** Starts the command and does not wait for anything. */
  static async launch(
    t: Scope,
    { manifest, args = [], program = [process.execPath, entry], env = environment() }: PulpOptions,
  ): Promise<PulpProcess> {
    const storage = await mkdtemp(join(tmpdir(), 'pulp-test-storage-'));
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
    const manifests = [manifest].flat().flatMap((path) => ['-manifest', path]);
    const [path, ...before] = program;
    const child = spawn(path, [...before, ...manifests, ...flags, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
    const pulp = new PulpProcess(child);
    t.after(async () => {
      child.kill('SIGKILL');
      await pulp.ended;
      await rm(storage, { recursive: true, force: true });
    });
    return pulp;
  }

  /** Starts the command and waits until it serves, or until its init is complete where `listens` is false. */
  static async start(t: Scope, options: PulpOptions & { readonly listens?: boolean }): Promise<PulpProcess> {
    const pulp = await PulpProcess.launch(t, options);
    if (options.listens === false) {
      await pulp.line('init complete');
      return pulp;
    }
    const { addr = '' } = await pulp.line('http server started');
    pulp.#port = Number(/:(\d+)$/.exec(addr)?.[1]);
    return pulp;
  }

  /** Runs the command until it ends by itself. */
  static async run(
    t: Scope,
    options: PulpOptions,
  ): Promise<PulpEnd & { readonly lines: readonly LogLine[] }> {
    const pulp = await PulpProcess.launch(t, options);
    const end = await pulp.end();
    return { ...end, lines: pulp.lines };
  }

  get port(): number {
    assert.ok(this.#port !== undefined, 'the host does not listen');
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** All lines logged so far. */
  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  /** The messages logged so far. */
  get messages(): readonly (string | undefined)[] {
    return this.#lines.map(({ msg }) => msg);
  }

  /** Waits for a line with this message and these values. Fails when the process ends without it. */
  async line(msg: string, values: LogLine = {}): Promise<LogLine> {
    const wanted = Object.entries({ ...values, msg });
    const missing = (): string => `no line ${JSON.stringify({ msg, ...values })} in:\n${this.dump()}`;
    for (;;) {
      const line = this.#lines.find((candidate) => wanted.every(([key, value]) => candidate[key] === value));
      if (line !== undefined) return line;
      if (this.#over) assert.fail(missing());
      await patiently(this.#wake.promise, missing);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends SIGTERM and waits for the end. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<PulpEnd> {
    this.signal(signal);
    return this.end();
  }

  /** Waits for the end, and fails when it does not come. */
  end(): Promise<PulpEnd> {
    return patiently(this.ended, () => `the process did not end:\n${this.dump()}`);
  }

  /** Asserts that the process still runs and serves: a route of the guest answers. */
  async alive(path = '/ok'): Promise<void> {
    const response = await fetch(`${this.url}${path}`);
    const text = await response.text();
    assert.equal(response.status, 200, `${path} gave ${response.status} ${text}\n${this.dump()}`);
  }

  /** All that it said, for a failure's message. */
  dump(): string {
    return [...this.#lines.map((line) => JSON.stringify(line)), this.#stderr].join('\n');
  }

  #changed(): void {
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers();
    resolve();
  }
}

/**
 * The environment without flags of the host, and with what makes a start three times as fast: compiled code is kept,
 * which coverage would forbid. A process that a signal kills leaves half a file of coverage besides.
 */
export function environment(): NodeJS.ProcessEnv {
  const own = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('PULP_') && name !== 'NODE_V8_COVERAGE'),
  );
  return { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compile'), ...own };
}
