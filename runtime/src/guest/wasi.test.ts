import { suite, test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { testWasi } from '../../../test/support/wasi.ts';
import { wat } from '../../../test/support/wat.ts';
import { createWasi, ProcExit } from './wasi.ts';
import { wasiModule, wasiSignatures } from './wasi/signatures.ts';

const fault = 21;
const outside = 65_536;

suite('createWasi', () => {
  test('all 46 functions are there, and a guest can be linked to them', async () => {
    const { wasi } = testWasi();
    assert.equal(Object.keys(wasi.imports).length, 46);
    assert.deepEqual(Object.keys(wasi.imports).toSorted(), Object.keys(wasiSignatures).toSorted());
    const imports = Object.entries(wasiSignatures).map(([name, signature]) => {
      const params = Array.from(signature, (letter) => (letter === 'i' ? 'i32' : 'i64')).join(' ');
      const result = name === 'proc_exit' ? '' : '(result i32)';
      return `(import "${wasiModule}" "${name}" (func $${name} (param ${params}) ${result}))`;
    });
    const bytes = await wat(`(module ${imports.join('\n')}
      (func (export "seek") (result i32)
        (call $fd_seek (i32.const 1) (i64.const -1) (i32.const 0) (i32.const 0))))`);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      [wasiModule]: { ...wasi.imports },
    });
    const { seek } = instance.exports;
    assert.ok(typeof seek === 'function');
    assert.equal(Reflect.apply(seek, undefined, []), 70);
  });

  test('there are no arguments and no environment', () => {
    const { call, view } = testWasi();
    for (const name of ['args', 'environ']) {
      view().setBigUint64(8, ~0n, true);
      assert.equal(call(`${name}_sizes_get`, 8, 12), 0);
      assert.equal(view().getBigUint64(8, true), 0n);
      assert.equal(call(`${name}_get`, 0, 0), 0);
      assert.equal(call(`${name}_sizes_get`, outside - 3, 0), fault);
      assert.equal(call(`${name}_sizes_get`, 0, -4 + 1), fault);
    }
  });

  test('clocks tell their time and resolution in nanoseconds', () => {
    const { call, view, clock } = testWasi();
    assert.equal(call('clock_time_get', 0, 0n, 8), 0);
    assert.equal(view().getBigUint64(8, true), BigInt(clock.wall) * 1_000_000n);
    assert.equal(call('clock_time_get', 1, -1n, 8), 0);
    assert.equal(view().getBigUint64(8, true), clock.monotonic);
    for (const cpu of [2, 3]) {
      assert.equal(call('clock_time_get', cpu, 0n, 8), 0);
      assert.equal(view().getBigUint64(8, true), BigInt(clock.cpu) * 1000n);
    }
    for (const id of [0, 1, 2, 3]) {
      assert.equal(call('clock_res_get', id, 8), 0);
      assert.ok(view().getBigUint64(8, true) > 0n);
    }
  });

  test('a clock that does not exist is EINVAL, a result outside memory EFAULT', () => {
    const { call } = testWasi();
    assert.equal(call('clock_time_get', 4, 0n, 8), 28);
    assert.equal(call('clock_time_get', -1, 0n, 8), 28);
    assert.equal(call('clock_res_get', 9, 8), 28);
    assert.equal(call('clock_time_get', 0, 0n, outside - 7), fault);
    assert.equal(call('clock_res_get', 1, -1), fault);
  });

  test("by default the clocks are the system's", () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const { imports } = createWasi({ memory: () => memory, write: () => {}, sleep: async () => {} });
    const time = (id: number): bigint => {
      const fn = imports['clock_time_get'];
      assert.ok(fn);
      assert.equal(Reflect.apply(fn, undefined, [id, 0n, 0]), 0);
      return new DataView(memory.buffer).getBigUint64(0, true);
    };
    const before = BigInt(Date.now()) * 1_000_000n;
    const wall = time(0);
    assert.ok(wall >= before && wall < BigInt(Date.now() + 1) * 1_000_000n);
    const earlier = time(1);
    assert.ok(time(1) >= earlier);
    assert.ok(time(3) > 0n);
  });

  test('random bytes fill exactly the range that was asked for, also beyond 64 KiB', () => {
    const { call, memory } = testWasi();
    memory.grow(3);
    const length = 65_536 * 2 + 100;
    assert.equal(call('random_get', 16, length), 0);
    const bytes = new Uint8Array(memory.buffer);
    assert.ok(bytes.subarray(0, 16).every((byte) => byte === 0));
    assert.ok(bytes.subarray(16 + length).every((byte) => byte === 0));
    for (const at of [16, 16 + 65_536, 16 + length - 32]) {
      assert.ok(
        bytes.subarray(at, at + 32).some((byte) => byte !== 0),
        `nothing at ${at}`,
      );
    }
    assert.equal(call('random_get', outside * 4, 0), 0);
    assert.equal(call('random_get', outside * 4, 1), fault);
    assert.equal(call('random_get', 16, -1), fault);
  });

  test('proc_exit unwinds with the exit code, as an unsigned number', () => {
    const { call } = testWasi();
    assert.throws(
      () => call('proc_exit', 3),
      (thrown) => thrown instanceof ProcExit && thrown.code === 3,
    );
    assert.throws(
      () => call('proc_exit', -1),
      (thrown) => thrown instanceof ProcExit && thrown.code === 4_294_967_295,
    );
  });

  test('yielding succeeds, signals do not exist', () => {
    const { call } = testWasi();
    assert.equal(call('sched_yield'), 0);
    assert.equal(call('proc_raise', 9), 52);
  });

  test('paths and sockets lead nowhere', () => {
    const { call } = testWasi();
    for (const [name, signature] of Object.entries(wasiSignatures)) {
      if (!name.startsWith('path_') && !name.startsWith('sock_')) continue;
      const args = (fd: number) => Array.from(signature, (letter) => (letter === 'i' ? fd : 0n));
      assert.equal(call(name, ...args(3)), 8, name);
      assert.equal(call(name, ...args(1)), name.startsWith('path_') ? 54 : 57, name);
    }
  });

  test('of a symbolic link the third argument is the descriptor', () => {
    const { call } = testWasi();
    assert.equal(call('path_symlink', 9, 9, 1, 9, 9), 54);
    assert.equal(call('path_symlink', 1, 1, 9, 1, 1), 8);
  });

  test('a memory that grew between two calls is seen', () => {
    const { call, memory, view } = testWasi();
    assert.equal(call('clock_time_get', 1, 0n, outside), fault);
    memory.grow(1);
    assert.equal(call('clock_time_get', 1, 0n, outside), 0);
    assert.ok(view().getBigUint64(outside, true) > 0n);
  });

  test('whatever a guest passes, nothing is thrown but its own exit', async () => {
    const i32 = fc.oneof(
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      fc.integer({ min: 0, max: 70_000 }),
      fc.integer({ min: 0, max: 4 }),
      fc.constantFrom(-1, -8, 65_536, 65_535, 65_528, 0x7fff_ffff, -(2 ** 31)),
    );
    const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const calls = fc
      .constantFrom(...Object.entries(wasiSignatures))
      .chain(([name, signature]) =>
        fc.tuple(
          fc.constant(name),
          fc.tuple(
            ...Array.from(signature, (letter): fc.Arbitrary<number | bigint> => (letter === 'i' ? i32 : i64)),
          ),
        ),
      );
    await fc.assert(
      fc.asyncProperty(fc.array(calls, { maxLength: 20 }), fc.nat(), async (sequence, seed) => {
        const { call, poll, memory } = testWasi();
        const bytes = new Uint8Array(memory.buffer);
        // Small numbers, so that tables of iovecs and subscriptions often make sense.
        for (let at = 0; at < bytes.length; at += 4) bytes[at] = (at * 31 + seed) % 5;
        for (const [name, args] of sequence) {
          try {
            const code = name === 'poll_oneoff' ? await poll(...args) : call(name, ...args);
            assert.ok(Number.isInteger(code) && code >= 0 && code <= 76, `${name} gave ${code}`);
          } catch (thrown) {
            assert.ok(thrown instanceof ProcExit, `${name}: ${String(thrown)}`);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});
