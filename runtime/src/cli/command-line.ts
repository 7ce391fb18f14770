import { statSync } from 'node:fs';
import { join } from 'node:path';
import { suggest } from '../manifest/nearest.ts';
import {
  FLAGS,
  SWITCHES,
  flagName,
  keysOf,
  variableName,
  type Flag,
  type FlagKey,
  type FlagValues,
  type SwitchKey,
} from './flags.ts';
import { ValueError } from './values.ts';

/** What the user asked for. */
export type Command =
  | { readonly name: 'help' }
  | { readonly name: 'version' }
  | { readonly name: 'run'; readonly flags: FlagValues & { readonly manifest: string } };

/** The command line, or a variable that stands for a flag, cannot be understood: exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the command line. Flags are taken with one dash or two, as `-flag value` or `-flag=value`; given
 * twice, the last one counts, as in the Go host. A flag wins over its variable, an empty variable is none.
 * Throws a {@link UsageError} for anything that it does not know.
 *
 * This is not `parseArgs` of node:util, because that takes `-manifest` for seven short flags and would have
 * to be given what this function has worked out already.
 */
export function parseCommandLine(argv: readonly string[], env: Environment): Command {
  const { given, switches, words } = split(argv);
  const [verb, ...rest] = words;
  if (verb !== undefined && verb !== 'run' && verb !== 'help') throw unknownCommand(verb);
  if (switches.has('help') || verb === 'help') return { name: 'help' };
  if (switches.has('version')) return { name: 'version' };
  const [place, extra] = rest;
  if (extra !== undefined) throw new UsageError(`unexpected argument ${show(extra)}: one plugin at a time`);

  const flags = readValues(given, env);
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

interface Split {
  readonly given: ReadonlyMap<FlagKey, string>;
  readonly switches: ReadonlySet<SwitchKey>;
  readonly words: readonly string[];
}

function split(argv: readonly string[]): Split {
  const given = new Map<FlagKey, string>();
  const switches = new Set<SwitchKey>();
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? '';
    if (argument === '--') {
      words.push(...argv.slice(i + 1));
      break;
    }
    const written = readFlag(argument);
    if (written === undefined) {
      words.push(argument);
    } else if ('switch' in written) {
      if (written.value !== undefined) throw new UsageError(`${written.dashed} takes no value`);
      switches.add(written.switch);
    } else if (written.value !== undefined) {
      given.set(written.key, written.value);
    } else if (kindOf(written.key).alone !== undefined) {
      given.set(written.key, kindOf(written.key).alone ?? '');
    } else {
      const next = argv[++i];
      if (next === undefined || isFlag(next)) throw new UsageError(`${written.dashed} needs a value`);
      given.set(written.key, next);
    }
  }
  return { given, switches, words };
}

type Written = { readonly dashed: string; readonly value: string | undefined } & (
  | { readonly key: FlagKey }
  | { readonly switch: SwitchKey }
);

/** An argument as a flag; undefined when it is none. Throws for a flag that is not known. */
function readFlag(argument: string): Written | undefined {
  const [, dashes = '', name = '', value] = /^(--?)([^-=][^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
  if (name === '') {
    if (argument.startsWith('-')) throw new UsageError(`${show(argument)} is not a flag`);
    return undefined;
  }
  const dashed = `${dashes}${name}`;
  const key = keyOf(FLAGS, name);
  if (key !== undefined) return { key, dashed, value };
  const known = keyOf(SWITCHES, name === 'h' ? 'help' : name);
  if (known !== undefined) return { switch: known, dashed, value };
  const names = [...keysOf(FLAGS), ...keysOf(SWITCHES)].map(flagName);
  const nearest = suggest(name, names);
  throw new UsageError(
    `unknown flag ${show(dashed)}${nearest === undefined ? '' : `; did you mean -${nearest}?`}`,
  );
}

function kindOf(key: FlagKey): Flag['kind'] {
  return FLAGS[key].kind;
}

function isFlag(argument: string): boolean {
  try {
    return readFlag(argument) !== undefined;
  } catch {
    return false;
  }
}

function readValues(given: ReadonlyMap<FlagKey, string>, env: Environment): FlagValues {
  const values: Partial<Record<FlagKey, unknown>> = {};
  for (const key of keysOf(FLAGS)) {
    const flag: Flag = FLAGS[key];
    const variable = env[variableName(key)];
    const text = given.get(key);
    if (text !== undefined) values[key] = parse(flag, text, `-${flagName(key)}`);
    else if (variable !== undefined && variable !== '')
      values[key] = parse(flag, variable, variableName(key));
    else if (flag.fallback !== undefined) values[key] = flag.kind.parse(flag.fallback);
  }
  // Each key was read by its own kind
  return values as FlagValues;
}

function parse(flag: Flag, text: string, source: string): unknown {
  try {
    return flag.kind.parse(text);
  } catch (error) {
    if (error instanceof ValueError)
      throw new UsageError(`${source} is ${show(text)}: it must be ${error.message}`);
    throw error;
  }
}

function unknownCommand(word: string): UsageError {
  const nearest = suggest(word, ['run', 'help']);
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

function keyOf<K extends string>(table: Readonly<Record<K, unknown>>, name: string): K | undefined {
  return keysOf(table).find((key) => flagName(key) === name);
}

function show(text: string): string {
  return JSON.stringify(text);
}
