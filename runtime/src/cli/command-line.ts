import { statSync } from 'node:fs';
import { join } from 'node:path';
import { suggest } from '../manifest/nearest.ts';
import {
  BACKUP_FLAGS,
  FLAGS,
  RESTORE_FLAGS,
  type FlagTable,
  type FlagValues,
  type ValuesOf,
} from './flags.ts';
import { type Environment, type ParsedFlags, parseFlags, show, UsageError } from './parse-flags.ts';

/** What the user asked for. */
export type Command =
  | { readonly name: 'help' }
  | { readonly name: 'version' }
  | { readonly name: 'run'; readonly flags: FlagValues & { readonly manifest: string } }
  | { readonly name: 'backup'; readonly flags: BackupValues }
  | { readonly name: 'restore'; readonly flags: RestoreValues };

export type BackupValues = ValuesOf<typeof BACKUP_FLAGS> & { readonly to: string };
export type RestoreValues = ValuesOf<typeof RESTORE_FLAGS> & { readonly from: string };

/** Commands besides `run`, which is meant when none is named. */
const commands = ['backup', 'restore'] as const;

/** Reads the command line. Throws a {@link UsageError} for anything that it does not know. */
export function parseCommandLine(argv: readonly string[], env: Environment): Command {
  // Their flags are others, so the command has to come first.
  const command = commands.find((known) => known === argv[0]);
  if (command === undefined) return parseRun(argv, env);
  const rest = argv.slice(1);
  return command === 'backup' ? parseBackup(rest, env) : parseRestore(rest, env);
}

function parseRun(argv: readonly string[], env: Environment): Command {
  const { values: flags, given, switches, words } = parseFlags(argv, env, FLAGS);
  const [verb, ...rest] = words;
  if (verb !== undefined && verb !== 'run' && verb !== 'help') throw unknownCommand(verb);
  if (switches.has('help') || verb === 'help') return { name: 'help' };
  if (switches.has('version')) return { name: 'version' };
  const [place, extra] = rest;
  if (extra !== undefined) throw new UsageError(`unexpected argument ${show(extra)}: one plugin at a time`);

  if (place !== undefined && given.has('manifest')) {
    throw new UsageError(
      `both ${show(place)} and -manifest ${show(given.get('manifest') ?? '')}: give one of them`,
    );
  }
  const manifest = place ?? flags.manifest ?? (verb === 'run' ? '.' : undefined);
  if (manifest === undefined) {
    throw new UsageError('no manifest: say which plugin to run, with `pulp run FOLDER` or -manifest PATH');
  }
  if (manifest === '') throw new UsageError('the folder to run is empty text');
  return { name: 'run', flags: { ...flags, manifest: manifestIn(manifest) } };
}

function parseBackup(argv: readonly string[], env: Environment): Command {
  const parsed = parseFlags(argv, env, BACKUP_FLAGS);
  const asked = askedFor(parsed);
  if (asked !== undefined) return asked;
  const { to } = parsed.values;
  if (to === undefined) throw new UsageError('backup: say where the copy goes, with -to FOLDER');
  return { name: 'backup', flags: { ...parsed.values, to } };
}

function parseRestore(argv: readonly string[], env: Environment): Command {
  const parsed = parseFlags(argv, env, RESTORE_FLAGS);
  const asked = askedFor(parsed);
  if (asked !== undefined) return asked;
  const { from } = parsed.values;
  if (from === undefined) throw new UsageError('restore: say which copy to put back, with -from FOLDER');
  return { name: 'restore', flags: { ...parsed.values, from } };
}

/** Help or version, if that is what was asked for. */
function askedFor({ switches, words }: ParsedFlags<FlagTable>): Command | undefined {
  if (switches.has('help')) return { name: 'help' };
  if (switches.has('version')) return { name: 'version' };
  const [extra] = words;
  if (extra !== undefined) throw new UsageError(`unexpected argument ${show(extra)}`);
  return undefined;
}

function unknownCommand(word: string): UsageError {
  const nearest = suggest(word, ['run', 'help', ...commands]);
  if (nearest !== undefined) return new UsageError(`unknown command ${show(word)}; did you mean ${nearest}?`);
  return new UsageError(`unexpected argument ${show(word)}; to run a plugin: pulp run ${word}`);
}

/** The manifest in a folder, or the path itself when it is no folder. What is not there is found out later. */
function manifestIn(path: string): string {
  try {
    return statSync(path).isDirectory() ? join(path, 'pulp.plugin.toml') : path;
  } catch {
    return path;
  }
}
