import { delimiter } from 'node:path';
import { suggest } from '../manifest/nearest.ts';
import {
  SWITCHES,
  flagName,
  keysOf,
  variableName,
  type Flag,
  type FlagTable,
  type SwitchKey,
  type ValuesOf,
} from './flags.ts';
import { ValueError } from './values.ts';

/** The command line, or a variable that stands for a flag, cannot be understood: exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** A command line taken apart. */
export interface ParsedFlags<T extends FlagTable> {
  readonly values: ValuesOf<T>;
  /** The flags that were given as such, not as a variable, with their text. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly switches: ReadonlySet<SwitchKey>;
  /** What is no flag. */
  readonly words: readonly string[];
}

/**
 * Reads flags with one dash or two, as `-flag value` or `-flag=value`; given twice, the last one counts, as in
 * the Go host, unless it may be repeated. A flag wins over its variable, an empty variable is none. Values are read only when no switch was
 * given. Throws a {@link UsageError} for what is not in the table.
 *
 * This is not `parseArgs` of node:util, because that takes `-manifest` for seven short flags and would have
 * to be given what this function has worked out already.
 */
export function parseFlags<T extends FlagTable>(
  argv: readonly string[],
  env: Environment,
  table: T,
): ParsedFlags<T> {
  const split = new Split(table);
  split.read(argv);
  const { given, switches, words } = split;
  // Each key is read by its own kind. What only asks for help is not held against the variables.
  const values = (switches.size > 0 ? {} : readValues(given, env, table)) as ValuesOf<T>;
  return { values, given, switches, words };
}

type Written = { readonly dashed: string; readonly value: string | undefined } & (
  | { readonly key: string; readonly flag: Flag }
  | { readonly switch: SwitchKey }
);

class Split {
  readonly given = new Map<string, string[]>();
  readonly switches = new Set<SwitchKey>();
  readonly words: string[] = [];
  readonly #table: FlagTable;

  constructor(table: FlagTable) {
    this.#table = table;
  }

  read(argv: readonly string[]): void {
    for (let i = 0; i < argv.length; i++) {
      const argument = argv[i] ?? '';
      if (argument === '--') {
        this.words.push(...argv.slice(i + 1));
        break;
      }
      const written = this.#flag(argument);
      if (written === undefined) {
        this.words.push(argument);
      } else if ('switch' in written) {
        if (written.value !== undefined) throw new UsageError(`${written.dashed} takes no value`);
        this.switches.add(written.switch);
      } else {
        const alone = written.value ?? written.flag.kind.alone;
        const value = alone ?? argv[++i];
        if (value === undefined || (alone === undefined && this.#isFlag(value))) {
          throw new UsageError(`${written.dashed} needs a value`);
        }
        const before = written.flag.repeatable === true ? this.given.get(written.key) : undefined;
        this.given.set(written.key, [...(before ?? []), value]);
      }
    }
  }

  /** An argument as a flag; undefined when it is none. Throws for a flag that is not known. */
  #flag(argument: string): Written | undefined {
    const [, dashes = '', name = '', value] = /^(--?)([^-=][^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
    if (name === '') {
      if (argument.startsWith('-')) throw new UsageError(`${show(argument)} is not a flag`);
      return undefined;
    }
    const dashed = `${dashes}${name}`;
    const key = keyOf(this.#table, name) ?? keyOfLetter(this.#table, name);
    const flag = key === undefined ? undefined : this.#table[key];
    if (key !== undefined && flag !== undefined) return { key, flag, dashed, value };
    const known = keyOf(SWITCHES, name === 'h' ? 'help' : name);
    if (known !== undefined) return { switch: known, dashed, value };
    const names = [...keysOf(this.#table), ...keysOf(SWITCHES)].map(flagName);
    const nearest = suggest(name, names);
    throw new UsageError(
      `unknown flag ${show(dashed)}${nearest === undefined ? '' : `; did you mean -${nearest}?`}`,
    );
  }

  #isFlag(argument: string): boolean {
    try {
      return this.#flag(argument) !== undefined;
    } catch {
      return false;
    }
  }
}

function readValues(
  given: ReadonlyMap<string, readonly string[]>,
  env: Environment,
  table: FlagTable,
): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const [key, flag] of Object.entries(table)) {
    const texts = given.get(key);
    const source = texts === undefined ? variableName(key) : `-${flagName(key)}`;
    const parsed = (texts ?? inVariable(key, flag, env)).map((text) => parse(flag, text, source));
    if (parsed.length > 0) values[key] = flag.repeatable === true ? parsed : parsed[0];
    else if (flag.fallback !== undefined) values[key] = flag.kind.parse(flag.fallback);
  }
  return values;
}

/** The texts in a flag's variable: none when it is empty. */
function inVariable(key: string, flag: Flag, env: Environment): string[] {
  const variable = flag.withoutVariable === true ? '' : (env[variableName(key)] ?? '');
  if (flag.repeatable === true) return variable.split(delimiter).filter((text) => text !== '');
  return variable === '' ? [] : [variable];
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

function keyOf<K extends string>(table: Readonly<Record<K, unknown>>, name: string): K | undefined {
  return keysOf(table).find((key) => flagName(key) === name);
}

function keyOfLetter(table: FlagTable, letter: string): string | undefined {
  return Object.keys(table).find((key) => table[key]?.letter === letter);
}

/** A text of the user in a message. */
export function show(text: string): string {
  return JSON.stringify(text);
}
