import { parse, TomlError } from 'smol-toml';
import { escapeUnprintable } from '../log/escape.ts';
import { ManifestError } from './manifest-error.ts';
import { keyOf } from './shown.ts';

/** A TOML date or time. Temporal keeps the nanoseconds that a Date would lose. */
export type TomlTime =
  | Temporal.ZonedDateTime
  | Temporal.PlainDateTime
  | Temporal.PlainDate
  | Temporal.PlainTime;

/** A bigint is an integer, a number a float even when it is whole. Integers can be of any size. */
export type TomlValue = string | bigint | number | boolean | TomlTime | readonly TomlValue[] | TomlTable;

/** A table without a prototype, so that a key such as `__proto__` is a key and nothing more. */
export interface TomlTable {
  readonly [key: string]: TomlValue;
}

/** Longest manifest that is read, in UTF-16 units (1 MiB of ASCII). Who reads the file SHOULD stop there, too. */
export const maxManifestLength = 1_048_576;

/**
 * How deep tables and lists may be nested below the top level. It lets all code behind the parser walk a
 * manifest recursively, and it is what MessagePack values are bounded by.
 */
export const maxNesting = 64;

/**
 * Parses TOML 1.1. Throws {@link ManifestError} with one problem, which gives line and column for an error of
 * syntax: after that nothing else of the text can be relied on.
 *
 * Keys keep the order of the file, but for keys that are whole numbers: JavaScript objects have those first,
 * in ascending order. Fractions of a second finer than nanoseconds are refused.
 */
export function parseToml(text: string, file: string): TomlTable {
  if (text.length > maxManifestLength) {
    throw refusal(file, `the text has ${text.length} characters, the limit is ${maxManifestLength}`);
  }
  let table: TomlTable;
  try {
    const parsed = parse(text, { integersAsBigInt: true, useLegacyDate: false, maxDepth: maxNesting });
    // Its types name all of Temporal
    table = parsed as TomlTable;
  } catch (error) {
    throw refusal(file, describe(error), error);
  }
  for (const [key, value] of Object.entries(table)) {
    if (isDeeper(value)) {
      const reason = `tables and lists are nested deeper than ${maxNesting}`;
      throw new ManifestError(file, [{ key: keyOf([key]), reason }]);
    }
  }
  return table;
}

/** Whether a value is a table. */
export function isTable(value: TomlValue | undefined): value is TomlTable {
  return typeof value === 'object' && !isList(value) && !isTime(value);
}

/** Whether a value is a list, an array of tables included. */
export function isList(value: TomlValue | undefined): value is readonly TomlValue[] {
  return Array.isArray(value);
}

/** Whether a value is a date, a time or both. */
export function isTime(value: TomlValue | undefined): value is TomlTime {
  return (
    value instanceof Temporal.ZonedDateTime ||
    value instanceof Temporal.PlainDateTime ||
    value instanceof Temporal.PlainDate ||
    value instanceof Temporal.PlainTime
  );
}

/** What a value is, for messages about what was found. */
export function kindOf(value: TomlValue): string {
  if (typeof value === 'string') return 'a string';
  if (typeof value === 'bigint') return 'an integer';
  if (typeof value === 'number') return 'a float';
  if (typeof value === 'boolean') return 'a boolean';
  if (isTime(value)) return 'a date or time';
  return isList(value) ? 'a list' : 'a table';
}

function describe(error: unknown): string {
  if (error instanceof TomlError) {
    // Behind the first line comes an excerpt of the text, which the message of one line has no room for.
    const [line = ''] = error.message.split('\n');
    const reason = line.replace(/^Invalid TOML document: /, '').replace(/^Temporal error: /, '');
    return `line ${error.line}, column ${error.column}: ${escapeUnprintable(reason)}`;
  }
  // The engine's stack, should the parser's own bound not hold.
  if (error instanceof RangeError) return 'tables and lists are nested too deep';
  return `not TOML: ${escapeUnprintable(String(error))}`;
}

function refusal(file: string, reason: string, cause?: unknown): ManifestError {
  return new ManifestError(file, [{ key: '', reason }], { cause });
}

/** Not recursive: dotted keys nest as deep as the text is long, past the parser's bound. */
function isDeeper(value: TomlValue): boolean {
  const open: [TomlValue, number][] = [[value, 1]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [current, depth] = next;
    if (typeof current !== 'object' || isTime(current)) continue;
    if (depth > maxNesting) return true;
    for (const child of Object.values<TomlValue>(current)) open.push([child, depth + 1]);
  }
  return false;
}
