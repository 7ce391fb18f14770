/** The public vectors of npm's `msgpack-test-suite`, in both directions. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import vectors from 'msgpack-test-suite' with { type: 'json' };

import { Extension } from './extension.ts';
import { Timestamp } from './timestamp.ts';
import { type Value, decode, encode } from './value.ts';

/** One vector: a value under the name of its type, and all its encodings, bytes separated by `-`. */
interface Vector {
  readonly msgpack: readonly string[];
  readonly nil?: null;
  readonly bool?: boolean;
  readonly binary?: string;
  readonly number?: number;
  readonly bignum?: string;
  readonly string?: string;
  readonly array?: readonly unknown[];
  readonly map?: object;
  readonly timestamp?: readonly number[];
  readonly ext?: readonly (string | number)[];
}

const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll('-', ''), 'hex'));

/** JSON as the vectors use it: every whole number in it stands for an integer. */
function fromJson(json: unknown): Value {
  if (typeof json === 'number') return Number.isInteger(json) ? BigInt(json) : json;
  if (typeof json === 'string' || typeof json === 'boolean' || json === null) return json;
  if (Array.isArray(json)) return json.map(fromJson);
  assert.ok(typeof json === 'object');
  return new Map(Object.entries(json).map(([key, value]) => [key, fromJson(value)]));
}

function valueOf(vector: Vector): Value {
  if (vector.bignum !== undefined) return BigInt(vector.bignum);
  if (vector.binary !== undefined) return unhex(vector.binary);
  if (vector.timestamp !== undefined) {
    const [seconds = 0, nanoseconds = 0] = vector.timestamp;
    return new Timestamp(BigInt(seconds), nanoseconds);
  }
  if (vector.ext !== undefined) {
    const [type, data] = vector.ext;
    return new Extension(Number(type), unhex(String(data)));
  }
  for (const key of ['nil', 'bool', 'number', 'string', 'array', 'map'] as const) {
    if (vector[key] !== undefined) return fromJson(vector[key]);
  }
  throw new Error(`a vector of a type that is not known: ${JSON.stringify(vector)}`);
}

/** An integer may also be encoded as a float in the vectors; that decodes to the number. */
const isFloat = (bytes: Uint8Array): boolean => bytes[0] === 0xca || bytes[0] === 0xcb;

for (const [file, list] of Object.entries<readonly Vector[]>(vectors)) {
  suite(`msgpack-test-suite ${file}`, () => {
    assert.ok(list.length > 0);
    for (const vector of list) {
      const value = valueOf(vector);
      const encodings = vector.msgpack.map(unhex);

      test(`reads every encoding of ${JSON.stringify({ ...vector, msgpack: undefined })}`, () => {
        assert.ok(encodings.length > 0);
        for (const bytes of encodings) {
          const expected = typeof value === 'bigint' && isFloat(bytes) ? Number(value) : value;
          assert.deepEqual(decode(bytes), expected, Buffer.from(bytes).toString('hex'));
        }
      });

      test(`writes one of the encodings of ${JSON.stringify({ ...vector, msgpack: undefined })}`, () => {
        const written = Buffer.from(encode(value)).toString('hex');
        const listed = encodings.map((bytes) => Buffer.from(bytes).toString('hex'));
        assert.ok(listed.includes(written), `${written} is none of ${listed.join(', ')}`);
      });
    }
  });
}
