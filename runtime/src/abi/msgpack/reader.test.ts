import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { Failure } from '../failure.ts';
import { maxTextBytes, Reader } from './reader.ts';

const reader = (hex: string): Reader => new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

function refuses(read: () => unknown, message: RegExp): void {
  assert.throws(read, (error) => {
    assert.ok(error instanceof Failure);
    assert.equal(error.code, 3);
    assert.match(error.message, message);
    return true;
  });
}

suite('reader', () => {
  test('makes no string of more bytes than one may have; as bytes, and to skip, they are taken', () => {
    for (const head of [0xdb, 0xc6]) {
      const message = Buffer.alloc(5 + maxTextBytes + 1, 'a');
      message[0] = head;
      message.writeUInt32BE(maxTextBytes, 1);
      assert.equal(new Reader(message).text().length, maxTextBytes);
      message.writeUInt32BE(maxTextBytes + 1, 1);
      refuses(() => new Reader(message).text(), /^text of 16777217 bytes; at most 16777216/);
      assert.equal(new Reader(message).bytes().length, maxTextBytes + 1);
      new Reader(message).skip();
    }
  });

  test('names the kind of every first byte without reading it', () => {
    const kinds = new Map<string, number>();
    for (let first = 0; first < 256; first++) {
      const one = new Reader(Uint8Array.of(first));
      kinds.set(one.kind(), (kinds.get(one.kind()) ?? 0) + 1);
      assert.equal(one.offset, 0);
    }
    assert.deepEqual(Object.fromEntries(kinds), {
      integer: 128 + 32 + 8,
      map: 16 + 2,
      array: 16 + 2,
      text: 32 + 3,
      nil: 1,
      invalid: 1,
      boolean: 2,
      binary: 3,
      extension: 3 + 5,
      float: 2,
    });
  });

  test('reads integers of every width exactly', () => {
    const forms: [string, number | bigint][] = [
      ['7f', 127],
      ['e0', -32],
      ['cc ff', 255],
      ['cd ffff', 65_535],
      ['ce ffffffff', 4_294_967_295],
      ['cf 001fffffffffffff', Number.MAX_SAFE_INTEGER],
      ['cf 0020000000000001', 2n ** 53n + 1n],
      ['cf ffffffffffffffff', 2n ** 64n - 1n],
      ['d0 80', -128],
      ['d1 8000', -32_768],
      ['d2 80000000', -2_147_483_648],
      ['d3 ffffffffffffffff', -1],
      ['d3 ffdfffffffffffff', -(2n ** 53n) - 1n],
      ['d3 8000000000000000', -(2n ** 63n)],
      ['d3 7fffffffffffffff', 2n ** 63n - 1n],
    ];
    for (const [bytes, expected] of forms) {
      const one = reader(bytes);
      assert.equal(one.integer(), expected, bytes);
      assert.equal(one.remaining, 0, bytes);
      assert.equal(reader(bytes).roundedInteger(), Number(expected), bytes);
    }
  });

  test('reads floats of both widths', () => {
    assert.equal(reader('ca 3f000000').float(), 0.5);
    assert.equal(reader('cb 3fe0000000000000').float(), 0.5);
    assert.ok(Number.isNaN(reader('cb 7ff8000000000000').float()));
  });

  test('takes str for bin and bin for str', () => {
    for (const head of ['a3', 'd903', 'da0003', 'db00000003', 'c403', 'c50003', 'c600000003']) {
      const bytes = `${head} 61ff00 c0`;
      assert.deepEqual([...reader(bytes).bytes()], [0x61, 0xff, 0x00], head);
      assert.equal(reader(bytes).text(), 'a\xff\0', head);
      const one = reader(bytes);
      assert.equal(one.span(), 3);
      one.nil();
      assert.equal(one.remaining, 0);
    }
  });

  test('gives bytes as a view of the input', () => {
    const input = Uint8Array.of(0xc4, 2, 1, 2);
    const bytes = new Reader(input).bytes();
    input[2] = 9;
    assert.deepEqual([...bytes], [9, 2]);
  });

  test('refuses text that is not UTF-8, short or long, and keeps a byte order mark', () => {
    assert.equal(reader('a2 c3a4').utf8(), 'ä');
    assert.equal(reader('a4 efbbbf61').utf8(), '\ufeffa');
    refuses(() => reader('a1 ff').utf8(), /text at byte 0 is not UTF-8/);
    refuses(() => reader(`d920 ${'61'.repeat(31)}ff`).utf8(), /not UTF-8/);
    refuses(() => reader('a3 eda080').utf8(), /not UTF-8/);
    refuses(() => reader('a2 c080').utf8(), /not UTF-8/);
  });

  test('says what it expected, what it found, and where', () => {
    const one = reader('c0 c3');
    one.nil();
    refuses(() => one.roundedInteger(), /^expected an integer at byte 1, found boolean \(0xc3\)$/);
    refuses(() => reader('01').float(), /expected a float at byte 0, found integer/);
    refuses(() => reader('ca00000000').integer(), /expected an integer at byte 0, found float/);
    refuses(() => reader('c0').span(), /found nil/);
    refuses(() => reader('01').boolean(), /expected a boolean/);
    refuses(() => reader('01').nil(), /expected nil/);
    refuses(() => reader('80').array(), /expected an array/);
    refuses(() => reader('90').map(), /expected a map/);
    refuses(() => reader('c0').extension(), /expected an extension/);
    refuses(() => reader('').kind(), /the message ends at byte 0/);
  });

  test('refuses lengths and counts beyond what is left, up to 4 GiB', () => {
    for (const head of ['a1', 'd901', 'daffff', 'dbffffffff', 'c401', 'c5ffff', 'c6ffffffff']) {
      refuses(() => reader(head).bytes(), /message ends/);
    }
    for (const head of ['d4', 'd4ff', 'd8ff00', 'c70200', 'c9ffffffff00']) {
      refuses(() => reader(head).extension(), /message ends/);
    }
    for (const head of ['91', 'dc0003c0c0', 'ddffffffff00']) {
      refuses(() => reader(head).array(), /message ends/);
    }
    for (const head of ['81', '81c0', 'de0002c0c0c0', 'dfffffffff00', 'df80000001c0c0']) {
      refuses(() => reader(head).map(), /message ends/);
    }
    assert.equal(reader('dc0002c0c0').array(), 2);
    assert.equal(reader('de0001c0c0').map(), 1);
  });

  test('skips a value of any kind and stops behind it', () => {
    for (const value of [
      'c0',
      'c3',
      '05',
      'ff',
      'd30000000000000001',
      'ca00000000',
      'cb0000000000000000',
      'a3616263',
      'd903616263',
      'c403010203',
      'd4ff00',
      'c70305010203',
      '93 01 92 c0 c3 80',
      '82 a161 91 01 a162 81 c0 c0',
      'dd00000001 df00000000',
    ]) {
      const one = reader(`${value} 2a`);
      one.skip();
      assert.equal(one.roundedInteger(), 0x2a, value);
      assert.equal(one.remaining, 0, value);
    }
    refuses(() => reader('c1').skip(), /found invalid/);
    refuses(() => reader('92 c0').skip(), /message ends/);
  });

  test('skips nests of any depth, and gives up at once on nests of great counts', () => {
    const deep = new Uint8Array(1_000_001).fill(0x91);
    deep[1_000_000] = 0xc0;
    const one = new Reader(deep);
    one.skip();
    assert.equal(one.remaining, 0);
    refuses(() => reader(`92 dc000a ${'c0'.repeat(10)}`).skip(), /1 more values/);
  });

  test('begins at an offset', () => {
    const one = new Reader(Uint8Array.of(0xc1, 0xc1, 0x05), 2);
    assert.equal(one.integer(), 5);
  });
});
