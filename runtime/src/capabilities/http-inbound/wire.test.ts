import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { inlineBytes } from '../../link/link.ts';
import {
  type Answer,
  decodeAnswer,
  decodeClaim,
  encodeAnswer,
  encodeClaim,
  latin1,
  maxAnswerHeaderBytes,
} from './wire.ts';

/** There and back, by way of a copy at an odd place in a larger buffer. */
function roundTrip(answer: Answer): Answer {
  const packed = encodeAnswer(answer);
  const ring = Buffer.alloc(packed.length + 16, 0xee);
  ring.set(packed, 8);
  const { status, headers, body } = decodeAnswer(ring.subarray(8, 8 + packed.length));
  return { status, headers, body: Uint8Array.from(body) };
}

const binary = (options: { maxLength: number }): fc.Arbitrary<string> =>
  fc.uint8Array(options).map((bytes) => Buffer.from(bytes).toString('latin1'));

suite('an answer on its way to the edge', () => {
  test('arrives as it was, whatever bytes its headers and its body have', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 599 }),
        fc.array(binary({ maxLength: 300 }), { maxLength: 40 }),
        fc.uint8Array({ maxLength: 2000 }),
        (status, headers, body) => {
          const answer = { status, headers, body: Uint8Array.from(body) };
          assert.deepEqual(roundTrip(answer), answer);
        },
      ),
    );
  });

  test('arrives whole at every size around the limit of what is packed inline', () => {
    for (let size = inlineBytes - 20; size <= inlineBytes + 2; size++) {
      const answer = { status: 200, headers: ['A', 'b'], body: new Uint8Array(size).fill(size & 0xff) };
      assert.deepEqual(roundTrip(answer), answer);
    }
  });

  test('may have the longest header and the largest number of them', () => {
    const long = {
      status: 200,
      headers: ['A', 'x'.repeat(maxAnswerHeaderBytes - 1)],
      body: Uint8Array.of(1),
    };
    assert.deepEqual(roundTrip(long), long);
    const many = {
      status: 200,
      headers: Array.from({ length: 2004 }, (_, index) => String(index)),
      body: Uint8Array.of(1),
    };
    assert.deepEqual(roundTrip(many), many);
  });

  test('when large it has a buffer of its own, which can be transferred', () => {
    const body = new Uint8Array(inlineBytes + 1);
    const [one, two] = [
      encodeAnswer({ status: 200, headers: [], body }),
      encodeAnswer({ status: 200, headers: [], body }),
    ];
    assert.notEqual(one.buffer, two.buffer);
    assert.equal(one.buffer.byteLength, one.length);
  });
});

suite('a route claim on its way to the edge', () => {
  test('arrives as it was', () => {
    for (const claim of [
      { method: 'GET', pattern: '/' },
      { method: 'M-SEARCH', pattern: '/a/:b/\xff\x80/%20' },
    ]) {
      assert.deepEqual(decodeClaim(encodeClaim(claim)), claim);
    }
  });
});

suite('latin1', () => {
  test('is one unit a byte, of a Buffer and of a plain view at any place', () => {
    const bytes = Uint8Array.from({ length: 300 }, (_, index) => index & 0xff);
    const expected = Array.from(bytes.subarray(10, 290), (byte) => String.fromCharCode(byte)).join('');
    assert.equal(latin1(bytes, 10, 290), expected);
    assert.equal(latin1(Buffer.from(bytes), 10, 290), expected);
    assert.equal(latin1(bytes.subarray(5), 5, 285), expected);
  });
});
