import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Failure } from '../ext.ts';
import type { AnyHostFunction } from './bind.ts';
import { bound, type Bound, type HostImport, settled } from './bound-guest.suite.ts';
import { GuestTrap } from './guest.ts';
import { type GuestParts, guestText, pulpImport, sleepFunction, sleepImport } from './guest-text.suite.ts';

const end = 65_536;

interface Call {
  readonly args: readonly (readonly number[] | number | bigint)[];
}

/** A host function that remembers what it was called with. */
function remembers(fn: AnyHostFunction = () => undefined): { calls: Call[]; fn: AnyHostFunction } {
  const calls: Call[] = [];
  return {
    calls,
    fn: (...args) => {
      calls.push({ args: args.map((arg) => (arg instanceof Uint8Array ? [...arg] : arg)) });
      return fn(...args);
    },
  };
}

/** The parameters of an import of module `pulp`, by its host signature. */
function paramsOf({ params, optional = [] }: HostImport): string {
  const wasm = { in: 'i32 i32', 'in?': 'i32 i32', out: 'i32 i32', u32: 'i32', u64: 'i64', f64: 'f64' } as const;
  return [...params, ...optional].map((param) => wasm[param]).join(' ');
}

/** A guest that calls `f` with these arguments in each of its exports `call0`, `call1` … */
function caller(host: HostImport, calls: readonly (readonly string[])[], parts: GuestParts = {}): string {
  const exports = calls.map(
    (args, index) => `(func (export "call${index}") (result i32) (call $f ${args.join(' ')}))`,
  );
  return guestText({
    ...parts,
    imports: `${pulpImport('f', paramsOf(host))} ${parts.imports ?? ''}`,
    fields: `(data (i32.const 16) "hello") ${exports.join(' ')} ${parts.fields ?? ''}`,
  });
}

/** Pointers and lengths as constants. */
function i32s(...values: readonly number[]): string[] {
  return values.map((value) => `(i32.const ${value})`);
}

