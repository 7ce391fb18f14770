import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { Failure } from '../failure.ts';
import { Extension } from './extension.ts';
import { Timestamp } from './timestamp.ts';
import { type Encodable, type Value, decode, encode, encodeTo, maxDepth } from './value.ts';
import { Writer } from './writer.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

function refuses(message: string | Uint8Array, reason: RegExp): void {
  const input = typeof message === 'string' ? bytes(message) : message;
  assert.throws(
    () => decode(input),
    (error) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.code, 3);
      assert.match(error.message, reason);
      return true;
    },
  );
}

const nested = (depth: number): Encodable => {
  let value: Encodable = null;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
};

suite('encode', () => {
  test('writes a bigint as integer and a number as float, whole or not', () => {
    assert.equal(hex(encode([1n, 1, -1n, 0.5])), '9401cb3ff0000000000000ffcb3fe0000000000000');
  });

  test('writes every integer as int64 when asked to, and refuses what is wider', () => {
    const options = { integers: 'int64' } as const;
    assert.equal(
      hex(encode({ a: 1n, b: [-1n] }, options)),
      '82a161d30000000000000001a16291d3ffffffffffffffff',
    );
    assert.throws(() => encode(2n ** 63n, options), RangeError);
    assert.equal(hex(encode(2n ** 63n)), 'cf8000000000000000');
    assert.throws(() => encode(2n ** 64n), RangeError);
  });

  test('takes plain objects, with and without prototype, in the order of their keys', () => {
    const bare: Record<string, Encodable> = Object.create(null);
    bare['z'] = true;
    bare['a'] = null;
    assert.equal(hex(encode(bare)), '82a17ac3a161c0');
    assert.equal(hex(encode(JSON.parse('{"__proto__":null}'))), '81a95f5f70726f746f5f5fc0');
  });

  test('takes a Date for a timestamp', () => {
    assert.deepEqual(decode(encode(new Date(-1500))), new Timestamp(-2n, 500_000_000));
    assert.throws(() => encode(new Date(Number.NaN)), RangeError);
  });

  test('refuses what has no form, at any depth', () => {
    const sparse: unknown[] = [];
    sparse.length = 1;
    for (const value of [
      undefined,
      [undefined],
      sparse,
      { a: undefined },
      () => 0,
      Symbol('s'),
      new URL('http://a.example'),
      new Set(),
    ]) {
      assert.throws(() => Reflect.apply(encode, undefined, [value]), TypeError);
    }
  });

  test('refuses nesting beyond the limit, cycles included', () => {
    const deepest = encode(nested(maxDepth));
    assert.equal(deepest.length, maxDepth + 1);
    assert.ok(Array.isArray(decode(deepest)));
    assert.throws(() => encode(nested(maxDepth + 1)), RangeError);
    const cycle: Encodable[] = [];
    cycle.push(cycle);
    assert.throws(() => encode(cycle), RangeError);
  });

  test('goes on behind what a writer has', () => {
    const writer = new Writer();
    writer.array(2);
    encodeTo(writer, 'a');
    encodeTo(writer, 1n, { integers: 'int64' });
    assert.equal(hex(writer.view()), '92a161d30000000000000001');
  });
});

suite('decode', () => {
  test('gives integers as bigint and floats as number, whatever the width', () => {
    assert.deepEqual(decode(bytes('96 05 ff cd0100 cf0000000000000001 ca3f800000 cb4000000000000000')), [
      5n,
      -1n,
      256n,
      1n,
      1,
      2,
    ]);
  });

  test('gives integers as numbers when asked to, where that is exact', () => {
    assert.deepEqual(decode(bytes('93 05 cf0020000000000001 d3ffffffffffffffff'), { integers: 'number' }), [
      5,
      2n ** 53n + 1n,
      -1,
    ]);
  });

  test('ignores bytes behind the message', () => {
    assert.equal(decode(bytes('c3 c1 ff')), true);
  });

  test('copies bytes and extension data', () => {
    const input = bytes('92 c402 0102 d505 0304');
    const value = decode(input);
    input.fill(0);
    assert.deepEqual(value, [Uint8Array.of(1, 2), new Extension(5, Uint8Array.of(3, 4))]);
  });

  test('copies out of a Buffer, too', () => {
    const input = Buffer.from('c4020102', 'hex');
    const value = decode(input);
    input.fill(0);
    assert.deepEqual(value, Uint8Array.of(1, 2));
  });

  test('keeps keys that name parts of a prototype as ordinary keys', () => {
    const value = decode(
      encode(
        new Map([
          ['__proto__', new Map([['polluted', true]])],
          ['constructor', new Map()],
        ]),
      ),
    );
    assert.ok(value instanceof Map);
    assert.deepEqual([...value.keys()], ['__proto__', 'constructor']);
    assert.equal(Reflect.get({}, 'polluted'), undefined);
  });

  test('takes keys of any kind, and of a key given twice the last value', () => {
    const value = decode(bytes('85 01 a161 c0 a162 a178 01 a178 02 cb3ff0000000000000 03'));
    assert.deepEqual(
      value,
      new Map<Value, Value>([
        [1n, 'a'],
        [null, 'b'],
        ['x', 2n],
        [1, 3n],
      ]),
    );
  });

  test('refuses what is not a value, text that is not UTF-8, and ends that come too soon', () => {
    refuses('', /message ends/);
    refuses('c1', /0xc1 begins no value/);
    refuses('92 01', /message ends/);
    refuses('a1 ff', /not UTF-8/);
    refuses('dd ffffffff', /array of 4294967295/);
    refuses('df ffffffff c0', /map of 4294967295/);
    refuses('c6 ffffffff', /4294967295 bytes/);
  });

  test('refuses timestamps that are none', () => {
    refuses('d5 ff 0000', /4, 8 or 12 bytes, not 2/);
    refuses('c7 00 ff', /not 0/);
    refuses('d7 ff ffffffff 00000000', /1073741823 nanoseconds/);
    refuses('c7 0c ff 3b9aca00 0000000000000000', /1000000000 nanoseconds/);
  });

  test('refuses nesting beyond the limit, 10,000 deep and a million deep', () => {
    for (const depth of [maxDepth + 1, 10_000, 1_000_000]) {
      refuses(new Uint8Array(depth + 1).fill(0x91), /deeper than 64/);
      const maps = new Uint8Array(depth * 2 + 2).fill(0xc0);
      for (let level = 0; level < depth; level++) maps.set([0x81, 0x01], level * 2);
      refuses(maps, /deeper than 64/);
    }
  });

  test('bounds how many values it makes', () => {
    const many = new Uint8Array(300_005).fill(0x80);
    many.set([0xdd, 0, 4, 0x93, 0xe0]);
    refuses(many, /too many values/);
    const four = encode([null, null, null]);
    assert.deepEqual(decode(four, { maxValues: 4 }), [null, null, null]);
    assert.throws(() => decode(four, { maxValues: 3 }), Failure);
  });
});
