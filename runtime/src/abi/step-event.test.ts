import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { decode, encode } from './msgpack/value.ts';
import { binHeader, eventPrefix } from './step-event.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

suite('step event', () => {
  test('the prefix is the map header, both keys and the kind', () => {
    assert.equal(
      hex(eventPrefix('http.request')),
      '82 a46b696e64 ac687474702e72657175657374 a77061796c6f6164'.replaceAll(' ', ''),
    );
  });

  test('the per-kind map behind the prefix is a nested value', () => {
    const map = encode({ id: 7n });
    const event = Buffer.concat([eventPrefix('ws.open'), map]);
    assert.deepEqual(
      decode(event),
      new Map<string, unknown>([
        ['kind', 'ws.open'],
        ['payload', new Map([['id', 7n]])],
      ]),
    );
  });

  test('with a bin header between them the map is opaque bytes', () => {
    for (const size of [0, 255, 256, 65_535, 65_536]) {
      const map = new Uint8Array(size).fill(0xc0);
      const event = Buffer.concat([eventPrefix('x'), binHeader(size), map]);
      assert.deepEqual(
        decode(event),
        new Map<string, unknown>([
          ['kind', 'x'],
          ['payload', map],
        ]),
      );
    }
  });

  test('bin headers have their smallest form', () => {
    assert.deepEqual(
      [0, 255, 256, 65_535, 65_536, 0xffff_ffff].map((size) => hex(binHeader(size))),
      ['c400', 'c4ff', 'c50100', 'c5ffff', 'c600010000', 'c6ffffffff'],
    );
    assert.throws(() => binHeader(2 ** 32), RangeError);
  });
});
