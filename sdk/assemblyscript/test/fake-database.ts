/**
 * An SQLite database in memory, behind the functions of `storage.sqlite`. One statement a call when it has
 * parameters; the real host runs several.
 */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { decode, encode, type Encodable, type Value } from '../../../runtime/src/abi/msgpack/value.ts';
import { Timestamp } from '../../../runtime/src/abi/msgpack/timestamp.ts';
import type { HostFunction } from './fake-host.ts';

const failed = 5;

/** An answer for each function, all of them on one database. */
export function fakeDatabase(): Record<string, HostFunction> {
  const database = new DatabaseSync(':memory:');
  let message = '';

  const attempt = (run: () => Encodable): Uint8Array | number => {
    try {
      return encode(run(), { integers: 'int64' });
    } catch (error) {
      message = error instanceof Error ? error.message : String(error);
      return failed;
    }
  };

  return {
    sqlite_exec: (sql = new Uint8Array(), parameters = new Uint8Array()) =>
      attempt(() => {
        const text = Buffer.from(sql).toString();
        const values = valuesOf(parameters);
        if (values.length === 0) database.exec(text);
        else database.prepare(text).run(...values);
        const counts = database.prepare('SELECT changes() AS c, last_insert_rowid() AS r');
        counts.setReadBigInts(true);
        const { c = 0n, r = 0n } = counts.get() ?? {};
        return { rows_affected: encodable(c), last_insert_id: encodable(r) };
      }),
    sqlite_query: (sql = new Uint8Array(), parameters = new Uint8Array()) =>
      attempt(() => {
        const statement = database.prepare(Buffer.from(sql).toString());
        statement.setReadBigInts(true);
        statement.setReturnArrays(true);
        const columns = statement.columns();
        const rows = statement.all(...valuesOf(parameters)) as unknown as unknown[][];
        return {
          columns: columns.map(({ name }) => name),
          rows:
            rows.length === 0
              ? null
              : rows.map((row) =>
                  row.map((value, i) =>
                    columns[i]?.type === 'DATETIME' && typeof value === 'string'
                      ? Timestamp.from(new Date(value))
                      : encodable(value),
                  ),
                ),
        };
      }),
    sqlite_error: () => Buffer.from(message),
  };
}

function valuesOf(bytes: Uint8Array): SQLInputValue[] {
  const values = bytes.length === 0 ? null : decode(bytes);
  return Array.isArray(values) ? values.map(toInput) : [];
}

function toInput(value: Value): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (value instanceof Timestamp) {
    const milliseconds = Number(value.seconds) * 1000 + value.nanoseconds / 1e6;
    return new Date(milliseconds).toISOString().replace('T', ' ').replace('Z', '+00:00');
  }
  if (value === null || typeof value === 'string' || typeof value === 'bigint') return value;
  if (typeof value === 'number' || value instanceof Uint8Array) return value;
  throw new TypeError('a parameter cannot be bound');
}

function encodable(value: unknown): Encodable {
  if (value === null || typeof value === 'string' || typeof value === 'bigint') return value;
  if (typeof value === 'number' || value instanceof Uint8Array) return value;
  throw new TypeError(`SQLite gave ${typeof value}`);
}
