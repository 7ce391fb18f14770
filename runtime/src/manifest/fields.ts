import type { ProblemList } from './manifest-error.ts';
import { shown } from './shown.ts';
import { isList, kindOf, type TomlTable, type TomlValue } from './toml.ts';

/** Integers from `min` to `max`, both included. */
export interface IntegerRange {
  readonly min: number;
  readonly max: number;
  readonly fallback: number;
}

/**
 * The manifest's own keys, read one by one. What is wrong becomes a problem and the fallback is given, so that
 * the rest is looked at, too.
 */
export class Fields {
  readonly #table: TomlTable;
  readonly #problems: ProblemList;
  readonly #known = new Set<string>();

  constructor(table: TomlTable, problems: ProblemList) {
    this.#table = table;
    this.#problems = problems;
  }

  /** Every key that was asked for: what a manifest may have at its top level. */
  get known(): ReadonlySet<string> {
    return this.#known;
  }

  /** The value of a key, whatever it is. */
  value(key: string): TomlValue | undefined {
    this.#known.add(key);
    return Object.hasOwn(this.#table, key) ? this.#table[key] : undefined;
  }

  /** A string that MUST be there and not blank. */
  required(key: string): string | undefined {
    const value = this.value(key);
    if (value === undefined) this.#problems.add(key, `missing; add ${key} = "…"`);
    const text = this.#string(key, value);
    if (text?.trim() !== '') return text;
    this.#problems.add(key, 'is blank');
    return undefined;
  }

  string(key: string): string | undefined {
    return this.#string(key, this.value(key));
  }

  boolean(key: string): boolean {
    const value = this.value(key) ?? false;
    if (typeof value === 'boolean') return value;
    this.#wrong(key, 'true or false', value);
    return false;
  }

  integer(key: string, { min, max, fallback }: IntegerRange): number {
    const value = this.value(key);
    if (value === undefined) return fallback;
    const expected = min === max ? `the integer ${min}` : `an integer from ${min} to ${max}`;
    if (typeof value !== 'bigint') this.#wrong(key, expected, value);
    else if (value >= min && value <= max) return Number(value);
    else {
      // Printing a number of a million digits would take seconds.
      const found = BigInt.asIntN(64, value) === value ? `${value}` : 'one beyond 64 bits';
      this.#problems.add(key, `expected ${expected}, found ${found}`);
    }
    return fallback;
  }

  /** One of several words; the first is the default. */
  choice<const C extends string>(key: string, choices: readonly [C, ...C[]]): C {
    const value = this.value(key);
    if (value === undefined) return choices[0];
    const chosen = choices.find((choice) => choice === value);
    if (chosen !== undefined) return chosen;
    const expected = `one of ${choices.map((choice) => `"${choice}"`).join(', ')}`;
    if (typeof value !== 'string') this.#wrong(key, expected, value);
    else
      this.#problems.addNear(key, `expected ${expected}, found ${shown(value)}`, {
        word: value,
        known: choices,
      });
    return choices[0];
  }

  /** A list of strings that are not blank, each once. Absent is empty. */
  strings(key: string, normalise = (entry: string): string => entry): readonly string[] {
    const value = this.value(key);
    if (value === undefined) return [];
    if (!isList(value)) {
      this.#wrong(key, 'a list of strings', value);
      return [];
    }
    const entries = new Set<string>();
    for (const [index, entry] of value.entries()) {
      const where = `${key}[${index}]`;
      if (typeof entry !== 'string') this.#wrong(where, 'a string', entry);
      else if (entry.trim() === '') this.#problems.add(where, 'is blank');
      else entries.add(normalise(entry));
    }
    return [...entries];
  }

  /** A list of anything: a key that is reserved, so that only its type is looked at. */
  reservedList(key: string): void {
    const value = this.value(key);
    if (value !== undefined && !isList(value)) this.#wrong(key, 'a list', value);
  }

  #string(key: string, value: TomlValue | undefined): string | undefined {
    if (value === undefined || typeof value === 'string') return value;
    this.#wrong(key, 'a string', value);
    return undefined;
  }

  #wrong(key: string, expected: string, found: TomlValue): void {
    this.#problems.add(key, `expected ${expected}, found ${kindOf(found)}`);
  }
}
