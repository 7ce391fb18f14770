import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { bound, type Bound, type HostImport, settled } from './bound-guest.suite.ts';
import { GuestTrap } from './guest.ts';
import { type GuestParts, guestText, pulpImport, sleepImport } from './guest-text.suite.ts';
import { caller, end, i32s, remembers, work } from './host-caller.suite.ts';

// A guest that may sleep is entered through JSPI, and so are imports that reply.
for (const [kind, extra] of [
  ['direct', ''],
  ['suspendable', sleepImport],
] as const) {
  const make = (
    host: HostImport,
    calls: readonly (readonly string[])[],
    parts: GuestParts = {},
  ): Promise<Bound> =>
    bound(caller(host, calls, { ...parts, imports: `${extra} ${parts.imports ?? ''}` }), {
      host: { f: host },
    });

  suite(`results and broken ${kind} guests`, () => {
    test('memory that grows in pulp_alloc takes the result and the out-pointers all the same', async () => {
      const { call, guest } = await make(
        { params: ['in', 'out'], fn: () => Buffer.from('a result') },
        [i32s(16, 5, 0, 4)],
        { alloc: '(i32.mul (memory.grow (i32.const 1)) (i32.const 65536))' },
      );
      for (let calls = 1; calls <= 3; calls++) {
        assert.equal(await call('call0'), 0);
        const { view } = guest.memory;
        assert.deepEqual([view.getUint32(0, true), view.getUint32(4, true)], [end * calls, 8]);
        assert.equal(Buffer.from(guest.memory.range(end * calls, 8)).toString(), 'a result');
      }
    });

    test('a result that is a view of the guest arrives though the memory grows, or moves under it', async () => {
      for (const alloc of [
        '(i32.mul (memory.grow (i32.const 1)) (i32.const 65536))',
        '(memory.fill (i32.const 16) (i32.const 0) (i32.const 5)) (i32.const 1024)',
      ]) {
        const { call, guest } = await make(
          { params: ['in', 'out'], fn: (bytes) => bytes as Uint8Array },
          [i32s(16, 5, 0, 4)],
          {
            alloc,
          },
        );
        assert.equal(await call('call0'), 0);
        const { view } = guest.memory;
        assert.equal(
          Buffer.from(guest.memory.range(view.getUint32(0, true), view.getUint32(4, true))).toString(),
          'hello',
        );
      }
    });

    test('a trap in pulp_alloc under an import breaks the guest, and nothing of it runs again', async () => {
      const { calls, fn } = remembers(() => Buffer.from('a result'));
      const { call, guest, imports } = await make({ params: ['in', 'out'], fn }, [i32s(16, 5, 0, 4)], {
        alloc: '(unreachable)',
        fields: '(func (export "other") (result i32) (i32.const 5))',
      });
      assert.equal(await call('other'), 5);
      const trap = (error: unknown): boolean => error instanceof GuestTrap && error === guest.broken;
      await assert.rejects(call('call0'), trap);
      assert.equal(guest.broken?.entry, 'pulp_alloc');
      assert.equal(calls.length, 1);
      await assert.rejects(call('other'), trap);
      await assert.rejects(
        settled(() => guest.shutdown()),
        trap,
      );
      await assert.rejects(
        settled(() => guest.step(new Uint8Array(0), new Uint8Array(0), 0n)),
        trap,
      );
      const f = imports['pulp']?.['f'];
      if (typeof f === 'function')
        assert.throws(() => Reflect.apply(f, undefined, [16, 5, 0, 4]) as unknown, trap);
      assert.equal(calls.length, 1);
    });

    test('a guest that catches what breaks it is broken all the same', async () => {
      const { calls, fn } = remembers(() => Buffer.from('a result'));
      const { call, guest } = await make({ params: ['in', 'out'], fn }, [], {
        alloc: '(unreachable)',
        fields: `(func (export "catches") (result i32)
          (try (do (drop (call $f ${i32s(16, 5, 0, 4).join(' ')}))) (catch_all))
          (try (do (drop (call $f ${i32s(16, 5, 0, 4).join(' ')}))) (catch_all))
          (i32.const 0))`,
      });
      await assert.rejects(call('catches'), (error) => error === guest.broken && error instanceof GuestTrap);
      assert.equal(calls.length, 1, 'a broken guest was served');
    });

    test('an import that replies is 4 from inside pulp_alloc, one that only takes is served', async () => {
      const taken = remembers();
      const replies = remembers(() => Buffer.from('a result'));
      const text = guestText({
        imports: `${extra} ${pulpImport('take', 'i32 i32')} ${pulpImport('reply', 'i32 i32 i32 i32')}`,
        fields: `(global $inner (mut i32) (i32.const -1)) (global $took (mut i32) (i32.const -1))
          (func (export "call") (result i32) (call $reply (i32.const 16) (i32.const 5) (i32.const 0) (i32.const 4)))
          (func (export "inner") (result i32) (global.get $inner))
          (func (export "took") (result i32) (global.get $took))`,
        alloc: `(global.set $inner (call $reply (i32.const 16) (i32.const 5) (i32.const 0) (i32.const 4)))
          (global.set $took (call $take (i32.const 16) (i32.const 5)))
          (i32.const 1024)`,
      });
      const { call } = await bound(text, {
        host: { take: { params: ['in'], fn: taken.fn }, reply: { params: ['in', 'out'], fn: replies.fn } },
      });
      assert.equal(await call('call'), 0);
      assert.deepEqual([await call('inner'), await call('took')], [4, 0]);
      assert.deepEqual([replies.calls.length, taken.calls.length], [1, 1]);
      assert.equal(await call('call'), 0, 'and the next call is served again');
    });

    test('endless recursion breaks the guest and not the host', async () => {
      const { guest, call } = await make({ params: ['in'], fn: () => undefined }, [], {
        fields: '(func $deep (export "deep") (result i32) (i32.add (i32.const 1) (call $deep)))',
      });
      await assert.rejects(call('deep'), { name: 'GuestTrap', message: 'deep trapped: stack overflow' });
      assert.equal(guest.broken?.entry, 'deep');
    });

    test('recursion that runs out of stack inside a host function breaks the guest too', async () => {
      for (const params of [['in'], ['in', 'out']] as const) {
        const args = i32s(16, 5, ...(params.length === 2 ? [0, 4] : [])).join(' ');
        const { call } = await make({ params, fn: work }, [], {
          fields: `(func $deep (export "deep") (result i32)
            (local $code i32)
            (local.set $code (call $f ${args}))
            (if (local.get $code) (then (return (local.get $code))))
            (i32.add (i32.const 1000) (call $deep)))`,
        });
        await assert.rejects(call('deep'), { name: 'GuestTrap' });
      }
    });

    test('a promise from a function that does not say it waits is 4 and logged, whatever becomes of it', async () => {
      for (const params of [['in'], ['in', 'in?']] as const) {
        let calls = 0;
        const fn = (): Promise<void> =>
          ++calls === 1 ? Promise.resolve() : Promise.reject(new Error('unseen'));
        const { call, logs } = await make({ params, fn }, [i32s(16, 5, 16, 5).slice(0, params.length * 2)]);
        assert.equal(await call('call0'), 4);
        assert.equal(await call('call0'), 4);
        assert.match(String(logs[1]?.fields['error']), /f gave a promise without saying that it waits/);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });

    test('bytes are the guest’s own memory, without a copy', async () => {
      const seen: boolean[] = [];
      const { call, guest } = await make(
        {
          params: ['in'],
          fn: (bytes) => void seen.push((bytes as Uint8Array).buffer === guest.memory.memory.buffer),
        },
        [i32s(16, 5)],
      );
      await call('call0');
      assert.deepEqual(seen, [true]);
    });

    for (const [arity, short] of [
      [4, true],
      [6, false],
    ] as const) {
      test(`an import with ${arity} parameters, of a function that takes 4 or 6, gets what its arity says`, async () => {
        const { calls, fn } = remembers(() => Buffer.from('result'));
        const host: HostImport = { params: ['in', 'in?'], fn };
        const { call, guest } = await bound(
          caller(short ? host : { ...host, optional: ['out'] }, [i32s(16, 5, 0, 0, 0, 4).slice(0, arity)], {
            imports: extra,
          }),
          { host: { f: { ...host, optional: ['out'] } } },
        );
        assert.equal(await call('call0'), 0);
        assert.deepEqual(calls[0]?.args, [[...Buffer.from('hello')], []]);
        assert.equal(guest.memory.view.getUint32(4, true), short ? 0 : 6);
      });
    }

    test('an optional input is not there for a guest that does not give it', async () => {
      const { calls, fn } = remembers();
      const host: HostImport = { params: ['in'], optional: ['in?'], fn };
      const short = await bound(caller({ params: ['in'] }, [i32s(16, 5)], { imports: extra }), {
        host: { f: host },
      });
      const long = await bound(caller(host, [i32s(16, 5, 16, 1)], { imports: extra }), { host: { f: host } });
      assert.equal(await short.call('call0'), 0);
      assert.equal(await long.call('call0'), 0);
      assert.deepEqual(
        calls.map(({ args }) => args.length),
        [1, 2],
      );
    });

    test('a memory that the guest imports is used like its own', async () => {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 });
      const { calls, fn } = remembers(() => Buffer.from('result'));
      const host: HostImport = { params: ['in', 'out'], fn };
      const { call } = await bound(
        caller(host, [i32s(16, 5, 0, 4)], {
          imports: extra,
          memory: '(import "env" "memory" (memory 1 4)) (export "memory" (memory 0))',
        }),
        { host: { f: host }, memory },
      );
      assert.equal(await call('call0'), 0);
      assert.deepEqual(calls[0]?.args, [[...Buffer.from('hello')]]);
      assert.equal(Buffer.from(memory.buffer, 1024, 6).toString(), 'result');
    });
  });
}
