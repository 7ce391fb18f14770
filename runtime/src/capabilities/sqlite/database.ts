import { DatabaseSync } from 'node:sqlite';
import { Authorizer } from './authorizer.ts';
import { prepareFile } from './database-file.ts';
import { resultCode } from './failure.ts';
import type { NativeDatabase, SqlValue } from './native.ts';
import type { SqliteOptions } from './options.ts';

/** How long SQLite waits for another process that has the database locked, in milliseconds. */
const busyTimeoutMs = 5000;
/** Bytes of a value or a stored row. */
export const maxValueBytes = 64 * 1024 * 1024;
/**
 * Bytes to which the write-ahead log is cut back once its content is in the database. A transaction makes it
 * as large as what it changes; SQLite begins to empty it at 1,000 pages.
 */
const keptLogBytes = 8 * 1024 * 1024;
/** Arguments of a function: each may be as large as a value. */
const maxArguments = 127;

export interface OpenDatabase {
  readonly native: NativeDatabase;
  readonly authorizer: Authorizer;
  readonly path: string;
  /** Whether the file has more bytes than it may have: then it cannot grow. */
  readonly oversized: boolean;
}

/**
 * Opens a plugin's database, which it makes if it is not there (contract section 8): one connection, with what
 * the manifest chose in force and every guard up. One that another driver made is used as it is.
 *
 * Throws an Error that names the file and says what to do: it is damaged, locked, or cannot be opened. Nothing
 * is ever deleted.
 */
export function openDatabase(folder: string, options: SqliteOptions): OpenDatabase {
  const path = prepareFile(folder);
  let native: NativeDatabase | undefined;
  try {
    native = connect(path, options);
    return { native, path, ...settle(native, options) };
  } catch (error) {
    close(native);
    throw new Error(`storage.sqlite: ${path} ${problem(error)}`, { cause: error });
  }
}

function connect(path: string, options: SqliteOptions): NativeDatabase {
  const database = new DatabaseSync(path, {
    readBigInts: true,
    returnArrays: true,
    allowBareNamedParameters: false,
    // As SQLite itself has them, and the Go driver: guests and their databases rely on it.
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true,
    allowExtension: false,
    defensive: true,
    timeout: busyTimeoutMs,
    limits: {
      length: maxValueBytes,
      sqlLength: options.max_sql_bytes,
      functionArg: maxArguments,
      // VACUUM needs one; the authorizer refuses all others.
      attach: 1,
    },
  });
  // With readBigInts and returnArrays it is what NativeDatabase says.
  return database as unknown as NativeDatabase;
}

/** Puts what the manifest chose in force, then the authorizer: from here on it asks about everything. */
function settle(native: NativeDatabase, { pragmas, max_bytes, max_temp_bytes }: SqliteOptions) {
  const mode = pragmas?.get('journal_mode') ?? 'wal';
  const found = single(native, `PRAGMA journal_mode = ${mode}`);
  if (found !== mode) throw new Error(`cannot have the journal mode ${mode}: it stays ${String(found)}`);
  native.exec(`PRAGMA synchronous = ${pragmas?.get('synchronous') ?? 'full'}`);
  native.exec(`PRAGMA journal_size_limit = ${keptLogBytes}`);
  const pageSize = Number(single(native, 'PRAGMA page_size'));
  const pages = (bytes: number): number => Math.max(1, Math.floor(bytes / pageSize));
  native.exec(`PRAGMA main.max_page_count = ${pages(max_bytes)}`);
  native.exec(`PRAGMA temp.max_page_count = ${pages(max_temp_bytes)}`);
  // Reads the whole schema, so that a damaged one is found now.
  single(native, 'SELECT count(*) FROM sqlite_schema');
  const oversized = Number(single(native, 'PRAGMA page_count')) > pages(max_bytes);
  const authorizer = new Authorizer();
  authorizer.pageSize = pageSize;
  (native as unknown as DatabaseSync).setAuthorizer(authorizer.check);
  return { authorizer, oversized };
}

/** The first value of the first row. */
export function single(native: NativeDatabase, sql: string): SqlValue | undefined {
  const statement = native.prepare(sql);
  try {
    const rows = statement.iterate();
    const { value } = rows.next();
    rows.return();
    return value?.[0];
  } finally {
    statement.close();
  }
}

/** Closes a database that may not be open any more; what it has to say then nobody needs. */
export function close(native: NativeDatabase | undefined): void {
  try {
    native?.close();
  } catch {
    // SQLite has let go of the file all the same.
  }
}

/** What is wrong with a file that could not be opened, and what to do. */
function problem(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  switch (resultCode(error) ?? 0) {
    case 5:
    case 6:
      return `is locked by another process (${message}): end that, and start again`;
    case 11:
    case 26:
      return (
        `is damaged, or is no database (${message}). It was left as it is. Put a backup in its place, or move ` +
        'it away, together with those of data.db-wal, data.db-shm and data.db-journal that are there, to begin with none'
      );
    case 8:
      return `cannot be written to (${message}): look at its owner and mode, and at the file system`;
    case 13:
      return `cannot be opened (${message}): make room on the file system`;
    default:
      return `cannot be opened: ${message}`;
  }
}
