import { encode } from '../../abi/msgpack/value.ts';
import { Writer } from '../../abi/msgpack/writer.ts';
import { SqlFailure } from './failure.ts';
import type { NativeStatement, Row, RowIterator, SqlValue } from './native.ts';
import { isTimeType, parseTime } from './times.ts';

/** How rows are given to the guest (contract section 1), and whether text that is a time becomes one. */
export interface RowForm {
  readonly named: boolean;
  readonly times: boolean;
  /** Most bytes of a result. */
  readonly maxBytes: number;
}

/** What the rows of a statement look like. */
export interface RowShape {
  /** Number of columns; 0 for a statement that has no rows. */
  readonly width: number;
  /** What comes before the rows. */
  readonly head: Uint8Array;
  /** The same, and behind it room for the header of the rows. */
  readonly prefix: Uint8Array;
  /** The columns whose text may be a time, where there are any. */
  readonly times: readonly boolean[] | undefined;
  /** How often SQLite had compiled the statement when this was read from it. */
  readonly compiled: number;
}

/** Bytes of the longest header of an array. */
const room = 5;

/** Reads the shape of a statement's rows. */
export function rowShape(native: NativeStatement, { named, times }: RowForm): RowShape {
  const columns = native.columns();
  const writer = new Writer(64);
  if (named) {
    writer.map(2);
    writer.utf8('columns');
    writer.array(columns.length);
    for (const { name } of columns) writer.utf8(name);
    writer.utf8('rows');
  }
  const timed = columns.map(({ type }) => times && isTimeType(type));
  const prefix = new Uint8Array(writer.length + room);
  prefix.set(writer.view());
  return {
    width: columns.length,
    head: prefix.subarray(0, writer.length),
    prefix,
    times: timed.includes(true) ? timed : undefined,
    compiled: native.stat('reprepare'),
  };
}

/** The result of a statement without rows. */
export function encodeNone({ head, prefix }: RowShape, { named }: RowForm): Uint8Array {
  // nil where the form has a map around it, else an empty array.
  prefix[head.length] = named ? 0xc0 : 0x90;
  return prefix.subarray(0, head.length + 1);
}

/** Writes rows as the guest gets them. One for each connection: its buffer is used again. */
export class RowEncoder {
  readonly form: RowForm;
  #writer = new Writer();

  constructor(form: RowForm) {
    this.form = form;
  }

  /** The result of a string without statements. */
  none(): Uint8Array {
    return this.form.named ? noStatement : noRows;
  }

  /** Encodes the only row of a statement that has no more, or none. Hot, as {@link encode}. */
  one(row: readonly SqlValue[] | undefined, shape: RowShape): Uint8Array {
    if (row === undefined) return encodeNone(shape, this.form);
    const writer = this.#begin(shape.head);
    writer.array(1);
    writeRow(writer, row, shape);
    return this.#end();
  }

  /**
   * Encodes all rows. They are fetched one by one, and it stops at the most bytes that a result may have: then
   * it throws code 5. The result is valid until the next call. Hot: bench/storage.ts.
   *
   * @param first The first row, already fetched.
   */
  encode(rows: RowIterator, first: Row, shape: RowShape): Uint8Array {
    let { done, value } = first;
    if (done || value === null) return encodeNone(shape, this.form);
    const writer = this.#begin(shape.prefix);
    let count = 0;
    try {
      while (!done && value !== null) {
        writeRow(writer, value, shape);
        count++;
        this.#check();
        ({ done, value } = rows.next());
      }
    } catch (error) {
      rows.return();
      throw error;
    }
    return withHeader(this.#end(), shape.head.length, count);
  }

  #begin(bytes: Uint8Array): Writer {
    const writer = this.#writer;
    writer.reset();
    writer.raw(bytes);
    return writer;
  }

  #check(): void {
    const { maxBytes } = this.form;
    if (this.#writer.length <= maxBytes) return;
    this.#writer = new Writer();
    throw new SqlFailure(`the result has more than the ${maxBytes} bytes of max_result_bytes`);
  }

  #end(): Uint8Array {
    this.#check();
    const result = this.#writer.view();
    // What is large is let go of as soon as the guest has it.
    if (result.length > kept) this.#writer = new Writer();
    return result;
  }
}

const kept = 256 * 1024;

const noRows = encode([]);
const noStatement = encode({ columns: [], rows: null });

/** Puts the header of an array between what comes before the rows and the rows, and leaves no gap. */
function withHeader(result: Uint8Array, head: number, count: number): Uint8Array {
  const size = count < 0x10 ? 1 : count < 0x1_0000 ? 3 : 5;
  const gap = room - size;
  const at = head + gap;
  result.copyWithin(gap, 0, head);
  if (size === 1) {
    result[at] = 0x90 | count;
  } else {
    result[at] = size === 3 ? 0xdc : 0xdd;
    for (let index = 1; index < size; index++) result[at + index] = count >>> (8 * (size - 1 - index));
  }
  return result.subarray(gap);
}

function writeRow(writer: Writer, row: readonly SqlValue[], { times }: RowShape): void {
  writer.array(row.length);
  if (times !== undefined) return writeTimedValues(writer, row, times);
  for (let index = 0; index < row.length; index++) writeValue(writer, row[index] ?? null);
}

function writeTimedValues(writer: Writer, row: readonly SqlValue[], times: readonly boolean[]): void {
  for (const [index, value] of row.entries()) {
    const time = typeof value === 'string' && times[index] === true ? parseTime(value) : undefined;
    if (time === undefined) writeValue(writer, value);
    else writer.timestamp(time);
  }
}

function writeValue(writer: Writer, value: SqlValue): void {
  if (typeof value === 'string') writer.utf8(value);
  else if (typeof value === 'bigint') writer.int64(value);
  else if (typeof value === 'number') writer.float64(value);
  else if (value === null) writer.nil();
  else writer.binary(value);
}
