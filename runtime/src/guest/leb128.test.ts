import { suite, test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { BinaryReader } from './binary-reader.ts';
import { encodeUnsigned } from './leb128.ts';
import { ModuleError } from './module-error.ts';

const reader = (...bytes: number[]) =>
  new BinaryReader(Uint8Array.from(bytes), { name: 'm', part: 'test', base: 100 });

suite('LEB128', () => {
  test('every unsigned integer that is written is read back', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        assert.equal(reader(...encodeUnsigned(value)).u64(), value);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (value) => {
        assert.equal(reader(...encodeUnsigned(value)).u32(), value);
      }),
    );
  });

  test('integers are written in as few bytes as they need', () => {
    assert.deepEqual([...encodeUnsigned(0)], [0]);
    assert.deepEqual([...encodeUnsigned(127)], [127]);
    assert.deepEqual([...encodeUnsigned(128)], [0x80, 1]);
    assert.deepEqual([...encodeUnsigned(0xffff_ffff)], [0xff, 0xff, 0xff, 0xff, 0x0f]);
  });

  test('what is no unsigned integer is not written', () => {
    for (const value of [-1, 0.5, NaN, 2 ** 53]) assert.throws(() => encodeUnsigned(value), RangeError);
  });

  test('padded integers are read, as linkers write them', () => {
    assert.equal(reader(0x85, 0x80, 0x80, 0x80, 0x00).u32(), 5);
  });

  test('integers wider than their type are refused', () => {
    const malformed = { name: 'ModuleError', code: 'malformed' };
    assert.throws(() => reader(0xff, 0xff, 0xff, 0xff, 0x1f).u32(), malformed);
    assert.throws(() => reader(0x80, 0x80, 0x80, 0x80, 0x80, 0x00).u32(), malformed);
    assert.throws(() => reader(...Array.from({ length: 9 }, () => 0xff), 0x02).u64(), malformed);
    assert.throws(() => reader(0xff, 0xff, 0xff, 0xff, 0x3f).s33(), malformed);
  });

  test('signed integers are read with their sign', () => {
    assert.equal(reader(0x70).s33(), -16);
    assert.equal(reader(0x3f).s33(), 63);
    assert.equal(reader(0x80, 0x01).s33(), 128);
    assert.equal(reader(0xff, 0xff, 0xff, 0xff, 0x0f).s33(), 2 ** 32 - 1);
  });

  test('an integer that ends early names the byte of the module', () => {
    assert.throws(
      () => reader(0x80, 0x80).u32(),
      (error) =>
        error instanceof ModuleError && error.code === 'truncated' && error.message.includes('byte 102'),
    );
  });
});
