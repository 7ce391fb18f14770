import type { AskOptions } from './ask.ts';
import { embeddedManifests } from '../host/embedded.ts';
import { commandOf, parseCommandLine, type Command } from './command-line.ts';
import { type Environment, UsageError } from './parse-flags.ts';
import { keepStorage } from './keep-storage.ts';
import { run, type RunOptions } from './run.ts';
import { help, usage } from './usage.ts';
import { version } from './version.ts';

export interface MainOptions extends Omit<RunOptions, 'flags' | 'env' | 'complain'> {
  /** Writes to standard output; settles when it is written. */
  readonly say?: (text: string) => Promise<void>;
  /** Writes to standard error; settles when it is written. */
  readonly complain?: (text: string) => Promise<void>;
  /** Whether people read what it says. Default: whether standard output is a terminal. */
  readonly isTerminal?: boolean;
}

/**
 * The `pulp` command. `argv` is without node and script. Settles with the exit code once everything is
 * written; the caller ends the process, since what a plugin left behind could keep it alive.
 */
export async function main(
  argv: readonly string[],
  env: Environment,
  options: MainOptions = {},
): Promise<number> {
  const { say = writerTo('stdout'), complain = writerTo('stderr'), isTerminal, ...rest } = options;
  let command: Command;
  try {
    command = parseCommandLine(argv, env, embeddedManifests());
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    await complain(`pulp: ${error.message}\n\n${usage(commandOf(argv))}`);
    return 2;
  }
  if (command.name === 'run') return run({ ...rest, flags: command.flags, env, complain });
  try {
    return await perform(command, {
      env,
      say,
      complain,
      ...(isTerminal === undefined ? {} : { isTerminal }),
    });
  } catch (error) {
    if (!(error instanceof OutputError)) throw error;
    // Nobody reads any further, as with `pulp logs | head`.
    if (error.code === 'EPIPE') return 0;
    await complain(`pulp: ${error.message}\n`);
    return 1;
  }
}

async function perform(command: Exclude<Command, { name: 'run' }>, options: AskOptions): Promise<number> {
  if (command.name === 'help') {
    await options.say(help(command.topic));
    return 0;
  }
  if (command.name === 'version') {
    await options.say(`pulp ${version()} (node ${process.version})\n`);
    return 0;
  }
  if (command.name === 'bundle') {
    const { bundleProgram } = await import('./bundle.ts');
    return bundleProgram(command, options);
  }
  if (command.name === 'backup' || command.name === 'restore') return keepStorage(command, options);
  const { ask } = await import('./ask.ts');
  return ask(command, options);
}

/**
 * The stream is touched only when there is something to say: see `unblocked` of the log. Rejects when standard output
 * takes nothing any more; of standard error that cannot be said to anybody.
 */
function writerTo(stream: 'stdout' | 'stderr'): (text: string) => Promise<void> {
  return (text) =>
    new Promise((resolve, reject) => {
      const output = process[stream];
      // An error is an event as well, which has to have a listener.
      output.once('error', ignore);
      output.write(text, (error) => {
        if (error === null || error === undefined) output.off('error', ignore);
        if (error instanceof Error && stream === 'stdout') reject(new OutputError(error));
        else resolve();
      });
    });
}

function ignore(): void {}

/** Standard output takes nothing any more. */
class OutputError extends Error {
  /** The system's. */
  readonly code: string | undefined;

  constructor(cause: NodeJS.ErrnoException) {
    super(`standard output cannot be written to: ${cause.message}`, { cause });
    this.name = 'OutputError';
    this.code = cause.code;
  }
}
