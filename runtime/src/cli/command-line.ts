import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Act } from '../control/protocol.ts';
import { suggest } from '../manifest/nearest.ts';
import {
  ACT_FLAGS,
  BUNDLE_FLAGS,
  COMMANDS,
  INSPECT_FLAGS,
  LOGS_FLAGS,
  PS_FLAGS,
  STATS_FLAGS,
  type CommandName,
} from './commands.ts';
import {
  BACKUP_FLAGS,
  FLAGS,
  keysOf,
  RESTORE_FLAGS,
  type FlagTable,
  type FlagValues,
  type ValuesOf,
} from './flags.ts';
import { type Environment, type ParsedFlags, parseFlags, show, UsageError } from './parse-flags.ts';

/** What the user asked for. */
export type Command =
  | { readonly name: 'help'; readonly topic?: CommandName }
  | { readonly name: 'version' }
  | { readonly name: 'run'; readonly flags: RunValues }
  | { readonly name: 'bundle'; readonly flags: BundleValues }
  | { readonly name: 'backup'; readonly flags: BackupValues }
  | { readonly name: 'restore'; readonly flags: RestoreValues }
  | ControlCommand;

/** What is asked of a host that runs. */
export type ControlCommand =
  | { readonly name: 'ps'; readonly flags: ValuesOf<typeof PS_FLAGS> }
  | {
      readonly name: 'stats';
      readonly flags: ValuesOf<typeof STATS_FLAGS>;
      readonly plugins: readonly string[];
    }
  | {
      readonly name: 'logs';
      readonly flags: ValuesOf<typeof LOGS_FLAGS>;
      readonly plugin?: string;
    }
  | {
      readonly name: 'inspect';
      readonly flags: ValuesOf<typeof INSPECT_FLAGS>;
      readonly plugins: readonly string[];
    }
  | { readonly name: Act; readonly flags: ValuesOf<typeof ACT_FLAGS>; readonly plugins: readonly string[] };

export type RunValues = Omit<FlagValues, 'manifest'> & { readonly manifest: readonly string[] };
export type BundleValues = Omit<ValuesOf<typeof BUNDLE_FLAGS>, 'manifest'> & {
  readonly out: string;
  readonly manifest: readonly string[];
};
export type BackupValues = ValuesOf<typeof BACKUP_FLAGS> & { readonly to: string };
export type RestoreValues = ValuesOf<typeof RESTORE_FLAGS> & { readonly from: string };

/** The command that is named. Their flags are others, so it has to come first; `run` is meant when none is. */
export function commandOf([first]: readonly string[]): CommandName | undefined {
  return keysOf(COMMANDS).find((known) => known === first);
}

/** Reads the command line; `embedded` are the manifests inside of a bundled program. Throws a {@link UsageError} for anything that it does not know. */
export function parseCommandLine(
  argv: readonly string[],
  env: Environment,
  embedded: readonly string[] = [],
): Command {
  const name = commandOf(argv);
  const rest = argv.slice(1);
  if (name === undefined || name === 'run') return parseRun(argv, env, embedded);
  if (name === 'bundle') return parseBundle(rest, env);
  if (name === 'backup') return parseBackup(rest, env);
  if (name === 'restore') return parseRestore(rest, env);
  return parseControl(name, rest, env);
}

function parseRun(argv: readonly string[], env: Environment, embedded: readonly string[]): Command {
  const { values: flags, given, switches, words } = parseFlags(argv, env, FLAGS);
  const [verb, ...places] = words;
  if (verb !== undefined && verb !== 'run' && verb !== 'help' && verb !== 'version')
    throw unknownCommand(verb);
  if (verb === 'help') return helpOn(places[0]);
  if (verb === 'version') return { name: 'version' };
  if (switches.has('help')) return verb === 'run' ? helpOn('run') : { name: 'help' };
  if (switches.has('version')) return { name: 'version' };

  const [place] = places;
  const named = given.get('manifest');
  if (place !== undefined && named !== undefined) {
    throw new UsageError(`both ${show(place)} and -manifest ${named.map(show).join(', ')}: give one of them`);
  }
  const manifests = place === undefined ? (flags.manifest ?? byDefault(verb, embedded)) : places;
  if (manifests.length === 0) {
    throw new UsageError('no manifest: say which plugin to run, with `pulp run FOLDER` or -manifest PATH');
  }
  if (manifests.includes('')) throw new UsageError('the folder to run is empty text');
  if (flags.healthPort !== 0 && flags.healthPort === flags.httpPort) {
    throw new UsageError(`both -http-port and -health-port are ${flags.httpPort}: give them one each`);
  }
  return { name: 'run', flags: { ...flags, manifest: manifests.map(manifestIn) } };
}

