/** Properties over random values and random bytes. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import * as fc from 'fast-check';

import { Failure } from '../failure.ts';
import { anyValue } from './any-value.suite.ts';
import { Reader } from './reader.ts';
import { decode, encode } from './value.ts';

/** Bytes that look like MessagePack more often than random ones do. */
const message = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .array(fc.oneof(fc.integer({ min: 0x80, max: 0xdf }), fc.nat(255), fc.constantFrom(0, 1, 0xff)), {
      maxLength: 60,
    })
    .map((list) => Uint8Array.from(list)),
);

/** Runs it and says how it ended: any error but a Failure with code 3 is passed on. */
function outcome(read: () => unknown): 'read' | 'refused' {
  try {
    read();
    return 'read';
  } catch (error) {
    if (error instanceof Failure && error.code === 3) return 'refused';
    throw error;
  }
}

suite('msgpack properties', () => {
  test('what was encoded decodes to the same value', () => {
    fc.assert(fc.property(anyValue, (one) => assert.deepEqual(decode(encode(one)), one)));
  });

  test('skip ends where the value ends, and never before', () => {
    fc.assert(
      fc.property(anyValue, (one) => {
        const bytes = encode(one);
        const reader = new Reader(Buffer.concat([bytes, Buffer.alloc(300)]));
        reader.skip();
        assert.equal(reader.offset, bytes.length);
      }),
    );
  });

  test('a message cut at any byte is refused', () => {
    fc.assert(
      fc.property(anyValue, (one) => {
        const bytes = encode(one);
        for (let size = 0; size < bytes.length; size += Math.ceil(bytes.length / 200)) {
          const cut = bytes.subarray(0, size);
          assert.equal(
            outcome(() => decode(cut)),
            'refused',
            `${size} bytes`,
          );
          assert.equal(
            outcome(() => new Reader(cut).skip()),
            'refused',
            `${size} bytes`,
          );
        }
      }),
    );
  });

  test('random bytes are read or refused, and skip agrees unless text or time is wrong', () => {
    fc.assert(
      fc.property(message, (bytes) => {
        const skipped = outcome(() => new Reader(bytes).skip());
        const decoded = outcome(() => decode(bytes));
        if (skipped === 'refused') assert.equal(decoded, 'refused');
      }),
      { numRuns: 3000 },
    );
  });

  test('every header that claims 4 GiB is refused, whatever stands around it', () => {
    for (const head of [0xc6, 0xc9, 0xdb, 0xdd, 0xdf]) {
      const claim = [head, 0xff, 0xff, 0xff, 0xff];
      for (const bytes of [
        claim,
        [0x91, ...claim],
        [0x81, 0x01, ...claim],
        [0x81, ...claim, 0x01],
        [...claim, ...claim],
      ]) {
        assert.equal(
          outcome(() => decode(Uint8Array.from(bytes))),
          'refused',
        );
        assert.equal(
          outcome(() => new Reader(Uint8Array.from(bytes)).skip()),
          'refused',
        );
      }
    }
  });
});
