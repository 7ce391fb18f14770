import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { bound, type BoundOptions, settled } from './bound-guest.suite.ts';
import { GuestTrap } from './guest.ts';
import { guestText, type GuestParts, pulpImport, sleepImport } from './guest-text.suite.ts';

const none = new Uint8Array(0);
const end = 65_536;

/** Exports that tell the sizes of the last `pulp_alloc` and `pulp_free`, and how many there were of each. */
const counting: GuestParts = {
  fields: `(global $asked (mut i32) (i32.const 0)) (global $allocs (mut i32) (i32.const 0))
    (global $freed (mut i32) (i32.const 0)) (global $frees (mut i32) (i32.const 0)) (global $at (mut i32) (i32.const 0))
    (func (export "asked") (result i32) (global.get $asked)) (func (export "allocs") (result i32) (global.get $allocs))
    (func (export "freed") (result i32) (global.get $freed)) (func (export "frees") (result i32) (global.get $frees))
    (func (export "freed_at") (result i32) (global.get $at))`,
  alloc: `(global.set $asked (local.get $size)) (global.set $allocs (i32.add (global.get $allocs) (i32.const 1)))
    (i32.const 1024)`,
  free: `(global.set $freed (local.get $size)) (global.set $frees (i32.add (global.get $frees) (i32.const 1)))
    (global.set $at (local.get $at))`,
};

const reasonAt = (pointer: number, length: number): string => `(data (i32.const 64) "the reason")
  (func (export "pulp_init_error_ptr") (result i32) (i32.const ${pointer}))
  (func (export "pulp_init_error_len") (result i32) (i32.const ${length}))`;

/** What an init is refused with. */
const refusal = async (parts: GuestParts): Promise<Error> => {
  const { guest } = await bound(guestText({ init: '(i32.const -2)', ...parts }));
  return settled(() => guest.init(none)).then(
    () => assert.fail('it did not refuse'),
    (error: unknown) => error as Error,
  );
};

