import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Param } from '../ext.ts';
import { bound, type Bound } from './bound-guest.suite.ts';
import type { AnyHostFunction } from './bind.ts';
import { GuestTrap } from './guest.ts';
import { type GuestParts, sleepImport } from './guest-text.suite.ts';
import { caller, end, i32s, remembers } from './host-caller.suite.ts';

/** SQL's, which is hot, and one that is like it; the number has the binding take its general way. */
const shapes: readonly (readonly Param[])[] = [
  ['in', 'in?', 'out'],
  ['in', 'in?', 'out', 'u32'],
];

// What is hot has a way of its own through the binding, which nobody must be able to tell.
for (const params of shapes) {
  /** Arguments as constants, with the number where there is one. */
  const all = (call: readonly number[]): string[] => i32s(...call, ...(params.includes('u32') ? [0] : []));

  for (const [kind, imports] of [
    ['direct', ''],
    ['suspendable', sleepImport],
  ] as const) {
    const make = (
      fn: AnyHostFunction,
      calls: readonly (readonly number[])[],
      parts: GuestParts = {},
    ): Promise<Bound> => {
      const host = { params, fn };
      return bound(caller(host, calls.map(all), { ...parts, imports }), { host: { f: host } });
    };

    suite(`an import with ${params.join()} of a ${kind} guest`, () => {
      test('checks its arguments in order before the function acts', async () => {
        const { calls, fn } = remembers();
        const cases: readonly (readonly [code: number, call: readonly number[]])[] = [
          [1, [-1, 0, -1, 5, -1, -1]],
          [2, [-1, 5, -1, 5, -1, -1]],
          [2, [16, 5, end - 4, 5, -1, -1]],
          [8, [16, 5, 16, 5, end - 3, 0]],
          [8, [16, 5, -1, 0, 0, end - 3]],
        ];
        const { call } = await make(
          fn,
          cases.map(([, args]) => args),
        );
        for (const [index, [code]] of cases.entries()) assert.equal(await call(`call${index}`), code);
        assert.deepEqual(calls, []);
      });

      test('gets both inputs, an empty one from anywhere, and gives its result', async () => {
        const { calls, fn } = remembers((_, second) => second as Uint8Array);
        const { call, guest } = await make(fn, [
          [16, 5, 17, 3, 0, 4],
          [16, 5, -1, 0, 0, 4],
        ]);
        assert.equal(await call('call0'), 0);
        const { view } = guest.memory;
        const result = guest.memory.range(view.getUint32(0, true), view.getUint32(4, true));
        assert.equal(Buffer.from(result).toString(), 'ell');
        assert.notEqual(view.getUint32(0, true), 17);
        assert.equal(await call('call1'), 0);
        assert.deepEqual([view.getUint32(0, true), view.getUint32(4, true)], [0, 0]);
        const inputs = calls.map(({ args }) => args.slice(0, 2).map((bytes) => String(bytes)));
        assert.deepEqual(inputs, [
          [String([...Buffer.from('hello')]), String([...Buffer.from('ell')])],
          [String([...Buffer.from('hello')]), ''],
        ]);
      });

      test('is 7 without room for the result, 4 for a promise, and 4 from inside pulp_alloc', async () => {
        const args = [[16, 5, 0, 0, 0, 4]];
        const full = await make(() => Buffer.from('result'), args, { alloc: '(i32.const 0)' });
        assert.equal(await full.call('call0'), 7);
        const late = await make(() => Promise.resolve(Buffer.from('result')), args);
        assert.equal(await late.call('call0'), 4);
        const inner = await make(() => Buffer.from('result'), args, {
          alloc: `(i32.store (i32.const 8) (call $f ${all(args[0] ?? []).join(' ')})) (i32.const 1024)`,
        });
        assert.equal(await inner.call('call0'), 0);
        assert.equal(inner.guest.memory.view.getUint32(8, true), 4);
      });

      test('serves no guest whose pulp_alloc has trapped, though it catches that', async () => {
        const { calls, fn } = remembers(() => Buffer.from('result'));
        const caught = `(try (do (drop (call $f ${all([16, 5, 0, 0, 0, 4]).join(' ')}))) (catch_all))`;
        const { call, guest } = await make(fn, [], {
          alloc: '(unreachable)',
          fields: `(func (export "catches") (result i32) ${caught} ${caught} (i32.const 0))`,
        });
        await assert.rejects(
          call('catches'),
          (error) => error instanceof GuestTrap && error === guest.broken,
        );
        assert.equal(calls.length, 1);
      });
    });
  }
}
