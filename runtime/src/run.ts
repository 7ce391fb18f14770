/**
 * `pulp-runtime/run`: the `pulp` command as a function, for programs of one's own that bring extensions along.
 *
 * @example
 * import { main } from 'pulp-runtime/run';
 * import { capability as demo } from 'pulp-ext-demo';
 *
 * await main({ extensions: [demo] });
 */
import { isMainThread } from 'node:worker_threads';
import type { Capability } from './ext.ts';

/** The oldest Node that it runs on. */
const neededNode = 26;

export interface DeploymentOptions {
  /** The command line, without program and script. Default: that of the process. */
  readonly argv?: readonly string[];
  /** Capabilities besides the built-in ones. They are trusted: their code has all rights of the process. Default: none. */
  readonly extensions?: readonly Capability[];
}

/**
 * Does what the command line says, as `pulp` does, and ends the process with its exit code: 0 after an end in order, 1
 * when it could not start or something was cut off, 2 for a command line that cannot be understood, 70 after an error
 * in Pulp itself. It never returns, and it MUST be the last thing that a program does: signals are handled from here on.
 */
export async function main(options: DeploymentOptions = {}): Promise<never> {
  const { argv = process.argv.slice(2), extensions = [] } = options;
  if (Number.parseInt(process.versions.node, 10) < neededNode) {
    process.stderr.write(`pulp needs Node ${neededNode} or newer; this is ${process.version}\n`);
    process.exit(1);
  }
  if (!isMainThread) {
    throw new Error(
      'main() was called in a thread: keep extensions in modules of their own, apart from the program',
    );
  }
  // Only now: what is behind it may not even be read by an older Node.
  const { main: command } = await import('./cli/main.ts');
  process.exit(await command(argv, process.env, { extensions }));
}
