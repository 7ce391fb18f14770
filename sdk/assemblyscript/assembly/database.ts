import { sqliteError, sqliteExec, sqliteQuery } from './host';
import { hostResult } from './host-result';
import { MapView } from './map-view';
import { Parameters } from './parameters';
import { Rows } from './rows';
import { decodeText } from './utf8';
import { Writer } from './writer';

/** The code of a result that cannot be decoded: the one that the host has for what it cannot decode. */
const UNREADABLE: i32 = 3;

/** Reused for the values of every statement. */
// @ts-ignore: a decorator of the AssemblyScript compiler, which TypeScript does not know
@lazy
const writer = new Writer();

/**
 * The plugin's own SQLite database. It has one connection, so BEGIN and COMMIT work from one call to the next.
 *
 * The capability `storage.sqlite` must be declared. A statement that fails is a result with a code, never an
 * exception, and what ran before it in the same text stays.
 */
export namespace database {
  /**
   * Runs statements that give no rows.
   *
   * @param sql One statement or several. What comes from outside belongs into `parameters`, never in here.
   * @param parameters The values for `?`: see `bind`. Each statement begins with the first of them.
   */
  export function exec(sql: string, parameters: Parameters | null = null): ExecResult {
    const text = String.UTF8.encode(sql, false, String.UTF8.ErrorMode.REPLACE);
    encode(parameters);
    const code = sqliteExec(
      changetype<usize>(text), text.byteLength, writer.start, writer.size, hostResult.pointerOut(), hostResult.lengthOut(),
    );
    writer.reset();
    const result = new ExecResult(i32(code));
    if (code == 0) result.decode(hostResult.start(), hostResult.size());
    hostResult.free();
    return result;
  }

  /** Runs statements and gives the rows of the last one: see `exec`. */
  export function query(sql: string, parameters: Parameters | null = null): Rows {
    const text = String.UTF8.encode(sql, false, String.UTF8.ErrorMode.REPLACE);
    encode(parameters);
    const code = sqliteQuery(
      changetype<usize>(text), text.byteLength, writer.start, writer.size, hostResult.pointerOut(), hostResult.lengthOut(),
    );
    writer.reset();
    const rows = new Rows(i32(code));
    if (code == 0) rows.decode(hostResult.copy());
    hostResult.free();
    return rows;
  }

  /** What SQLite said of the last call that failed, such as `no such table: notes`; nothing when none has. */
  export function error(): string {
    if (sqliteError(hostResult.pointerOut(), hostResult.lengthOut()) != 0) return "";
    const text = decodeText(hostResult.start(), hostResult.size());
    hostResult.free();
    return text;
  }

  function encode(parameters: Parameters | null): void {
    writer.reset();
    if (parameters !== null) parameters.encode(writer);
  }
}

/** What statements without rows came to. */
export class ExecResult {
  /** How many rows the last INSERT, UPDATE or DELETE touched, one of an earlier call if this had none. */
  rowsAffected: i64 = 0;
  /** The rowid of the last INSERT, one of an earlier call if this had none. */
  lastInsertId: i64 = 0;

  constructor(
    /** 0: it ran. 4: refused; 5: an SQL error, see `database.error()`; 99: not declared. */
    public code: i32,
  ) {}

  /** Whether all statements ran. */
  get ok(): bool {
    return this.code == 0;
  }

  /** For the SDK: reads what `sqlite_exec` gave. */
  decode(start: usize, size: usize): void {
    const fields = new MapView(start, start + size);
    if (!fields.whole) {
      this.code = UNREADABLE;
      return;
    }
    this.rowsAffected = fields.i64("rows_affected");
    this.lastInsertId = fields.i64("last_insert_id");
  }
}
