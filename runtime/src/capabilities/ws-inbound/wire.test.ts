import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decodeFarewell, decodePath, encodeFarewell, encodePath, latin1 } from './wire.ts';

const all = Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index)).toString('latin1');

/** Bytes at an odd place of a larger buffer, as they lie in a ring. */
function elsewhere(bytes: Uint8Array): Uint8Array {
  const ring = new Uint8Array(bytes.length + 16).fill(0xee);
  ring.set(bytes, 7);
  return ring.subarray(7, 7 + bytes.length);
}

suite('effects on their way to the edge', () => {
  test('a path arrives as it was, whatever bytes it has', () => {
    for (const path of ['/', `/${all}`]) assert.equal(decodePath(elsewhere(encodePath(path))), path);
  });

  test('a farewell arrives as it was', () => {
    for (const code of [1000, 1014, 3000, 4999]) {
      for (const reason of ['', all.slice(0, 123), all.slice(133)]) {
        const farewell = decodeFarewell(elsewhere(encodeFarewell(code, reason)));
        assert.deepEqual([farewell.code, latin1(farewell.reason)], [code, reason]);
      }
    }
  });

  test('the reason of a farewell does not change with the ring', () => {
    const payload = elsewhere(encodeFarewell(1000, 'stay'));
    const { reason } = decodeFarewell(payload);
    payload.fill(0);
    assert.equal(latin1(reason), 'stay');
  });
});
