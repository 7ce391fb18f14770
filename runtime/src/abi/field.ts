import { Failure } from './failure.ts';
import { Code } from './codes.ts';
import type { Reader } from './msgpack/reader.ts';

/** How one field of a struct is read, and what it is when the guest leaves it out or sends nil. */
export interface Field<out T> {
  readonly initial: T;
  read(reader: Reader): T;
}

/**
 * A header as a guest gave it: the name and one value or more, all of them binary strings (one UTF-16 unit, 0
 * to 255, for each byte). Nothing is checked yet: either may hold CR, LF or NUL.
 */
export type HeaderField = readonly [name: string, values: readonly string[]];

/**
 * Most entries of one list of headers or texts. Far beyond what HTTP lets through, it bounds what one
 * message can make the host allocate: an entry takes two bytes of message and some 100 here.
 */
export const maxEntries = 65_536;

/** From this many headers on, names that come twice are found by a Map and no longer one by one. */
const manyHeaders = 16;

const noBytes = new Uint8Array(0);
const noTexts: readonly string[] = Object.freeze([]);
const noHeaders: readonly HeaderField[] = Object.freeze([]);

/** The kinds of field that the structs of contract section 5 have. */
export const field = {
  /**
   * An unsigned integer: ids, counts, sizes. Exact up to 2^53, beyond that the nearest number. A negative one
   * stays negative, so it equals no id.
   */
  uint(initial = 0): Field<number> {
    return { initial, read: (reader) => reader.roundedInteger() };
  },

  /** A signed integer. Exact between −2^53 and 2^53, beyond that the nearest number. */
  int(initial = 0): Field<number> {
    return { initial, read: (reader) => reader.roundedInteger() };
  },

  /** Bytes, empty unless given: a view of the input, which dies with it. Copy it to keep it. */
  bytes(): Field<Uint8Array> {
    return { initial: noBytes, read: (reader) => reader.bytes() };
  },

  /** Text as a binary string, empty unless given: one UTF-16 unit, 0 to 255, for each byte. */
  text(): Field<string> {
    return { initial: '', read: (reader) => reader.text() };
  },

  /** Text, empty unless given. What is not UTF-8 is a failure with code 3. */
  utf8(): Field<string> {
    return { initial: '', read: (reader) => reader.utf8() };
  },

  /** Whether something is so; false unless given. */
  boolean(): Field<boolean> {
    return { initial: false, read: (reader) => reader.boolean() };
  },

  /** A list of texts as binary strings, empty unless given; nil in it is an empty text. */
  texts(): Field<readonly string[]> {
    return { initial: noTexts, read: readTexts };
  },

  /**
   * A map of header names to values, in the order of the message, empty unless given. A value is text or a
   * list of texts, nil is an empty text. Of a name given twice, byte for byte, the last value counts, at the
   * place of the first; names that differ in letter case only stay apart.
   */
  headers(): Field<readonly HeaderField[]> {
    return { initial: noHeaders, read: readHeaders };
  },
} as const;

function readText(reader: Reader): string {
  return reader.isNil() ? '' : reader.text();
}

function readTexts(reader: Reader): readonly string[] {
  const count = bounded(reader.array(), reader);
  const texts: string[] = [];
  for (let index = 0; index < count; index++) texts.push(readText(reader));
  return texts;
}

function readValues(reader: Reader): readonly string[] {
  return reader.kind() === 'array' ? readTexts(reader) : [readText(reader)];
}

function readHeaders(reader: Reader): readonly HeaderField[] {
  const count = bounded(reader.map(), reader);
  const headers: HeaderField[] = [];
  const places = count >= manyHeaders ? new Map<string, number>() : undefined;
  for (let index = 0; index < count; index++) {
    const name = reader.text();
    const header: HeaderField = [name, readValues(reader)];
    const place = places === undefined ? indexOf(headers, name) : (places.get(name) ?? -1);
    if (place >= 0) {
      headers[place] = header;
    } else {
      places?.set(name, headers.length);
      headers.push(header);
    }
  }
  return headers;
}

function indexOf(headers: readonly HeaderField[], name: string): number {
  for (let index = 0; index < headers.length; index++) {
    if (headers[index]?.[0] === name) return index;
  }
  return -1;
}

function bounded(count: number, reader: Reader): number {
  if (count > maxEntries) {
    throw new Failure(
      Code.decode,
      `${count} entries at byte ${reader.offset}; at most ${maxEntries} are read`,
    );
  }
  return count;
}