for (const [kind, imports] of [
  ['direct', ''],
  ['suspendable', sleepImport],
] as const) {
  const make = (parts: GuestParts, options: BoundOptions = {}) =>
    bound(guestText({ ...parts, imports: imports + (parts.imports ?? '') }), options);

  suite(`a ${kind} guest`, () => {
    test('is entered as its kind says', async () => {
      const { guest } = await make({});
      assert.equal(guest.suspendable, kind === 'suspendable');
      assert.equal(guest.step(none, none, 0n) instanceof Promise, guest.suspendable);
    });

    test('a step gets envelope, prefix and payload in one buffer, which is freed', async () => {
      const { guest, call } = await make({ ...counting, step: '(local.get $length)' });
      await guest.step(none, none, 0n);
      assert.equal(await guest.step(Uint8Array.of(1, 2), Uint8Array.of(3, 4, 5), 0x0102030405060708n), 25);
      assert.equal(
        Buffer.from(guest.memory.range(1024, 25)).toString('hex'),
        '0100000000000000 0807060504030201 05000000 0102 030405'.replaceAll(' ', ''),
      );
      assert.deepEqual([await call('asked'), await call('freed'), await call('freed_at')], [25, 25, 1024]);
      assert.deepEqual([await call('allocs'), await call('frees')], [2, 2]);
      assert.equal(guest.callNumber, 2);
    });

    test('a step’s handle keeps its sign', async () => {
      const { guest } = await make({ step: '(i32.const -3)' });
      assert.equal(await guest.step(none, none, 0n), -3);
    });

    test('memory that grows in pulp_alloc takes the whole step', async () => {
      const { guest } = await make({
        alloc: '(i32.mul (memory.grow (i32.const 1)) (i32.const 65536))',
        step: '(i32.load8_u offset=22 (local.get $at))',
      });
      for (let steps = 0; steps < 3; steps++) {
        assert.equal(await guest.step(Uint8Array.of(1, 2), Uint8Array.of(30 + steps), 0n), 30 + steps);
      }
    });

    test('a step that gets no memory is not made, and not counted', async () => {
      for (const alloc of ['(i32.const 0)', `(i32.const ${end - 10})`, '(i32.const -1)']) {
        const { guest, call } = await make({
          alloc,
          fields:
            '(global $steps (mut i32) (i32.const 0)) (func (export "steps") (result i32) (global.get $steps))',
          step: '(global.set $steps (i32.add (global.get $steps) (i32.const 1))) (i32.const 0)',
        });
        await assert.rejects(
          settled(() => guest.step(none, none, 0n)),
          { name: 'GuestAllocationError', message: /pulp_alloc\(20\) returned/ },
        );
        assert.equal(guest.callNumber, 0);
        assert.equal(guest.broken, undefined);
        assert.equal(await call('steps'), 0);
      }
    });

    test('a Go-built guest is asked for 64 bytes at least, and freed with what was asked', async () => {
      const host = { params: ['in', 'out'], fn: () => new Uint8Array(5) } as const;
      const parts: GuestParts = {
        ...counting,
        imports: pulpImport('f', 'i32 i32 i32 i32'),
        fields: `${counting.fields ?? ''} (func (export "reply") (result i32)
          (call $f (i32.const 16) (i32.const 1) (i32.const 0) (i32.const 4)))`,
      };
      for (const [goBuilt, least] of [
        [true, 64],
        [false, 0],
      ] as const) {
        const { guest, call } = await make(parts, { goBuilt, host: { f: host } });
        await guest.init(Uint8Array.of(1, 2, 3));
        assert.deepEqual(
          [await call('asked'), await call('freed')],
          [Math.max(3, least), Math.max(3, least)],
        );
        for (const payload of [0, 43, 44, 45, 100]) {
          await guest.step(none, new Uint8Array(payload), 0n);
          const size = Math.max(20 + payload, least);
          assert.deepEqual([await call('asked'), await call('freed')], [size, size]);
          assert.equal(guest.memory.view.getUint32(1024 + 16, true), payload, 'the true length is written');
        }
        const frees = await call('frees');
        assert.equal(await call('reply'), 0);
        assert.equal(await call('asked'), Math.max(5, least));
        assert.equal(guest.memory.view.getUint32(4, true), 5, 'the true length is written');
        assert.equal(await call('frees'), frees, 'a result belongs to the guest');
      }
    });

    test('what a Go-built guest gives has to hold the 64 bytes it was asked for', async () => {
      const parts = { alloc: `(i32.const ${end - 40})` };
      const go = await make(parts, { goBuilt: true });
      await assert.rejects(
        settled(() => go.guest.step(none, none, 0n)),
        { name: 'GuestAllocationError' },
      );
      const other = await make(parts);
      assert.equal(await other.guest.step(none, none, 0n), 0);
    });

    test('a guest without pulp_free is stepped all the same', async () => {
      const { guest } = await make({ step: '(i32.const 1)' });
      assert.equal(await guest.step(none, none, 0n), 1);
    });

    test('init gets its config in a buffer that is freed, and nothing is asked for an empty one', async () => {
      const { guest, call } = await make({
        ...counting,
        init: '(i32.store (i32.const 0) (local.get $at)) (i32.const 0)',
      });
      await guest.init(none);
      assert.deepEqual(
        [await call('allocs'), await call('frees'), guest.memory.view.getUint32(0, true)],
        [0, 0, 0],
      );
      await guest.init(Uint8Array.of(9, 8));
      assert.deepEqual([...guest.memory.range(1024, 2)], [9, 8]);
      assert.deepEqual(
        [await call('asked'), await call('freed'), guest.memory.view.getUint32(0, true)],
        [2, 2, 1024],
      );
    });

    test('an init that refuses says its code and the reason, of which 4096 bytes are read', async () => {
      assert.equal(
        (await refusal({ imports, fields: reasonAt(64, 10) })).message,
        'pulp_init returned -2: the reason',
      );
      assert.equal((await refusal({ imports })).message, 'pulp_init returned -2');
      const long = await refusal({
        imports,
        fields: reasonAt(64, 5000),
        init: '(memory.fill (i32.const 64) (i32.const 120) (i32.const 9000)) (i32.const 1)',
      });
      assert.equal(long.message, `pulp_init returned 1: ${'x'.repeat(4096)}`);
      for (const [pointer, length] of [
        [64, 0],
        [end - 5, 10],
        [-1, 10],
        [-1, -1],
      ] as const) {
        assert.equal(
          (await refusal({ imports, fields: reasonAt(pointer, length) })).message,
          'pulp_init returned -2',
          `${pointer}+${length}`,
        );
      }
      const half = reasonAt(64, 10).replace(/\(func \(export "pulp_init_error_len"\).*/, '');
      assert.equal(
        (await refusal({ imports, fields: half })).message,
        'pulp_init returned -2',
        'only one of the two is exported',
      );
    });

    test('_initialize goes before _start, and a guest may have neither', async () => {
      const global =
        '(global $ran (mut i32) (i32.const 0)) (func (export "ran") (result i32) (global.get $ran))';
      const start = '(func (export "_start") (global.set $ran (i32.const 2)))';
      for (const [parts, ran] of [
        [{ initialize: '(global.set $ran (i32.const 1))', fields: global + start }, 1],
        [{ fields: global + start }, 2],
        [{ fields: global }, 0],
      ] as const) {
        const { guest, call } = await make(parts);
        await guest.initialize();
        assert.equal(await call('ran'), ran);
      }
    });

    test('a command may exit with 0 from _start and is used on; from elsewhere an exit is the end', async () => {
      const exit = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))';
      const command = await make({
        imports: exit,
        fields: '(func (export "_start") (call $exit (i32.const 0)))',
        step: '(i32.const 4)',
      });
      await command.guest.initialize();
      assert.equal(await command.guest.step(none, none, 0n), 4);
      for (const [parts, entry] of [
        [{ fields: '(func (export "_start") (call $exit (i32.const 1)))' }, '_start'],
        [{ initialize: '(call $exit (i32.const 0))' }, '_initialize'],
      ] as const) {
        const { guest } = await make({ imports: exit, ...parts });
        await assert.rejects(
          settled(() => guest.initialize()),
          { name: 'GuestTrap', entry },
        );
      }
    });

    test('a trap names the export, and the first one stays the reason', async () => {
      const { guest } = await make({ step: '(unreachable)' });
      const trap = { name: 'GuestTrap', entry: 'pulp_step', message: 'pulp_step trapped: unreachable' };
      await assert.rejects(
        settled(() => guest.step(none, none, 0n)),
        trap,
      );
      const { broken } = guest;
      await assert.rejects(
        settled(() => guest.shutdown()),
        (error) => error === broken,
      );
      await assert.rejects(
        settled(() => guest.init(none)),
        (error) => error === broken,
      );
      assert.equal(guest.broken, broken);
    });

    test('an exception that the guest throws and does not catch breaks it', async () => {
      const { guest } = await make({ fields: '(tag $oh (param i32))', step: '(throw $oh (i32.const 1))' });
      await assert.rejects(
        settled(() => guest.step(none, none, 0n)),
        {
          message: 'pulp_step trapped: an exception that the guest did not catch',
        },
      );
    });

    test('an access outside the memory, a division by zero and a growth beyond the limit are the guest’s own', async () => {
      const loads = await make({ step: '(i32.load (i32.const -4))' });
      await assert.rejects(
        settled(() => loads.guest.step(none, none, 0n)),
        /memory access out of bounds/,
      );
      const divides = await make({ step: '(i32.div_u (i32.const 1) (i32.const 0))' });
      await assert.rejects(
        settled(() => divides.guest.step(none, none, 0n)),
        /divide by zero/,
      );
      const grows = await make({
        memory: '(memory (export "memory") 1 2)',
        step: '(memory.grow (i32.const 5))',
      });
      assert.equal(await grows.guest.step(none, none, 0n), -1);
    });

    test('shutdown gives its code, a probe its value or nothing', async () => {
      const { guest } = await make({
        shutdown: '(i32.const -1)',
        fields: '(func (export "probe_last_call") (result i64) (i64.const -9223372036854775808))',
      });
      assert.equal(await guest.probe('probe_last_call'), -(2n ** 63n));
      assert.equal(await guest.probe('probe_config_marker'), undefined);
      assert.equal(await guest.probe('toString'), undefined);
      assert.equal(await guest.shutdown(), -1);
    });
  });
}

