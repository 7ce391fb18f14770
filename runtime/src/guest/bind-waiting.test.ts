import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Failure } from '../ext.ts';
import { bound, type HostImport } from './bound-guest.suite.ts';
import { guestText, pulpImport, sleepFunction, sleepImport } from './guest-text.suite.ts';
import { caller, i32s, remembers } from './host-caller.suite.ts';

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
    const none = await bound(caller(host, [i32s(16, 5, 0, 4)], { alloc: '(i32.const 0)' }), {
      host: { f: host },
    });
    assert.equal(await none.call('call0'), 7);
    const traps = await bound(caller(host, [i32s(16, 5, 0, 4)], { alloc: '(unreachable)' }), {
      host: { f: host },
    });
    await assert.rejects(traps.call('call0'), { name: 'GuestTrap', entry: 'pulp_alloc' });
  });

  test('are checked before they act, like all others', async () => {
    const { calls, fn } = remembers();
    const host: HostImport = { params: ['in', 'out'], waits, fn };
    const { call } = await bound(caller(host, [i32s(0, 0, 0, 4), i32s(-1, 2, 0, 4), i32s(16, 5, 0, -1)]), {
      host: { f: host },
    });
    assert.deepEqual([await call('call0'), await call('call1'), await call('call2')], [1, 2, 8]);
    assert.deepEqual(calls, []);
  });

  test('are 4 from inside pulp_alloc', async () => {
    const { calls, fn } = remembers(async () => Buffer.from('result'));
    const host: HostImport = { params: ['in'], waits, fn };
    const text = caller(host, [], {
      fields:
        '(global $code (mut i32) (i32.const -1)) (func (export "code") (result i32) (global.get $code))',
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
    const sleeps = guestText({
      imports: sleepImport,
      fields: sleepFunction,
      start: '(call $sleep (i64.const 1))',
    });
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
