import { Buffer } from 'node:buffer';
import { encode } from '../../abi/msgpack/value.ts';
import { Failure, type GuestContext, type GuestEnd } from '../../ext.ts';
import { Connection } from './connection.ts';
import { openDatabase } from './database.ts';
import { SqlFailure } from './failure.ts';
import type { Changes } from './native.ts';
import type { SqliteOptions } from './options.ts';

/** Bytes of the text that `sqlite_error` gives. */
export const maxErrorBytes = 4096;
/** Bytes of a statement in the log. */
const maxShownSql = 200;

type Functions = {
  readonly sqlite_exec: { readonly params: readonly ['in', 'in?']; readonly optional: readonly ['out'] };
  readonly sqlite_query: { readonly params: readonly ['in', 'in?', 'out'] };
  readonly sqlite_error: { readonly params: readonly ['out'] };
};

/**
 * The guest end: opens the plugin's database and runs its SQL in the plugin's own thread. Throws when the
 * database cannot be opened, so that the plugin does not start.
 */
export function guest(context: GuestContext<SqliteOptions>): GuestEnd<Functions> {
  const { options, log, folder, scope } = context;
  const database = openDatabase(folder, options);
  const { path } = database;
  if (database.oversized) {
    log.warn('storage.sqlite over its quota', { path, max_bytes: options.max_bytes });
  }
  const connection = new Connection(database, {
    maxSqlBytes: options.max_sql_bytes,
    form: {
      named: (options.rows ?? (context.arity('sqlite_exec') === 4 ? 'arrays' : 'named')) === 'named',
      times: options.times === 'timestamp',
      maxBytes: options.max_result_bytes,
    },
  });
  scope.defer(() => {
    if (connection.inTransaction) log.warn('storage.sqlite rolled back', { path });
    connection.close();
  });
  log.info('storage.sqlite ready', { path });

  let lastError: Uint8Array = new Uint8Array(0);
  let damageTold = false;

  /** Notes why a call failed. */
  const failed = (error: unknown): unknown => {
    if (!(error instanceof Failure)) return error;
    lastError = cut(Buffer.from(error.message), maxErrorBytes);
    if (error instanceof SqlFailure && error.damaged && !damageTold) {
      damageTold = true;
      log.error('storage.sqlite is damaged', { path, reason: error.message });
    }
    return error;
  };

  const { native } = context;
  const limitMs = options.query_timeout_ms;

  /** A call is over. Says so when it took longer than it should. */
  const end = (sql: Uint8Array): void => {
    const ms = native.end();
    if (ms > limitMs) log.warn('storage.sqlite call took long', { ms: Math.round(ms), sql: shown(sql) });
  };

  const answers = context.arity('sqlite_exec') !== 4;
  return {
    functions: {
      sqlite_exec(sql: Uint8Array, parameters: Uint8Array) {
        native.begin(sql, limitMs);
        try {
          connection.execute(sql, parameters);
          return answers ? encodeChanges(connection.changes) : undefined;
        } catch (error) {
          throw failed(error);
        } finally {
          end(sql);
        }
      },
      sqlite_query(sql: Uint8Array, parameters: Uint8Array) {
        native.begin(sql, limitMs);
        try {
          return connection.query(sql, parameters);
        } catch (error) {
          throw failed(error);
        } finally {
          end(sql);
        }
      },
      sqlite_error: () => lastError,
    },
  };
}

/** What `sqlite_exec` gives, with zeros for the numbers. */
const changed = Uint8Array.from(encode({ rows_affected: 0n, last_insert_id: 0n }, { integers: 'int64' }));
const changedView = new DataView(changed.buffer);
/** Where the numbers are: behind the header of the map, the first key and the header of its value, and so on. */
const affectedAt = 1 + 'x'.length + 'rows_affected'.length + 1;
const lastIdAt = affectedAt + 8 + 'x'.length + 'last_insert_id'.length + 1;

function encodeChanges({ changes, lastInsertRowid }: Changes): Uint8Array {
  changedView.setBigInt64(affectedAt, changes);
  changedView.setBigInt64(lastIdAt, lastInsertRowid);
  return changed;
}

/** As much of a text in UTF-8 as fits, whole characters only. */
function cut(bytes: Uint8Array, most: number): Uint8Array {
  if (bytes.length <= most) return bytes;
  // A byte that goes on with a character is no place to cut.
  let end = most;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

/** The beginning of a statement for the log. */
function shown(sql: Uint8Array): string {
  const text = Buffer.from(cut(sql, maxShownSql)).toString();
  return sql.length > maxShownSql ? `${text}…` : text;
}
