import type { OptionsOf } from '../../ext.ts';
import { choice, count, NotAnOption, table } from '../option.ts';

const kib = 1024;
const mib = 1024 * kib;
const gib = 1024 * mib;

/** Pragmas whose value a manifest may choose, and what each may be; the first is the default. */
export const chosenPragmas = {
  journal_mode: ['wal', 'delete', 'persist', 'truncate'],
  synchronous: ['full', 'extra', 'normal', 'off'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Reads one entry of the manifest's `pragmas`. */
function chosenPragma(name: string, value: unknown): string {
  const words = Object.entries(chosenPragmas).find(([key]) => key === name)?.[1];
  if (words === undefined) {
    throw new NotAnOption(`is not one of ${Object.keys(chosenPragmas).join(', ')}, which may be chosen`);
  }
  const word = typeof value === 'string' ? value.toLowerCase() : undefined;
  const found = words.find((candidate) => candidate === word);
  if (found !== undefined) return found;
  throw new NotAnOption(`expected one of ${words.map((candidate) => JSON.stringify(candidate)).join(', ')}`);
}

/** The keys of `[storage.sqlite]` in a manifest. */
export const options = {
  /** Bytes of the database file. */
  max_bytes: count({ default: gib, min: 64 * kib, max: 2 ** 44 }),
  /** Bytes of the plugin's temporary tables. */
  max_temp_bytes: count({ default: 256 * mib, min: 64 * kib, max: 2 ** 44 }),
  /** Bytes of a string of statements. */
  max_sql_bytes: count({ default: mib, min: kib, max: 16 * mib }),
  /** Bytes of what one `sqlite_query` gives back, as the guest gets them. */
  max_result_bytes: count({ default: 64 * mib, min: kib, max: gib }),
  /** How long a call may take before the log says so, in milliseconds. */
  query_timeout_ms: count({ default: 30_000, min: 1, max: 2 ** 31 - 1 }),
  /** The form of a query's result; by the arity of the guest's `sqlite_exec` unless given. */
  rows: choice(['arrays', 'named'], { default: undefined }),
  /** What becomes of text that is a time, in a column declared so. */
  times: choice(['timestamp', 'text'], { default: 'timestamp' }),
  /** What `journal_mode` and `synchronous` are. */
  pragmas: table(chosenPragma),
};

/** What a manifest's `[storage.sqlite]` comes to. */
export type SqliteOptions = OptionsOf<typeof options>;
