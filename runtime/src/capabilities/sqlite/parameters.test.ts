import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { array, bin, int, map, str } from '../../../../test/support/msgpack-bytes.ts';
import { encode } from '../../abi/msgpack/value.ts';
import { decodeParameters, maxParameterBytes, maxParameters } from './parameters.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const list = (...values: readonly Buffer[]): Buffer => array(values);

function refused(code: number, bytes: Uint8Array, why?: RegExp): void {
  assert.throws(() => decodeParameters(bytes), { name: 'Failure', code, ...(why && { message: why }) });
}

suite('a list of parameters', () => {
  test('is empty when there is none, nil, or an empty array', () => {
    for (const bytes of ['', 'c0', '90', 'dc 0000', 'dd 00000000', 'c0 ff']) {
      assert.deepEqual(decodeParameters(hex(bytes)), [], bytes);
    }
  });

  test('keeps the kind of every value', () => {
    for (const [bytes, value] of [
      ['c0', null],
      ['c2', 0n],
      ['c3', 1n],
      ['00', 0n],
      ['7f', 127n],
      ['ff', -1n],
      ['cc ff', 255n],
      ['cd ffff', 65_535n],
      ['ce ffffffff', 4_294_967_295n],
      ['cf 7fffffffffffffff', 2n ** 63n - 1n],
      ['d0 80', -128n],
      ['d1 8000', -32_768n],
      ['d2 80000000', -(2n ** 31n)],
      ['d3 8000000000000000', -(2n ** 63n)],
      ['d3 0020000000000001', 2n ** 53n + 1n],
      ['ca 3f800000', 1],
      ['cb 3ff0000000000000', 1],
      ['cb 7ff0000000000000', Infinity],
      ['cb 8000000000000000', -0],
      ['a0', ''],
      ['a3 61 00 62', 'a\0b'],
      ['a2 c3a9', 'é'],
      ['a4 f09f9880', '😀'],
      ['a3 efbbbf', '\ufeff'],
      ['d6 ff 695735a5', '2026-01-02 03:04:05+00:00'],
      ['c7 0c ff 00000001 ffffffffffffffff', '1969-12-31 23:59:59.000000001+00:00'],
    ] as const) {
      assert.deepEqual(decodeParameters(Buffer.concat([hex('91'), hex(bytes)])), [value], bytes);
    }
    assert.deepEqual(decodeParameters(list(bin('\0\xff'))), [Buffer.of(0, 255)]);
    assert.deepEqual(decodeParameters(list(bin(''))), [Buffer.of()]);
  });

  test('is cut off at as many as a statement may have, but read to its end', () => {
    const values = Buffer.concat([hex('dd 00030d40'), Buffer.alloc(200_000, 0x01)]);
    assert.equal(decodeParameters(values).length, maxParameters);
    refused(3, values.subarray(0, -1));
  });

  test('has nothing that a column cannot have: code 5, also among values that are too many', () => {
    refused(5, list(int(1), array([])), /parameter 2: is an array/);
    refused(5, list(map([])), /parameter 1: is a map/);
    refused(5, hex('91 cf 8000000000000000'), /9223372036854775808/);
    refused(5, hex('91 d4 05 00'), /extension/);
    refused(5, hex('91 c7 0c ff 00000000 7fffffffffffffff'), /year/);
    refused(5, Buffer.concat([hex('dc 8000'), Buffer.alloc(0x7fff, 0x01), hex('80')]), /32768: is a map/);
  });

  test('is code 3 when it is no list, or cannot be decoded', () => {
    for (const bytes of [
      '01',
      'a1 61',
      'c4 00',
      '80',
      'c2',
      'cb 3ff0000000000000',
      'c1',
      '91',
      '91 c1',
      '91 a2 61',
    ]) {
      refused(3, hex(bytes));
    }
    refused(3, list(str('\xff')), /UTF-8/);
    refused(3, list(str('x'.repeat(100) + '\xed\xa0\x80')), /UTF-8/);
    refused(3, hex('91 d4 ff 00'), /timestamp/);
  });

  test('that claims four billion values or bytes is refused before anything is allocated', () => {
    for (const bytes of [
      'dd ffffffff 01 01',
      '91 db ffffffff',
      '91 c6 ffffffff',
      '91 c9 ffffffff ff',
      'dd 00000002 dd ffffffff',
    ]) {
      const before = process.memoryUsage.rss();
      assert.throws(() => decodeParameters(hex(bytes)), { name: 'Failure' });
      assert.ok(process.memoryUsage.rss() - before < 2 ** 28, bytes);
    }
  });

  test('has a bound of its own, since texts are copied into the heap', () => {
    const bytes = Buffer.alloc(maxParameterBytes + 1);
    bytes.set(encode([null]));
    assert.deepEqual(decodeParameters(bytes.subarray(0, maxParameterBytes)), [null]);
    refused(5, bytes, /at most/);
  });
});