/** What runs when nobody says what: the plugins of a bundled program, otherwise the folder one is in. */
function byDefault(verb: string | undefined, embedded: readonly string[]): readonly string[] {
  if (embedded.length > 0) return embedded;
  return verb === 'run' ? ['.'] : [];
}

function parseControl(name: ControlCommand['name'], argv: readonly string[], env: Environment): Command {
  const parsed = parseFlags(argv, env, COMMANDS[name].flags);
  const asked = helpOrVersion(name, parsed);
  if (asked !== undefined) return asked;
  const { words: plugins } = parsed;
  const takes = COMMANDS[name].words;
  const tooMany = plugins[takes === '' ? 0 : name === 'logs' ? 1 : Infinity];
  if (tooMany !== undefined) throw new UsageError(`${name}: unexpected argument ${show(tooMany)}`);
  if (plugins.includes('')) throw new UsageError(`${name}: the name of a plugin is empty text`);
  if (plugins.length === 0 && takes === 'PLUGIN...') {
    throw new UsageError(`${name}: say which plugin; \`pulp ps\` lists them`);
  }
  const [plugin] = plugins;
  // Each command's flags were read by its own table.
  const flags = parsed.values as never;
  if (name === 'logs') return { name, flags, ...(plugin === undefined ? {} : { plugin }) };
  return name === 'ps' ? { name, flags } : { name, flags, plugins };
}

function parseBundle(argv: readonly string[], env: Environment): Command {
  const parsed = parseFlags(argv, env, BUNDLE_FLAGS);
  const asked = helpOrVersion('bundle', parsed);
  if (asked !== undefined) return asked;
  const { out, entry, ext, manifest = [] } = parsed.values;
  if (out === undefined) throw new UsageError('bundle: say what to write, with -o FILE');
  if (entry !== undefined && ext !== undefined) {
    throw new UsageError('bundle: both -entry and -ext; give extensions to main() in the entry');
  }
  const manifests = [...parsed.words, ...manifest];
  if (manifests.includes('')) throw new UsageError('bundle: the folder of a plugin is empty text');
  return { name: 'bundle', flags: { ...parsed.values, out, manifest: manifests.map(manifestIn) } };
}

function parseBackup(argv: readonly string[], env: Environment): Command {
  const parsed = parseFlags(argv, env, BACKUP_FLAGS);
  const asked = helpOrVersion('backup', parsed) ?? noWords(parsed);
  if (asked !== undefined) return asked;
  const { to } = parsed.values;
  if (to === undefined) throw new UsageError('backup: say where the copy goes, with -to FOLDER');
  return { name: 'backup', flags: { ...parsed.values, to } };
}

function parseRestore(argv: readonly string[], env: Environment): Command {
  const parsed = parseFlags(argv, env, RESTORE_FLAGS);
  const asked = helpOrVersion('restore', parsed) ?? noWords(parsed);
  if (asked !== undefined) return asked;
  const { from } = parsed.values;
  if (from === undefined) throw new UsageError('restore: say which copy to put back, with -from FOLDER');
  return { name: 'restore', flags: { ...parsed.values, from } };
}

/** Help or version, if that is what was asked for. */
function helpOrVersion(topic: CommandName, { switches }: ParsedFlags<FlagTable>): Command | undefined {
  if (switches.has('help')) return { name: 'help', topic };
  if (switches.has('version')) return { name: 'version' };
  return undefined;
}

function noWords({ words }: ParsedFlags<FlagTable>): undefined {
  const [extra] = words;
  if (extra !== undefined) throw new UsageError(`unexpected argument ${show(extra)}`);
}

function helpOn(word: string | undefined): Command {
  if (word === undefined || word === 'help' || word === 'version') return { name: 'help' };
  const topic = keysOf(COMMANDS).find((known) => known === word);
  if (topic === undefined) throw unknownCommand(word);
  return { name: 'help', topic };
}

function unknownCommand(word: string): UsageError {
  const nearest = suggest(word, [...keysOf(COMMANDS), 'help', 'version']);
  if (nearest !== undefined) return new UsageError(`unknown command ${show(word)}; did you mean ${nearest}?`);
  if (/[./\\]/.test(word) || existsSync(word)) {
    return new UsageError(`unexpected argument ${show(word)}; to run a plugin: pulp run ${word}`);
  }
  return new UsageError(`unknown command ${show(word)}; \`pulp --help\` lists them`);
}

/** The manifest in a folder, or the path itself when it is no folder. What is not there is found out later. */
function manifestIn(path: string): string {
  try {
    return statSync(path).isDirectory() ? join(path, 'pulp.plugin.toml') : path;
  } catch {
    return path;
  }
}
