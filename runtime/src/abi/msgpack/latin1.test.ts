import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { latin1 } from './latin1.ts';

suite('latin1', () => {
  test('gives each byte as one UTF-16 unit, at every length', () => {
    const memory = Uint8Array.from({ length: 600 }, (_, index) => (index * 7) & 0xff);
    for (let size = 0; size <= 300; size++) {
      const text = latin1(memory, 5, 5 + size);
      assert.equal(text.length, size);
      assert.deepEqual(
        Array.from(text, (unit) => unit.charCodeAt(0)),
        Array.from(memory.subarray(5, 5 + size)),
      );
    }
  });

  test('reads views into the middle of a memory, shared memory included', () => {
    for (const buffer of [new ArrayBuffer(100), new SharedArrayBuffer(100)]) {
      const view = new Uint8Array(buffer, 10, 40);
      view.set(Buffer.from('\xff and a text longer than the short one', 'latin1'));
      assert.equal(latin1(view, 0, 5), '\xff and');
      assert.equal(latin1(view, 0, 38), '\xff and a text longer than the short one');
    }
  });
});
