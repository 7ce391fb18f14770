/**
 * Schemas for the options of the built-in capabilities, by the Standard Schema interface. Few kinds are
 * needed, so no library is loaded into every plugin thread for them.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';

type Schema<T> = StandardSchemaV1<unknown, T>;

/** A schema from a function that gives the value, or throws a {@link NotAnOption}. */
function schema<T>(read: (value: unknown) => T): Schema<T> {
  const validate = (value: unknown): StandardSchemaV1.Result<T> => {
    try {
      return { value: read(value) };
    } catch (error) {
      if (error instanceof NotAnOption) return { issues: [error.issue] };
      throw error;
    }
  };
  return { '~standard': { version: 1, vendor: 'pulp', validate } };
}

/** A value that cannot be the option: the message says what would do. */
export class NotAnOption extends Error {
  readonly issue: StandardSchemaV1.Issue;

  constructor(message: string, path: readonly (string | number)[] = []) {
    super(message);
    this.name = 'NotAnOption';
    this.issue = { message, path };
  }
}

export interface CountRange {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

/** A whole number: a count, bytes or milliseconds. */
export function count({ default: fallback, min, max }: CountRange): Schema<number> {
  return schema((value = fallback) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max)
      return value;
    throw new NotAnOption(`expected a whole number from ${min} to ${max}`);
  });
}

/** `true` or `false`. */
export function flag(options: { readonly default: boolean }): Schema<boolean> {
  return schema((value = options.default) => {
    if (typeof value === 'boolean') return value;
    throw new NotAnOption('expected true or false');
  });
}

/** One of a few words; undefined when it is left out and has no default. */
export function choice<const W extends string, const D extends W | undefined>(
  words: readonly W[],
  options: { readonly default: D },
): Schema<W | D> {
  return schema((value = options.default) => {
    if (value === options.default) return options.default;
    const found = words.find((word) => word === value);
    if (found !== undefined) return found;
    throw new NotAnOption(`expected one of ${words.map((word) => JSON.stringify(word)).join(', ')}`);
  });
}

export interface ListOf<T> {
  /** Most entries that the list may have. */
  readonly most: number;
  /** Reads an entry; throws a {@link NotAnOption} for one that cannot be. */
  readonly entry: (text: string) => T;
}

/** A list of texts, each read into a value; undefined when it is left out. */
export function list<T>({ most, entry }: ListOf<T>): Schema<readonly T[] | undefined> {
  return schema((value) => {
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw new NotAnOption('expected a list of texts');
    if (value.length > most) throw new NotAnOption(`expected at most ${most} entries`);
    return value.map((text: unknown, index) => {
      if (typeof text !== 'string') throw new NotAnOption('expected a text', [index]);
      try {
        return entry(text);
      } catch (error) {
        if (error instanceof NotAnOption) throw new NotAnOption(error.message, [index]);
        throw error;
      }
    });
  });
}

/** A table of texts to texts, each pair checked; undefined when it is left out. */
export function table<T>(
  read: (key: string, value: unknown) => T,
): Schema<ReadonlyMap<string, T> | undefined> {
  return schema((value) => {
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new NotAnOption('expected a table');
    }
    return new Map(
      Object.entries(value).map(([key, entry]) => {
        try {
          return [key, read(key, entry)];
        } catch (error) {
          if (error instanceof NotAnOption) throw new NotAnOption(error.message, [key]);
          throw error;
        }
      }),
    );
  });
}