suite('GuestTrap', () => {
  test('tells a stack that is used up from other errors about a range', () => {
    const overflow = new GuestTrap('pulp_step', new RangeError('Maximum call stack size exceeded'));
    assert.equal(overflow.message, 'pulp_step trapped: stack overflow');
    const cause = new RangeError('could not allocate memory');
    const memory = new GuestTrap('the start section', cause);
    assert.equal(memory.message, 'the start section trapped: could not allocate memory');
    assert.equal(memory.cause, cause);
  });
});

suite('Guest.instantiate', () => {
  test('a trap in the start section says so', async () => {
    await assert.rejects(bound(guestText({ start: '(unreachable)' })), {
      name: 'GuestTrap',
      entry: 'the start section',
      message: 'the start section trapped: unreachable',
    });
  });

  test('a memory that does not fit the import is an error of the link, and not a trap', async () => {
    const small = new WebAssembly.Memory({ initial: 1, maximum: 2 });
    const large = '(import "env" "memory" (memory 2)) (export "memory" (memory 0))';
    await assert.rejects(bound(guestText({ memory: large }), { memory: small }), WebAssembly.LinkError);
  });

  test('a memory that is imported is there in the start section already', async () => {
    const seen: string[] = [];
    const memory = new WebAssembly.Memory({ initial: 1 });
    await bound(
      guestText({
        imports: pulpImport('f', 'i32 i32'),
        memory: '(import "env" "memory" (memory 1)) (export "memory" (memory 0))',
        fields: '(data (i32.const 16) "hello")',
        start: '(drop (call $f (i32.const 16) (i32.const 5)))',
      }),
      {
        memory,
        host: {
          f: { params: ['in'], fn: (bytes) => void seen.push(Buffer.from(bytes as Uint8Array).toString()) },
        },
      },
    );
    assert.deepEqual(seen, ['hello']);
  });
});
