/**
 * The members of `node:sqlite` that are used, as they are with `readBigInts` and `returnArrays`: the published
 * types lack a few of them, and know rows as objects only.
 */

/** A value as SQLite is given it: a bigint is an INTEGER, a number is a REAL even when it is whole. */
export type SqlValue = null | bigint | number | string | Uint8Array;

/** What is bound: first an object for parameters with a name, if there are any, then the others in order. */
export type Bound = SqlValue | Readonly<Record<string, SqlValue>>;

export interface Row {
  readonly done: boolean;
  /** The values of a row; null when there is no more. */
  readonly value: readonly SqlValue[] | null;
}

export interface RowIterator {
  next(): Row;
  /** Resets the statement: it holds no lock any more. */
  return(): unknown;
}

export interface Column {
  readonly name: string;
  /** The type the column was declared with; null for an expression. */
  readonly type: string | null;
}

/** What `sqlite3_changes` and `sqlite3_last_insert_rowid` say. */
export interface Changes {
  readonly changes: bigint;
  readonly lastInsertRowid: bigint;
}

export interface NativeStatement {
  /** The statement's own text: what is behind its semicolon is not in it. */
  readonly sourceSQL: string;
  /** The first row, and the statement is reset. */
  get(...bound: readonly Bound[]): readonly SqlValue[] | undefined;
  /** Runs one step. */
  run(...bound: readonly Bound[]): Changes;
  iterate(...bound: readonly Bound[]): RowIterator;
  columns(): readonly Column[];
  /** `memused` in bytes; `reprepare` counts how often SQLite compiled it anew. */
  stat(counter: 'memused' | 'reprepare'): number;
  /** Frees it. It cannot be used again. */
  close(): void;
}

export interface NativeDatabase {
  readonly isTransaction: boolean;
  readonly limits: { length: number };
  prepare(sql: string): NativeStatement;
  exec(sql: string): void;
  close(): void;
}
