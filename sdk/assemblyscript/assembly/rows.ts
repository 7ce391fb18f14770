import { log } from './log';
import { Kind, Reader } from './reader';

/** The code of a result that cannot be decoded: the one that the host has for what it cannot decode. */
const UNREADABLE: i32 = 3;

/** Shared by all rows: each value read sets it anew, and none keeps it. */
// @ts-ignore: a decorator of the AssemblyScript compiler, which TypeScript does not know
@lazy
const reader = new Reader(0, 0);

/** What a query gave. It is the plugin's own, and may be kept. */
export class Rows {
  /** How many rows there are. */
  length: i32 = 0;
  /** The names of the columns. */
  columns: string[] = [];
  private bytes: ArrayBuffer = new ArrayBuffer(0);
  private rowsAt: usize = 0;
  /** The row that was read last, and where it begins: rows are mostly read one after the other. */
  private lastIndex: i32 = 0;
  private lastAt: usize = 0;

  constructor(
    /** 0: it ran. 4: refused; 5: an SQL error, see `database.error()`; 99: not declared. */
    public code: i32,
  ) {}

  /** Whether the query ran. */
  get ok(): bool {
    return this.code == 0;
  }

  /** The row with an index from 0. Beyond the last it has no values. */
  at(index: i32): Row {
    if (index < 0 || index >= this.length) return new Row(this, 0, 0);
    if (index < this.lastIndex) {
      this.lastIndex = 0;
      this.lastAt = this.rowsAt;
    }
    const end = this.end;
    reader.reset(this.lastAt, end);
    for (; this.lastIndex < index; this.lastIndex++) reader.skip();
    this.lastAt = reader.at;
    return new Row(this, reader.at, end);
  }

  /** The first row, or null when there is none. */
  first(): Row | null {
    return this.length > 0 ? this.at(0) : null;
  }

  /** For the SDK: takes over the bytes that the host gave. */
  decode(bytes: ArrayBuffer): void {
    this.bytes = bytes;
    reader.reset(changetype<usize>(bytes), this.end);
    if (!this.enter() || !this.count()) {
      this.code = UNREADABLE;
      this.length = 0;
    }
  }

  /** For the SDK: the index of a column, -1 when there is none of that name. */
  indexOf(name: string): i32 {
    const index = this.columns.indexOf(name);
    if (index < 0) log.error("the query has no column " + name + ": there are " + this.columns.join(", "));
    return index;
  }

  /** Puts the reader before the rows: within `{columns, rows}`, or at the top where the manifest has it so. */
  private enter(): bool {
    if (reader.peek() == Kind.Array) return true;
    let rows: usize = 0;
    for (let left = reader.map(); left > 0 && reader.ok; left--) {
      const key = reader.text();
      if (key == "columns") {
        this.columns = [];
        for (let names = reader.array(); names > 0 && reader.ok; names--) this.columns.push(reader.text());
      } else {
        if (key == "rows") rows = reader.at;
        reader.skip();
      }
    }
    if (!reader.ok || rows == 0) return false;
    reader.reset(rows, this.end);
    return true;
  }

  /** Counts the rows and sees that each is one, so that nothing has to be checked when they are read. */
  private count(): bool {
    const length = i32(reader.array());
    this.rowsAt = this.lastAt = reader.at;
    for (let i = 0; i < length; i++) {
      if (reader.peek() != Kind.Array) return false;
      reader.skip();
    }
    this.length = length;
    return reader.ok;
  }

  private get end(): usize {
    return changetype<usize>(this.bytes) + this.bytes.byteLength;
  }
}

/**
 * One row. A column is named by its index from 0 or by its name: `row.text(0)`, `row.text("title")`. What is
 * NULL or of another kind reads as 0 or empty: `isNull` and `kind` tell. A name that the query does not have
 * does so too, with a line in the log.
 */
export class Row {
  /** For the SDK. */
  constructor(
    private rows: Rows,
    private start: usize,
    private end: usize,
  ) {}

  /** Text; of a BLOB its bytes as UTF-8. */
  text<C>(column: C): string {
    return this.seek<C>(column) ? reader.text() : "";
  }

  /** An integer of up to 64 bits; of a float its whole part. */
  int<C>(column: C): i64 {
    if (!this.seek<C>(column)) return 0;
    return reader.peek() == Kind.Float ? i64(reader.f64()) : reader.i64();
  }

  /** A float, or an integer as one. */
  float<C>(column: C): f64 {
    return this.seek<C>(column) ? reader.f64() : 0;
  }

  /** Whether an integer is not 0. */
  bool<C>(column: C): bool {
    return this.int<C>(column) != 0;
  }

  /** A BLOB, or the bytes of text. */
  bytes<C>(column: C): Uint8Array {
    return this.seek<C>(column) ? reader.bytes() : new Uint8Array(0);
  }

  /**
   * A point in time in milliseconds since 1970-01-01 UTC: `new Date(row.time("created"))`. Of columns that were
   * declared DATE, DATETIME or TIMESTAMP; SQL's own functions give text.
   */
  time<C>(column: C): i64 {
    return this.seek<C>(column) ? reader.time() : 0;
  }

  /** Whether it is NULL, or not there. */
  isNull<C>(column: C): bool {
    const kind = this.kind<C>(column);
    return kind == Kind.Nil || kind == Kind.None;
  }

  /** What it is: `Kind.Int`, `Float`, `Str`, `Bin`, `Nil`, or `Ext` for a point in time. */
  kind<C>(column: C): Kind {
    return this.seek<C>(column) ? reader.peek() : Kind.None;
  }

  /** Puts the reader before a value. */
  private seek<C>(column: C): bool {
    let index: i32;
    if (isString<C>()) index = this.rows.indexOf(changetype<string>(column));
    else index = i32(column);
    reader.reset(this.start, this.end);
    const count = reader.array();
    if (index < 0 || u32(index) >= count) return false;
    for (; index > 0; index--) reader.skip();
    return reader.ok;
  }
}
