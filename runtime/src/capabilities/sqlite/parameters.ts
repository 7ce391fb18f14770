import { Code } from '../../abi/codes.ts';
import { decode } from '../../abi/msgpack/value.ts';
import { Reader } from '../../abi/msgpack/reader.ts';
import { Timestamp } from '../../abi/msgpack/timestamp.ts';
import { Failure } from '../../ext.ts';
import { SqlFailure } from './failure.ts';
import type { SqlValue } from './native.ts';
import { formatTime } from './times.ts';

/** Most parameters a statement may have, which is SQLite's own number; further values are not kept. */
export const maxParameters = 32_766;
/** Bytes of a list of parameters. It bounds what the texts in it take of the thread's heap. */
export const maxParameterBytes = 64 * 1024 * 1024;

const maxInteger = 2n ** 63n - 1n;

/**
 * Reads a list of parameters: each keeps its kind (contract sections 3 and 8). Nothing at all and nil are an
 * empty list. What is no list, or cannot be decoded, is code 3; a value that SQLite cannot have is code 5.
 * Blobs are views of the input.
 */
export function decodeParameters(bytes: Uint8Array): SqlValue[] {
  const values: SqlValue[] = [];
  if (bytes.length === 0) return values;
  if (bytes.length > maxParameterBytes) {
    throw new SqlFailure(`parameters of ${bytes.length} bytes; at most ${maxParameterBytes} are taken`);
  }
  const reader = new Reader(bytes);
  if (reader.isNil()) return values;
  const count = reader.array();
  for (let index = 0; index < count; index++) {
    const value = readValue(reader, index);
    if (index < maxParameters) values.push(value);
  }
  return values;
}

function readValue(reader: Reader, index: number): SqlValue {
  const kind = reader.kind();
  switch (kind) {
    case 'text':
      return reader.utf8();
    case 'integer': {
      const value = BigInt(reader.integer());
      if (value > maxInteger) throw refused(index, `${value} is more than 64 bits with a sign can hold`);
      return value;
    }
    case 'float':
      return reader.float();
    case 'binary':
      return reader.bytes();
    case 'nil':
      reader.nil();
      return null;
    case 'boolean':
      return reader.boolean() ? 1n : 0n;
    case 'extension':
      return readTime(reader, index);
    case 'array':
    case 'map':
      throw refused(index, `is ${kind === 'map' ? 'a map' : 'an array'}, which no column can have`);
    case 'invalid':
      break;
  }
  throw new Failure(Code.decode, `parameter ${index + 1}: byte ${reader.offset} begins no value`);
}

/** A timestamp as text (contract section 8). Other extensions have no form in SQLite. */
function readTime(reader: Reader, index: number): string {
  const start = reader.offset;
  reader.skip();
  const value = decode(reader.input.subarray(start, reader.offset));
  if (!(value instanceof Timestamp)) throw refused(index, 'is an extension other than a timestamp');
  const text = formatTime(value);
  if (text === undefined) throw refused(index, 'is a time outside the years 0000 to 9999');
  return text;
}

function refused(index: number, why: string): SqlFailure {
  return new SqlFailure(`parameter ${index + 1}: ${why}`);
}
