import { Failure } from '../failure.ts';
import { Code } from '../codes.ts';
import { Extension } from './extension.ts';
import { Reader } from './reader.ts';
import { Timestamp, timestampType } from './timestamp.ts';
import { Writer } from './writer.ts';

/**
 * Any MessagePack value. Integer and float stay apart, since guests type-assert on them and SQLite stores
 * them differently: a bigint is an integer, a number is a float even when it is whole.
 */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | Timestamp
  | Extension
  | readonly Value[]
  | ReadonlyMap<Value, Value>;

/** What {@link encode} takes: a {@link Value}, a Date (as timestamp), or plain objects (as maps) of these. */
export type Encodable =
  | Value
  | Date
  | readonly Encodable[]
  | ReadonlyMap<Encodable, Encodable>
  | { readonly [key: string]: Encodable };

/** How deep arrays and maps may be nested, in both directions. */
export const maxDepth = 64;

export interface EncodeOptions {
  /**
   * How a bigint is written: in its smallest form (`smallest`, the default, −2^63 to 2^64−1) or always as
   * `d3` and 8 bytes (`int64`, as `[config]` and SQLite rows need it: contract section 3).
   */
  readonly integers?: 'smallest' | 'int64';
}

export interface DecodeOptions {
  /**
   * What an integer becomes: always a bigint (the default), or a number where that is exact (`number`), which
   * then cannot be told from a float.
   */
  readonly integers?: 'bigint' | 'number';
  /**
   * How many values, nested ones and map keys included, a message may have; 262,144 unless given. It bounds
   * memory: an empty map is one byte of message and some 200 bytes here.
   */
  readonly maxValues?: number;
}

/**
 * The MessagePack bytes of a value.
 *
 * Throws TypeError for what MessagePack cannot say (undefined, functions, symbols, objects of a class) and
 * RangeError for an integer that does not fit, an invalid Date, or nesting deeper than {@link maxDepth}, so
 * for a cycle, too.
 */
export function encode(value: Encodable, options?: EncodeOptions): Uint8Array {
  const writer = new Writer(256);
  encodeTo(writer, value, options);
  return writer.take();
}

/** As {@link encode}, behind what the writer has already. */
export function encodeTo(writer: Writer, value: Encodable, options?: EncodeOptions): void {
  write(writer, value, options?.integers === 'int64', 0);
}

function write(writer: Writer, value: Encodable | undefined, wide: boolean, depth: number): void {
  switch (typeof value) {
    case 'string':
      return writer.utf8(value);
    case 'bigint':
      return wide ? writer.int64(value) : writer.integer(value);
    case 'number':
      return writer.float64(value);
    case 'boolean':
      return writer.boolean(value);
    case 'object':
      return value === null ? writer.nil() : writeObject(writer, value, wide, depth);
    case 'undefined':
    case 'function':
    case 'symbol':
      throw new TypeError(`${typeof value} has no MessagePack form; use null for nothing`);
  }
}

function writeObject(writer: Writer, value: Encodable & object, wide: boolean, depth: number): void {
  if (value instanceof Uint8Array) return writer.binary(value);
  if (value instanceof Timestamp) return writer.timestamp(value);
  if (value instanceof Date) return writer.timestamp(Timestamp.from(value));
  if (value instanceof Extension) return writer.extension(value.type, value.data);
  if (depth === maxDepth) throw new RangeError(`value is nested deeper than ${maxDepth}, or contains itself`);
  if (isArray(value)) {
    writer.array(value.length);
    // By index: a hole in a sparse array is undefined, and refused.
    for (let index = 0; index < value.length; index++) {
      write(writer, value[index], wide, depth + 1);
    }
  } else if (isMap(value)) {
    writer.map(value.size);
    for (const [key, entry] of value) {
      write(writer, key, wide, depth + 1);
      write(writer, entry, wide, depth + 1);
    }
  } else if (isPlain(value)) {
    const keys = Object.keys(value);
    writer.map(keys.length);
    for (const key of keys) {
      writer.utf8(key);
      write(writer, value[key], wide, depth + 1);
    }
  } else {
    throw new TypeError('an object of a class has no MessagePack form; give a plain object or a Map');
  }
}

