import { type ChildProcess, spawn } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface OwnedProcessOptions {
  /** Working directory; this process's own unless given. */
  readonly cwd?: string;
  /** Whether its stderr goes to ours. Otherwise it is a pipe that MUST be read. */
  readonly showErrors?: boolean;
  /** Whether a shell has to find the program, as npm needs on Windows. Arguments are then not quoted. */
  readonly shell?: boolean;
}

/** Starts a child that never outlives this process. Its stdout is a pipe, its stdin is empty. */
export function spawnOwned(
  program: string,
  args: readonly string[],
  { cwd, showErrors = false, shell = false }: OwnedProcessOptions = {},
): ChildProcess {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', showErrors ? 'inherit' : 'pipe'],
    // What the caller's shell has set for a host of its own must not change what is measured.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PULP_'))),
    shell,
    windowsHide: true,
    ...(cwd === undefined ? {} : { cwd }),
  });
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', kill);
  child.once('close', () => process.off('exit', kill));
  return child;
}

/** What a program that ended had written. */
export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end.
 *
 * Rejects when it cannot be started, or has not ended after `timeoutMs` milliseconds: then it is killed. Which
 * exit code is a failure is for the caller to say.
 */
export async function runOwned(
  program: string,
  args: readonly string[],
  { timeoutMs, ...options }: OwnedProcessOptions & { readonly timeoutMs: number },
): Promise<Output> {
  const { promise, resolve, reject } = Promise.withResolvers<Output>();
  const child = spawnOwned(program, args, options);
  const text = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk));
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
    reject(new Error(`${basename(program)}: not done after ${timeoutMs / 1000} s`));
  }, timeoutMs);
  child.on('error', reject);
  child.on('close', (code) => resolve({ code, ...text }));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs a module of this folder in a Node process of its own, so that one measurement does not shape the code
 * or the heap of the next. It gets `options` as JSON in its first argument and answers with JSON on stdout.
 */
export async function runModule(url: URL, options: unknown, timeoutMs = 120_000): Promise<unknown> {
  const file = fileURLToPath(url);
  // Others' packages may use what Node still calls experimental: that is no news here.
  const args = ['--disable-warning=ExperimentalWarning', file, JSON.stringify(options)];
  const { code, stdout } = await runOwned(process.execPath, args, { timeoutMs, showErrors: true });
  if (code !== 0) throw new Error(`${basename(file)}: ended with exit code ${code}; its reason stands above`);
  return JSON.parse(stdout) as unknown;
}

/** What a module started by {@link runModule} was asked for. */
export function moduleOptions(): unknown {
  return JSON.parse(process.argv[2] ?? '{}') as unknown;
}
