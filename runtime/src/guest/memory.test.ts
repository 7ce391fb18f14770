import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { GuestMemory } from './memory.ts';

const page = 65_536;

suite('GuestMemory', () => {
  test('holds what lies in it, to the last byte', () => {
    const memory = new GuestMemory(new WebAssembly.Memory({ initial: 1 }));
    for (const [pointer, length] of [
      [0, 0],
      [0, page],
      [page, 0],
      [page - 1, 1],
    ] as const) {
      assert.equal(memory.holds(pointer, length), true, `${pointer}+${length}`);
      assert.equal(memory.range(pointer, length).length, length);
    }
  });

  test('refuses what does not, also where pointer and length together pass 2^32', () => {
    const memory = new GuestMemory(new WebAssembly.Memory({ initial: 1 }));
    for (const [pointer, length] of [
      [0, page + 1],
      [page, 1],
      [page - 1, 2],
      [0xffff_ffff, 1],
      [0xffff_ffff, 2],
      [1, 0xffff_ffff],
      [0x8000_0000, 0x8000_0000],
      [0xffff_ffff, 0xffff_ffff],
    ] as const) {
      assert.equal(memory.holds(pointer, length), false, `${pointer}+${length}`);
      assert.throws(() => memory.range(pointer, length), {
        name: 'Failure',
        code: 2,
        message: /outside the memory of 65536/,
      });
    }
  });

  test('a range is the memory itself', () => {
    const memory = new GuestMemory(new WebAssembly.Memory({ initial: 1 }));
    memory.range(10, 2).set([7, 8]);
    assert.equal(memory.view.getUint16(10, true), 0x0807);
    assert.equal(memory.bytes[11], 8);
  });

  test('sees the memory as it is after it has grown, by pages or by none', () => {
    for (const by of [1, 0]) {
      const raw = new WebAssembly.Memory({ initial: 1 });
      const memory = new GuestMemory(raw);
      memory.view.setUint32(0, 42, true);
      const before = memory.bytes;
      raw.grow(by);
      assert.equal(before.length, 0, 'the old view is detached');
      assert.equal(memory.view.getUint32(0, true), 42);
      assert.equal(memory.bytes.length, page * (1 + by));
      assert.equal(memory.holds(page, 1), by === 1);
    }
  });

  test('a memory without pages holds nothing, and something once it has grown', () => {
    const raw = new WebAssembly.Memory({ initial: 0 });
    const memory = new GuestMemory(raw);
    assert.equal(memory.holds(0, 0), true);
    assert.equal(memory.holds(0, 1), false);
    raw.grow(1);
    assert.equal(memory.holds(0, page), true);
  });
});