/** `Array.isArray` as a guard that knows readonly arrays. */
function isArray(value: object): value is readonly Encodable[] {
  return Array.isArray(value);
}

function isMap(value: object): value is ReadonlyMap<Encodable, Encodable> {
  return value instanceof Map;
}

function isPlain(value: object): value is { readonly [key: string]: Encodable } {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/**
 * The first value of a message; bytes behind it are ignored. The value is a copy: nothing of it refers to
 * `bytes`. Maps become a `Map`, so no key, `__proto__` included, touches a prototype; of a key given twice
 * the last counts.
 *
 * Throws a {@link Failure} with code 3 when the bytes are not MessagePack, text is not UTF-8, the nesting is
 * deeper than {@link maxDepth}, or there are more values than `maxValues`.
 */
export function decode(bytes: Uint8Array, options?: DecodeOptions): Value {
  const limits = { exact: options?.integers !== 'number', left: options?.maxValues ?? 262_144 };
  return read(new Reader(bytes), limits, 0);
}

interface Limits {
  readonly exact: boolean;
  left: number;
}

function read(reader: Reader, limits: Limits, depth: number): Value {
  if (limits.left-- <= 0) throw refuse(reader, 'the message has too many values');
  switch (reader.kind()) {
    case 'nil':
      reader.nil();
      return null;
    case 'boolean':
      return reader.boolean();
    case 'integer': {
      const integer = reader.integer();
      return limits.exact ? BigInt(integer) : integer;
    }
    case 'float':
      return reader.float();
    case 'text':
      return reader.utf8();
    case 'binary':
      return new Uint8Array(reader.bytes());
    case 'extension':
      return readExtension(reader);
    case 'array': {
      if (depth === maxDepth) throw tooDeep(reader);
      const values: Value[] = [];
      for (let left = reader.array(); left > 0; left--) values.push(read(reader, limits, depth + 1));
      return values;
    }
    case 'map': {
      if (depth === maxDepth) throw tooDeep(reader);
      const values = new Map<Value, Value>();
      for (let left = reader.map(); left > 0; left--) {
        const key = read(reader, limits, depth + 1);
        values.set(key, read(reader, limits, depth + 1));
      }
      return values;
    }
    case 'invalid':
      break;
  }
  throw refuse(reader, 'byte 0xc1 begins no value');
}

function readExtension(reader: Reader): Timestamp | Extension {
  const { type, data } = reader.extension();
  if (type !== timestampType) return new Extension(type, new Uint8Array(data));
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let seconds: bigint;
  let nanoseconds: number;
  if (data.length === 4) {
    seconds = BigInt(view.getUint32(0));
    nanoseconds = 0;
  } else if (data.length === 8) {
    const both = view.getBigUint64(0);
    seconds = both & 0x3_ffff_ffffn;
    nanoseconds = Number(both >> 34n);
  } else if (data.length === 12) {
    nanoseconds = view.getUint32(0);
    seconds = view.getBigInt64(4);
  } else {
    throw refuse(reader, `a timestamp has 4, 8 or 12 bytes, not ${data.length}`);
  }
  if (nanoseconds > 999_999_999) throw refuse(reader, `a timestamp has ${nanoseconds} nanoseconds`);
  return new Timestamp(seconds, nanoseconds);
}

function tooDeep(reader: Reader): Failure {
  return refuse(reader, `arrays and maps are nested deeper than ${maxDepth}`);
}

function refuse(reader: Reader, reason: string): Failure {
  return new Failure(Code.decode, `${reason} (at byte ${reader.offset})`);
}
