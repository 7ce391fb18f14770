import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Failure } from '../ext.ts';
import { bound, type Bound, type HostImport } from './bound-guest.suite.ts';
import { type GuestParts, sleepImport } from './guest-text.suite.ts';
import { caller, end, i32s, remembers } from './host-caller.suite.ts';

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
      const { call } = await make(
        { params: ['in'], fn },
        ranges.map((range) => i32s(...range)),
      );
      for (const index of ranges.keys()) assert.equal(await call(`call${index}`), 2, String(ranges[index]));
      assert.deepEqual(calls, []);
    });

    test('an input may end with the memory', async () => {
      const { calls, fn } = remembers();
      const { call } = await make({ params: ['in'], fn }, [i32s(end - 1, 1), i32s(0, end)]);
      assert.equal(await call('call0'), 0);
      assert.equal(await call('call1'), 0);
      assert.deepEqual(
        calls.map(({ args }) => (args[0] as number[]).length),
        [1, end],
      );
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
          {
            level: 'debug',
            message: 'host call refused',
            fields: { import: 'f', code: 6, reason: 'not there' },
          },
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
        assert.match(
          String(logs[0]?.fields['error']),
          typeof thrown === 'string' ? /a bug/ : /TypeError: a bug\n.*at /,
        );
        assert.equal(guest.broken, undefined);
      }
    });

    test('a result is placed in the memory, its place and length at the out-pointers', async () => {
      const { call, guest } = await make(
        { params: ['in', 'out'], fn: (bytes) => Buffer.from(`${String(bytes)}!`) },
        [i32s(16, 5, end - 4, 0)],
      );
      assert.equal(await call('call0'), 0);
      const { view } = guest.memory;
      const text = `${Buffer.from('hello').join(',')}!`;
      assert.deepEqual([view.getUint32(end - 4, true), view.getUint32(0, true)], [1024, text.length]);
      assert.equal(Buffer.from(guest.memory.range(1024, text.length)).toString(), text);
    });

    test('an empty result is (0, 0), and nothing is allocated for it', async () => {
      for (const fn of [() => new Uint8Array(0), () => undefined]) {
        const { call, guest } = await make({ params: ['in', 'out'], fn }, [i32s(16, 5, 0, 4)], {
          alloc: '(unreachable)',
        });
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
        const { call, guest } = await make(
          { params: ['in', 'out'], fn: () => Buffer.from('hello') },
          [i32s(16, 5, 0, 4)],
          {
            alloc,
          },
        );
        assert.equal(await call('call0'), 7);
        assert.equal(guest.memory.view.getBigUint64(0, true), 0n);
        assert.equal(guest.broken, undefined);
        assert.equal(await call('call0'), 7);
      });
    }
  });
}