// A guest that may sleep is entered through JSPI, and so are imports that reply.
for (const [kind, extra] of [
  ['direct', ''],
  ['suspendable', sleepImport],
] as const) {
  const make = (host: HostImport, calls: readonly (readonly string[])[], parts: GuestParts = {}): Promise<Bound> =>
    bound(caller(host, calls, { ...parts, imports: `${extra} ${parts.imports ?? ''}` }), { host: { f: host } });

  suite(`imports of a ${kind} guest`, () => {
    test('the guest is what it should be', async () => {
      const { guest } = await make({ params: ['in'] }, []);
      assert.equal(guest.suspendable, kind === 'suspendable');
    });

    test('an import of a capability that is not declared gives 99, whatever the arguments', async () => {
      const { call, logs } = await make({ params: ['in', 'in', 'out'] }, [
        i32s(16, 5, 16, 5, 0, 4),
        i32s(0, 0, 0, 0, 0, 0),
        i32s(-1, -1, -1, -1, -1, -1),
      ]);
      for (const name of ['call0', 'call1', 'call2']) assert.equal(await call(name), 99);
      assert.deepEqual(logs, []);
    });

    test('an empty input is 1, before a range outside the memory is 2, before an out-pointer is 8', async () => {
      const { calls, fn } = remembers();
      const { call } = await make({ params: ['in', 'in?', 'in', 'out'], fn }, [
        i32s(-1, 5, -1, 5, 0, 0, -1, -1),
        i32s(0, 0, -1, 5, -1, 5, -1, -1),
        i32s(16, 5, -1, 5, 16, 5, -1, -1),
        i32s(16, 5, 0, 0, end, 1, -1, -1),
        i32s(16, 5, 0, 0, 16, 5, -1, 0),
        i32s(16, 5, 0, 0, 16, 5, 0, -1),
        i32s(16, 5, 0, 0, 16, 5, end - 3, 0),
        i32s(16, 5, 0, 0, 16, 5, 0, end - 3),
      ]);
      const codes = [];
      for (let index = 0; index < 8; index++) codes.push(await call(`call${index}`));
      assert.deepEqual(codes, [1, 1, 2, 2, 8, 8, 8, 8]);
      assert.deepEqual(calls, [], 'the function has acted');
    });

    test('a range that wraps around 2^32 is outside', async () => {
      const { calls, fn } = remembers();
      const ranges: readonly (readonly [number, number])[] = [
        [0xffff_ffff, 2],
        [0xffff_fff0, 0x20],
        [1, 0xffff_ffff],
        [0x8000_0000, 0x8000_0000],
        [end, 1],
        [end - 1, 2],
      ];
      const { call } = await make({ params: ['in'], fn }, ranges.map((range) => i32s(...range)));
      for (const index of ranges.keys()) assert.equal(await call(`call${index}`), 2, String(ranges[index]));
      assert.deepEqual(calls, []);
    });

    test('an input may end with the memory', async () => {
      const { calls, fn } = remembers();
      const { call } = await make({ params: ['in'], fn }, [i32s(end - 1, 1), i32s(0, end)]);
      assert.equal(await call('call0'), 0);
      assert.equal(await call('call1'), 0);
      assert.deepEqual(calls.map(({ args }) => (args[0] as number[]).length), [1, end]);
    });

    test('the pointer of an empty optional input is not looked at', async () => {
      const { calls, fn } = remembers();
      const { call } = await make({ params: ['in', 'in?'], fn }, [i32s(16, 5, -1, 0), i32s(16, 5, 17, 2)]);
      assert.equal(await call('call0'), 0);
      assert.equal(await call('call1'), 0);
      assert.deepEqual(calls[0]?.args, [[...Buffer.from('hello')], []]);
      assert.deepEqual(calls[1]?.args, [[...Buffer.from('hello')], [...Buffer.from('el')]]);
    });

    test('numbers arrive with their sign and width', async () => {
      const { calls, fn } = remembers();
      const { call } = await make({ params: ['u32', 'u64', 'f64', 'in'], fn }, [
        ['(i32.const -1)', '(i64.const -1)', '(f64.const -0.5)', ...i32s(16, 1)],
        ['(i32.const 0)', '(i64.const 9223372036854775807)', '(f64.const nan)', ...i32s(16, 1)],
      ]);
      assert.equal(await call('call0'), 0);
      assert.equal(await call('call1'), 0);
      assert.deepEqual(calls[0]?.args, [0xffff_ffff, 2n ** 64n - 1n, -0.5, [0x68]]);
      assert.deepEqual(calls[1]?.args, [0, 2n ** 63n - 1n, Number.NaN, [0x68]]);
    });

    test('a refusal is its code, with a debug line', async () => {
      for (const params of [['in'], ['in', 'out']] as const) {
        const { call, logs } = await make(
          {
            params,
            fn: () => {
              throw new Failure(6, 'not there');
            },
          },
          [i32s(16, 5, ...(params.length === 2 ? [0, 4] : []))],
        );
        assert.equal(await call('call0'), 6);
        assert.deepEqual(logs, [
          { level: 'debug', message: 'host call refused', fields: { import: 'f', code: 6, reason: 'not there' } },
        ]);
      }
    });

    test('an error of ours is 4, with its stack in the log', async () => {
      for (const thrown of [new TypeError('a bug'), 'a bug']) {
        const { call, logs, guest } = await make(
          {
            params: ['in'],
            fn: () => {
              throw thrown;
            },
          },
          [i32s(16, 5)],
        );
        assert.equal(await call('call0'), 4);
        assert.equal(logs[0]?.level, 'error');
        assert.match(String(logs[0]?.fields['error']), typeof thrown === 'string' ? /a bug/ : /TypeError: a bug\n.*at /);
        assert.equal(guest.broken, undefined);
      }
    });

    test('a result is placed in the memory, its place and length at the out-pointers', async () => {
      const { call, guest } = await make({ params: ['in', 'out'], fn: (bytes) => Buffer.from(`${String(bytes)}!`) }, [
        i32s(16, 5, end - 4, 0),
      ]);
      assert.equal(await call('call0'), 0);
      const { view } = guest.memory;
      const text = String(Buffer.from('hello').join(',')) + '!';
      assert.deepEqual([view.getUint32(end - 4, true), view.getUint32(0, true)], [1024, text.length]);
      assert.equal(Buffer.from(guest.memory.range(1024, text.length)).toString(), text);
    });

    test('an empty result is (0, 0), and nothing is allocated for it', async () => {
      for (const fn of [() => new Uint8Array(0), () => undefined]) {
        const { call, guest } = await make({ params: ['in', 'out'], fn }, [i32s(16, 5, 0, 4)], { alloc: '(unreachable)' });
        guest.memory.bytes.fill(0xff, 0, 8);
        assert.equal(await call('call0'), 0);
        assert.equal(guest.memory.view.getBigUint64(0, true), 0n);
      }
    });

    for (const [what, alloc] of [
      ['0', '(i32.const 0)'],
      ['a place outside the memory', `(i32.const ${end})`],
      ['a place near 2^32', '(i32.const -2)'],
      ['a place whose end is outside the memory', `(i32.const ${end - 4})`],
    ] as const) {
      test(`a pulp_alloc that gives ${what} for a result is 7, and the out-pointers stay as they are`, async () => {
        const { call, guest } = await make({ params: ['in', 'out'], fn: () => Buffer.from('hello') }, [i32s(16, 5, 0, 4)], {
          alloc,
        });
        assert.equal(await call('call0'), 7);
        assert.equal(guest.memory.view.getBigUint64(0, true), 0n);
        assert.equal(guest.broken, undefined);
        assert.equal(await call('call0'), 7);
      });
    }

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
        const { call, guest } = await make({ params: ['in', 'out'], fn: (bytes) => bytes as Uint8Array }, [i32s(16, 5, 0, 4)], {
          alloc,
        });
        assert.equal(await call('call0'), 0);
        const { view } = guest.memory;
        assert.equal(Buffer.from(guest.memory.range(view.getUint32(0, true), view.getUint32(4, true))).toString(), 'hello');
      }
    });

    test('a trap in pulp_alloc under an import breaks the guest, and nothing of it runs again', async () => {
      const { calls, fn } = remembers(() => Buffer.from('a result'));
      const { call, guest, imports } = await make(
        { params: ['in', 'out'], fn },
        [i32s(16, 5, 0, 4)],
        { alloc: '(unreachable)', fields: '(func (export "other") (result i32) (i32.const 5))' },
      );
      assert.equal(await call('other'), 5);
      const trap = (error: unknown): boolean => error instanceof GuestTrap && error === guest.broken;
      await assert.rejects(call('call0'), trap);
      assert.equal(guest.broken?.entry, 'pulp_alloc');
      assert.equal(calls.length, 1);
      await assert.rejects(call('other'), trap);
      await assert.rejects(settled(() => guest.shutdown()), trap);
      await assert.rejects(settled(() => guest.step(new Uint8Array(0), new Uint8Array(0), 0n)), trap);
      const f = imports['pulp']?.['f'];
      if (typeof f === 'function') assert.throws(() => Reflect.apply(f, undefined, [16, 5, 0, 4]) as unknown, trap);
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
        const fn = (): Uint8Array => Buffer.from(JSON.stringify({ some: ['work', 1, 2, 3] }));
        const { call } = await make({ params, fn }, [], {
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
      let calls = 0;
      const fn = (): Promise<void> => (++calls === 1 ? Promise.resolve() : Promise.reject(new Error('unseen')));
      const { call, logs } = await make({ params: ['in'], fn }, [i32s(16, 5)]);
      assert.equal(await call('call0'), 4);
      assert.equal(await call('call0'), 4);
      assert.match(String(logs[1]?.fields['error']), /f gave a promise without saying that it waits/);
      await new Promise((resolve) => setImmediate(resolve));
    });

    test('bytes are the guest’s own memory, without a copy', async () => {
      const seen: boolean[] = [];
      const { call, guest } = await make(
        { params: ['in'], fn: (bytes) => void seen.push((bytes as Uint8Array).buffer === guest.memory.memory.buffer) },
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
          caller(short ? host : { ...host, optional: ['out'] }, [i32s(16, 5, 0, 0, 0, 4).slice(0, arity)], { imports: extra }),
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
      const short = await bound(caller({ params: ['in'] }, [i32s(16, 5)], { imports: extra }), { host: { f: host } });
      const long = await bound(caller(host, [i32s(16, 5, 16, 1)], { imports: extra }), { host: { f: host } });
      assert.equal(await short.call('call0'), 0);
      assert.equal(await long.call('call0'), 0);
      assert.deepEqual(calls.map(({ args }) => args.length), [1, 2]);
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

suite('imports that wait', () => {
  const waits = true;

  test('suspend the guest until they settle, and get a copy of their input', async () => {
    const { promise, resolve } = Promise.withResolvers<Uint8Array>();
    let input: Uint8Array | undefined;
    const host: HostImport = {
      params: ['in', 'out'],
      waits,
      fn: (bytes) => {
        input = bytes as Uint8Array;
        return promise;
      },
    };
    const { call, guest } = await bound(caller(host, [i32s(16, 5, 0, 4)]), { host: { f: host } });
    assert.equal(guest.suspendable, true);
    const result = call('call0');
    guest.memory.bytes.fill(0, 16, 21);
    assert.equal(Buffer.from(input ?? []).toString(), 'hello');
    resolve(Buffer.from('at last'));
    assert.equal(await result, 0);
    assert.equal(Buffer.from(guest.memory.range(1024, 7)).toString(), 'at last');
  });

  test('may give their result at once', async () => {
    const host: HostImport = { params: ['in', 'out'], waits, fn: () => Buffer.from('at once') };
    const { call, guest } = await bound(caller(host, [i32s(16, 5, 0, 4)]), { host: { f: host } });
    assert.equal(await call('call0'), 0);
    assert.equal(Buffer.from(guest.memory.range(1024, 7)).toString(), 'at once');
  });

  test('that reject give their code, or 4', async () => {
    for (const [error, code] of [
      [new Failure(11, 'not allowed'), 11],
      [new Error('a bug'), 4],
    ] as const) {
      const host: HostImport = { params: ['in', 'out'], waits, fn: () => Promise.reject(error) };
      const { call, logs } = await bound(caller(host, [i32s(16, 5, 0, 4)]), { host: { f: host } });
      assert.equal(await call('call0'), code);
      assert.equal(logs[0]?.level, code === 4 ? 'error' : 'debug');
    }
  });

  test('are 7 when there is no room for the result, and a trap when there is a trap', async () => {
    const host: HostImport = { params: ['in', 'out'], waits, fn: async () => Buffer.from('result') };
    const none = await bound(caller(host, [i32s(16, 5, 0, 4)], { alloc: '(i32.const 0)' }), { host: { f: host } });
    assert.equal(await none.call('call0'), 7);
    const traps = await bound(caller(host, [i32s(16, 5, 0, 4)], { alloc: '(unreachable)' }), { host: { f: host } });
    await assert.rejects(traps.call('call0'), { name: 'GuestTrap', entry: 'pulp_alloc' });
  });

  test('are checked before they act, like all others', async () => {
    const { calls, fn } = remembers();
    const host: HostImport = { params: ['in', 'out'], waits, fn };
    const { call } = await bound(caller(host, [i32s(0, 0, 0, 4), i32s(-1, 2, 0, 4), i32s(16, 5, 0, -1)]), { host: { f: host } });
    assert.deepEqual([await call('call0'), await call('call1'), await call('call2')], [1, 2, 8]);
    assert.deepEqual(calls, []);
  });

  test('are 4 from inside pulp_alloc', async () => {
    const { calls, fn } = remembers(async () => Buffer.from('result'));
    const host: HostImport = { params: ['in'], waits, fn };
    const text = caller(host, [], {
      fields: '(global $code (mut i32) (i32.const -1)) (func (export "code") (result i32) (global.get $code))',
      alloc: '(global.set $code (call $f (i32.const 16) (i32.const 5))) (i32.const 1024)',
    });
    const { guest, call } = await bound(text, { host: { f: host } });
    await guest.step(new Uint8Array(0), new Uint8Array(0), 0n);
    assert.equal(await call('code'), 4);
    assert.deepEqual(calls, []);
  });

  test('do not make a guest suspendable that may not call them, or does not import them', async () => {
    const undeclared: HostImport = { params: ['in'], waits };
    const stub = await bound(caller(undeclared, [i32s(16, 5)]), { host: { f: undeclared } });
    assert.equal(stub.guest.suspendable, false);
    assert.equal(await stub.call('call0'), 99);
    const other = await bound(guestText({}), { host: { f: { ...undeclared, fn: () => undefined } } });
    assert.equal(other.guest.suspendable, false);
  });

  test('that a start section calls are an error that says so', async () => {
    for (const fn of [async () => undefined, () => undefined]) {
      const host: HostImport = { params: ['u32'], waits, fn };
      const text = guestText({ imports: pulpImport('f', 'i32'), start: '(drop (call $f (i32.const 1)))' });
      await assert.rejects(bound(text, { host: { f: host } }), {
        name: 'GuestTrap',
        message: 'the start section trapped: nothing can wait in a start section',
      });
    }
    const sleeps = guestText({ imports: sleepImport, fields: sleepFunction, start: '(call $sleep (i64.const 1))' });
    await assert.rejects(bound(sleeps), /nothing can wait in a start section/);
  });
});

suite('a suspendable guest', () => {
  test('may wait inside pulp_alloc, while a result is placed and before a step', async () => {
    const host: HostImport = { params: ['in', 'out'], fn: () => Buffer.from('result') };
    const { guest, call } = await bound(
      caller(host, [i32s(16, 5, 0, 4)], {
        imports: sleepImport,
        fields: sleepFunction,
        alloc: '(call $sleep (i64.const 1_000_000)) (i32.const 1024)',
        step: '(i32.load8_u offset=20 (local.get $at))',
      }),
      { host: { f: host } },
    );
    assert.equal(await call('call0'), 0);
    assert.equal(Buffer.from(guest.memory.range(1024, 6)).toString(), 'result');
    assert.equal(await guest.step(Uint8Array.of(7), new Uint8Array(0), 0n), 7);
  });

  test('gets its replies right through many waits inside pulp_alloc', async () => {
    let count = 0;
    const host: HostImport = { params: ['in', 'out'], fn: () => Buffer.from(String((count += 1))) };
    const { guest, call } = await bound(
      caller(host, [i32s(16, 5, 0, 4)], {
        imports: sleepImport,
        fields: `${sleepFunction} (global $next (mut i32) (i32.const 1024)) (global $allocs (mut i32) (i32.const 0))`,
        alloc: `(global.set $allocs (i32.add (global.get $allocs) (i32.const 1)))
          (if (i32.eqz (i32.rem_u (global.get $allocs) (i32.const 50))) (then (call $sleep (i64.const 1000))))
          (global.set $next (i32.add (global.get $next) (i32.const 8)))
          (global.get $next)`,
      }),
      { host: { f: host } },
    );
    for (let calls = 1; calls <= 1000; calls++) {
      assert.equal(await call('call0'), 0);
      const { view } = guest.memory;
      const reply = guest.memory.range(view.getUint32(0, true), view.getUint32(4, true));
      assert.equal(Buffer.from(reply).toString(), String(calls));
    }
  });
});

suite('imports that cannot be bound', () => {
  const host: Readonly<Record<string, HostImport>> = {
    f: { params: ['in', 'out'], fn: () => undefined },
    g: { params: ['in', 'u64'], optional: ['f64'] },
  };
  const importing = (text: string): Promise<Bound> => bound(guestText({ imports: text }), { host });

  test('a function that no capability has is named, with those that there are', async () => {
    await assert.rejects(importing(pulpImport('teleport', 'i32')), {
      name: 'ModuleError',
      code: 'unknown-import',
      message: 'guest.wasm: unknown import "pulp"."teleport": no capability of this host has it; those of "pulp" are f, g',
    });
  });

  test('a module that is not there is named, with a hint where one is known', async () => {
    for (const [module, name, hint] of [
      ['env', 'abort', /"env"\."abort": compile AssemblyScript with --use abort=/],
      ['env', 'malloc', /"env"\."malloc": a C or Rust module was linked with undefined symbols/],
      ['wasi_unstable', 'fd_write', /only WASI preview 1 \(wasi_snapshot_preview1\) is there/],
      ['wasm:js-string', 'length', /an engine builtin/],
      ['go', 'debug', /only the modules "pulp" and "wasi_snapshot_preview1" are there/],
    ] as const) {
      await assert.rejects(importing(`(import "${module}" "${name}" (func))`), { code: 'unknown-import', message: hint });
    }
  });

  test('what is no function is named with its kind', async () => {
    for (const [kind, text] of [
      ['global', '(global i32)'],
      ['table', '(table 1 funcref)'],
    ] as const) {
      await assert.rejects(importing(`(import "pulp" "f" ${text})`), {
        code: 'unknown-import',
        message: new RegExp(`"pulp"\\."f": the host gives functions only, not a ${kind}`),
      });
    }
  });

  test('another signature is named with the one that is expected, whether declared or not', async () => {
    await assert.rejects(importing('(import "pulp" "f" (func (param i32 i64)))'), {
      code: 'import-signature',
      message:
        'guest.wasm: import "pulp"."f" (test.declared) has the signature (i32, i64) -> (), expected (i32, i32, i32, i32) -> i32',
    });
    await assert.rejects(importing(pulpImport('g', 'i32 i32 i32')), {
      code: 'import-signature',
      message: /"g" \(test\.undeclared\).*expected \(i32, i32, i64\) -> i32 or \(i32, i32, i64, f64\) -> i32/,
    });
    await importing(pulpImport('g', 'i32 i32 i64'));
    await importing(pulpImport('g', 'i32 i32 i64 f64'));
  });
});
