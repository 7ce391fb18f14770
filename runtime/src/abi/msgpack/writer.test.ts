import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { Writer } from './writer.ts';

function written(write: (writer: Writer) => void): string {
  const writer = new Writer(1);
  write(writer);
  assert.equal(writer.length, writer.view().length);
  return Buffer.from(writer.view()).toString('hex');
}

const textHead = (size: number): string =>
  written((writer) => writer.text('x'.repeat(size))).replace(/(78)+$/, '');

suite('writer', () => {
  test('writes integers in their smallest form', () => {
    const forms: [number | bigint, string][] = [
      [0, '00'],
      [-0, '00'],
      [127, '7f'],
      [128, 'cc80'],
      [255, 'ccff'],
      [256, 'cd0100'],
      [65_535, 'cdffff'],
      [65_536, 'ce00010000'],
      [4_294_967_295, 'ceffffffff'],
      [4_294_967_296, 'cf0000000100000000'],
      [Number.MAX_SAFE_INTEGER, 'cf001fffffffffffff'],
      [2 ** 63, 'cf8000000000000000'],
      [2n ** 63n - 1n, 'd37fffffffffffffff'],
      [2n ** 63n, 'cf8000000000000000'],
      [2n ** 64n - 1n, 'cfffffffffffffffff'],
      [-1, 'ff'],
      [-32, 'e0'],
      [-33, 'd0df'],
      [-128, 'd080'],
      [-129, 'd1ff7f'],
      [-32_768, 'd18000'],
      [-32_769, 'd2ffff7fff'],
      [-2_147_483_648, 'd280000000'],
      [-2_147_483_649, 'd3ffffffff7fffffff'],
      [-(2n ** 63n), 'd38000000000000000'],
      [5n, '05'],
    ];
    for (const [value, expected] of forms) {
      assert.equal(
        written((writer) => writer.integer(value)),
        expected,
        String(value),
      );
    }
  });

  test('refuses integers that do not fit and numbers that are none', () => {
    const writer = new Writer();
    for (const value of [2n ** 64n, -(2n ** 63n) - 1n, 2 ** 64, -(2 ** 64)]) {
      assert.throws(() => writer.integer(value), RangeError, String(value));
    }
    for (const value of [1.5, Number.NaN, Infinity]) {
      assert.throws(() => writer.integer(value), TypeError, String(value));
    }
    assert.throws(() => writer.int64(2n ** 63n), RangeError);
    assert.throws(() => writer.uint64(-1n), RangeError);
    assert.equal(writer.length, 0);
  });

  test('writes the widths that were asked for', () => {
    assert.equal(
      written((writer) => writer.int64(1)),
      'd30000000000000001',
    );
    assert.equal(
      written((writer) => writer.int64(-2n)),
      'd3fffffffffffffffe',
    );
    assert.equal(
      written((writer) => writer.uint64(2 ** 44 + 1)),
      'cf0000100000000001',
    );
    assert.equal(
      written((writer) => writer.uint64(2n ** 64n - 1n)),
      'cfffffffffffffffff',
    );
    assert.equal(
      written((writer) => writer.uint32(200)),
      'ce000000c8',
    );
    assert.equal(
      written((writer) => writer.uint16(1000)),
      'cd03e8',
    );
    assert.equal(
      written((writer) => writer.uint8(1)),
      'cc01',
    );
    assert.equal(
      written((writer) => writer.float64(1)),
      'cb3ff0000000000000',
    );
    assert.equal(
      written((writer) => writer.nil()),
      'c0',
    );
    assert.equal(
      written((writer) => writer.boolean(true)) + written((writer) => writer.boolean(false)),
      'c3c2',
    );
  });

  test('writes each unit of a binary string as one byte, at every length', () => {
    for (const size of [0, 1, 24, 25, 31, 32, 255, 256, 65_535, 65_536]) {
      const bytes = Buffer.from(Uint8Array.from({ length: size }, (_, index) => 255 - (index & 0xff)));
      assert.equal(
        written((writer) => writer.text(bytes.toString('latin1'))),
        written((writer) => writer.textBytes(bytes)),
        `${size} bytes`,
      );
    }
    assert.equal(
      written((writer) => writer.text('a\0\xff')),
      'a36100ff',
    );
  });

  test('gives text the header of its length in bytes', () => {
    assert.deepEqual([0, 31, 32, 255, 256, 65_535, 65_536].map(textHead), [
      'a0',
      'bf',
      'd920',
      'd9ff',
      'da0100',
      'daffff',
      'db00010000',
    ]);
  });

  test('writes other text as UTF-8, whatever its length', () => {
    for (const text of [
      '',
      'a',
      'ä',
      '🍺',
      'ASCII that is longer than the short one',
      'lang '.repeat(9) + 'ß',
    ]) {
      const bytes = Buffer.from(text);
      assert.equal(
        written((writer) => writer.utf8(text)),
        written((writer) => writer.textBytes(bytes)),
        text,
      );
    }
    assert.equal(
      written((writer) => writer.utf8('\ud800')),
      'a3efbfbd',
    );
  });

  test('writes the headers of arrays, maps and bin in their smallest form', () => {
    const sizes = [0, 15, 16, 255, 256, 65_535, 65_536];
    const forms = (write: (writer: Writer, size: number) => void): string[] =>
      sizes.map((size) => written((writer) => write(writer, size)));
    assert.deepEqual(
      forms((writer, size) => writer.array(size)),
      ['90', '9f', 'dc0010', 'dc00ff', 'dc0100', 'dcffff', 'dd00010000'],
    );
    assert.deepEqual(
      forms((writer, size) => writer.map(size)),
      ['80', '8f', 'de0010', 'de00ff', 'de0100', 'deffff', 'df00010000'],
    );
    assert.deepEqual(
      forms((writer, size) => writer.binaryHeader(size)),
      ['c400', 'c40f', 'c410', 'c4ff', 'c50100', 'c5ffff', 'c600010000'],
    );
    assert.throws(() => new Writer().array(2 ** 32), RangeError);
    assert.throws(() => new Writer().map(2 ** 32), RangeError);
  });

  test('writes extensions with fixext where that fits', () => {
    const head = (size: number): string =>
      written((writer) => writer.extension(-5, new Uint8Array(size))).replace(/(00)+$/, '');
    assert.deepEqual([1, 2, 3, 4, 8, 15, 16, 17, 255, 256, 65_536].map(head), [
      'd4fb',
      'd5fb',
      'c703fb',
      'd6fb',
      'd7fb',
      'c70ffb',
      'd8fb',
      'c711fb',
      'c7fffb',
      'c80100fb',
      'c900010000fb',
    ]);
    assert.equal(
      written((writer) => writer.extension(5, new Uint8Array(0))),
      'c70005',
    );
  });

  test('is used again after reset, and a taken message stays as it was', () => {
    const writer = new Writer();
    writer.utf8('first');
    const taken = writer.take();
    const large = new Uint8Array(500_000).fill(1);
    writer.reset();
    assert.equal(writer.length, 0);
    writer.binary(large);
    const takenLarge = writer.take();
    writer.reset();
    writer.utf8('other');
    assert.equal(Buffer.from(taken).toString('hex'), 'a56669727374');
    assert.equal(Buffer.from(writer.view()).toString('hex'), 'a56f74686572');
    assert.deepEqual(new Uint8Array(takenLarge.subarray(5)), large);
    assert.equal(takenLarge.buffer.byteLength, takenLarge.length);
  });

  test('grows in front of every kind of value', () => {
    const writes: readonly ((writer: Writer) => void)[] = [
      (writer) => writer.nil(),
      (writer) => writer.boolean(true),
      (writer) => writer.int64(1),
      (writer) => writer.uint64(1),
      (writer) => writer.uint64(2n ** 63n),
      (writer) => writer.uint32(1),
      (writer) => writer.uint16(1),
      (writer) => writer.uint8(1),
      (writer) => writer.integer(-100),
      (writer) => writer.integer(-1000),
      (writer) => writer.integer(-100_000),
      (writer) => writer.float64(1.5),
      (writer) => writer.text('text'),
      (writer) => writer.utf8('tëxt'),
      (writer) => writer.textBytes(new Uint8Array(300)),
      (writer) => writer.binary(new Uint8Array(70_000)),
      (writer) => writer.array(1000),
      (writer) => writer.map(100_000),
      (writer) => writer.extension(1, new Uint8Array(5)),
      (writer) => writer.timestamp({ seconds: 1n, nanoseconds: 0 }),
      (writer) => writer.timestamp({ seconds: 1n, nanoseconds: 1 }),
      (writer) => writer.timestamp({ seconds: -1n, nanoseconds: 1 }),
      (writer) => writer.raw(Uint8Array.of(1)),
    ];
    for (const write of writes) {
      const roomy = new Writer(100_000);
      write(roomy);
      const expected = Buffer.from(roomy.view()).toString('hex');
      for (const capacity of [0, 1, 2, 5]) {
        const tight = new Writer(capacity);
        write(tight);
        assert.equal(
          Buffer.from(tight.view()).toString('hex'),
          expected,
          `${String(write)} from ${capacity}`,
        );
      }
    }
  });

  test('keeps what it has when the buffer grows', () => {
    const writer = new Writer(0);
    for (let index = 0; index < 1000; index++) writer.uint16(index);
    const view = new DataView(writer.view().buffer, writer.view().byteOffset);
    assert.equal(writer.length, 3000);
    for (let index = 0; index < 1000; index++) assert.equal(view.getUint16(index * 3 + 1), index);
  });

  test('copies raw bytes as they are', () => {
    assert.equal(
      written((writer) => {
        writer.array(2);
        writer.raw(Uint8Array.of(0xc1, 0xff));
      }),
      '92c1ff',
    );
  });
});
