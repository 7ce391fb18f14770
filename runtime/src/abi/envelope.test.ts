import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { envelopeBytes, writeEnvelope } from './envelope.ts';

function header(callNumber: number, wallTimeNs: bigint, payloadLength: number): string {
  const bytes = new Uint8Array(envelopeBytes + 8).fill(0xee);
  writeEnvelope(new DataView(bytes.buffer), 4, { callNumber, wallTimeNs, payloadLength });
  return Buffer.from(bytes).toString('hex');
}

suite('envelope', () => {
  test('is call number, wall time and payload length in little-endian, 20 bytes, and nothing around them', () => {
    assert.equal(
      header(1, 0x0102030405060708n, 0x0a0b0c0d),
      'eeeeeeee 0100000000000000 0807060504030201 0d0c0b0a eeeeeeee'.replaceAll(' ', ''),
    );
  });

  test('keeps call numbers and lengths that need their upper bits', () => {
    assert.equal(
      header(Number.MAX_SAFE_INTEGER, 2n ** 63n, 0xffff_ffff),
      'eeeeeeee ffffffffffff1f00 0000000000000080 ffffffff eeeeeeee'.replaceAll(' ', ''),
    );
    assert.equal(header(2 ** 32 + 5, 0n, 0).slice(8, 24), '0500000001000000');
  });

  test('throws rather than write beyond the memory', () => {
    const view = new DataView(new ArrayBuffer(30));
    const envelope = { callNumber: 0, wallTimeNs: 0n, payloadLength: 0 };
    writeEnvelope(view, 10, envelope);
    assert.throws(() => writeEnvelope(view, 11, envelope), RangeError);
  });
});
