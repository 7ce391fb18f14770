import type { StandardSchemaV1 } from '@standard-schema/spec';
import { escapeUnprintable } from '../log/escape.ts';
import { reasonOf } from '../log/reason.ts';
import type { ProblemList } from './manifest-error.ts';
import type { Declarable } from './option-tables.ts';
import { type KeyPath, keyOf } from './shown.ts';
import { isList, isTable, isTime, type TomlTable, type TomlTime, type TomlValue } from './toml.ts';

/**
 * The options of one capability: every key of its shape, as the key's schema gives it. A key that the table
 * lacks is validated as undefined, so that defaults apply. Keys that the shape lacks are not looked at.
 *
 * Schemas get integers as numbers where that is exact, otherwise as bigints; dates as `Date`, local ones taken
 * as UTC; a time without a date as text; and tables as objects without a prototype.
 */
export function validateOptions(
  capability: Declarable,
  table: TomlTable,
  problems: ProblemList,
): Readonly<Record<string, unknown>> {
  const options: [string, unknown][] = [];
  for (const [key, schema] of Object.entries(capability.options ?? {})) {
    const path = [...capability.name.split('.'), key];
    const value = Object.hasOwn(table, key) ? table[key] : undefined;
    const before = problems.all.length;
    const input = value === undefined ? undefined : toInput(value, path, problems);
    if (problems.all.length > before) continue;
    const result = validate(schema, input, capability.name);
    if (result.issues === undefined) options.push([key, result.value]);
    for (const { path: inner, message } of result.issues ?? []) {
      problems.add(keyOf([...path, ...within(inner)]), escapeUnprintable(message));
    }
  }
  return Object.fromEntries(options);
}

/** Whatever a schema does wrong is a problem that names its capability, never an exception of its own. */
function validate(schema: StandardSchemaV1, input: unknown, name: string): StandardSchemaV1.Result<unknown> {
  try {
    const result = schema['~standard'].validate(input);
    if (result instanceof Promise) {
      // Nobody waits for it, and its rejection must not end the process.
      result.catch(() => {});
      return fault(`the capability ${name} is at fault: its schema answers asynchronously`);
    }
    if (result.issues !== undefined || canBeSent(result.value)) return result;
    return fault(`the capability ${name} is at fault: its schema gives what cannot be sent to a thread`);
  } catch (error) {
    const thrown = error instanceof Error ? String(error) : reasonOf(error);
    return fault(`the capability ${name} is at fault: its schema throws ${thrown}`);
  }
}

/** Options go to the plugin's thread: no functions, for example. */
function canBeSent(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

function fault(message: string): StandardSchemaV1.FailureResult {
  return { issues: [{ message }] };
}

/** Where inside a value an issue is. */
function within(path: StandardSchemaV1.Issue['path'] = []): KeyPath {
  return path
    .map((segment) => (typeof segment === 'object' ? segment.key : segment))
    .map((key) => (typeof key === 'number' ? key : String(key)));
}

/** Recursion is bounded by the parser's `maxNesting`. */
function toInput(value: TomlValue, path: KeyPath, problems: ProblemList): unknown {
  if (typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) !== value)
      problems.add(keyOf(path), 'the integer does not fit into 64 bits');
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (isTime(value)) return toDate(value);
  if (isList(value)) return value.map((entry, index) => toInput(entry, [...path, index], problems));
  if (!isTable(value)) return value;
  const object: Record<string, unknown> = Object.create(null);
  for (const [key, entry] of Object.entries(value)) object[key] = toInput(entry, [...path, key], problems);
  return object;
}

function toDate(time: TomlTime): Date | string {
  if (time instanceof Temporal.PlainTime) return time.toString();
  const zoned = time instanceof Temporal.ZonedDateTime ? time : time.toZonedDateTime('UTC');
  return new Date(zoned.epochMilliseconds);
}
