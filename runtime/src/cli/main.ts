import { parseCommandLine, type Command } from './command-line.ts';
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
  const { say = writerTo('stdout'), complain = writerTo('stderr'), ...rest } = options;
  let command: Command;
  try {
    command = parseCommandLine(argv, env);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    await complain(`pulp: ${error.message}\n\n${usage()}`);
    return 2;
  }
  if (command.name === 'run') return run({ ...rest, flags: command.flags, env, complain });
  if (command.name === 'backup' || command.name === 'restore') return keepStorage(command, { say, complain });
  await say(command.name === 'help' ? help() : `pulp ${version()} (node ${process.version})\n`);
  return 0;
}

/** The stream is touched only when there is something to say: see `unblocked` of the log. */
function writerTo(stream: 'stdout' | 'stderr'): (text: string) => Promise<void> {
  return (text) =>
    new Promise((resolve) => {
      process[stream].write(text, () => {
        resolve();
      });
    });
}
