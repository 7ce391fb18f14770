import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { guestText, sleepImport } from '../guest/guest-text.suite.ts';
import { ended, noteEvent, ThreadUnderTest } from './thread-harness.suite.ts';

suite('Instance: steps that fail', () => {
  test('a trap ends the instance and leaves its event begun, those behind it untouched', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(
      guestText({
        imports: noteEvent,
        fields: '(global $steps (mut i32) (i32.const 0))',
        step: `(drop (call $note_event (i32.const 0)))
          (if (global.get $steps) (then (unreachable)))
          (global.set $steps (i32.const 1)) (i32.const 0)`,
      }),
    );
    const places = [instance.event(), instance.event(), instance.event()];
    await thread.until(() => ended(instance), 'the guest has trapped');
    assert.deepEqual(instance.states[1], {
      state: 'trapped',
      entry: 'pulp_step',
      reason: 'pulp_step trapped: unreachable',
    });
    assert.deepEqual(instance.notes, [1, 2]);
    assert.equal(instance.finished, 1);
    assert.deepEqual(
      places.slice(1).map((place) => instance.edge.started(place)),
      [true, false],
    );
  });

  for (const [where, parts] of Object.entries({
    pulp_alloc: { alloc: '(unreachable)' },
    pulp_step: { step: '(unreachable)' },
    pulp_free: { free: '(unreachable)' },
  })) {
    for (const kind of ['direct', 'suspendable'] as const) {
      test(`a trap in ${where} of a ${kind} guest ends the instance and names it`, async (t) => {
        const thread = new ThreadUnderTest(t);
        const imports = kind === 'suspendable' ? sleepImport : '';
        const instance = await thread.ready(guestText({ imports, ...parts }));
        instance.event();
        await thread.until(() => ended(instance), 'the guest has trapped');
        assert.deepEqual(instance.states[1], {
          state: 'trapped',
          entry: where,
          reason: `${where} trapped: unreachable`,
        });
        assert.equal(instance.finished, 0);
      });
    }
  }

  test('a guest that exits in a step has ended, and the reason says with what', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(
      guestText({
        imports: '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))',
        step: '(call $exit (i32.const 0)) (i32.const 0)',
      }),
    );
    instance.event();
    await thread.until(() => ended(instance), 'the guest has exited');
    assert.match(JSON.stringify(instance.states[1]), /pulp_step trapped: the guest called proc_exit\(0\)/);
  });

  test('an end that throws at the delivery ends the instance without blaming the guest', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(guestText({}));
    instance.event(Uint8Array.of(0x80), 1);
    await thread.until(() => ended(instance), 'the instance has ended');
    assert.deepEqual(instance.states[1], {
      state: 'trapped',
      entry: 'the host',
      reason: 'the delivery is refused',
    });
  });

  for (const [what, alloc] of [
    ['0', '(i32.const 0)'],
    ['a place outside the memory', '(i32.const 65536)'],
    ['a place whose end is outside the memory', '(i32.const 65530)'],
  ] as const) {
    test(`a pulp_alloc that gives ${what} costs its event, and the guest lives on`, async (t) => {
      const thread = new ThreadUnderTest(t);
      const instance = await thread.ready(
        guestText({
          imports: noteEvent,
          fields: '(global $allocs (mut i32) (i32.const 0))',
          alloc: `(global.set $allocs (i32.add (global.get $allocs) (i32.const 1)))
            (if (result i32) (i32.eq (global.get $allocs) (i32.const 2)) (then ${alloc}) (else (i32.const 1024)))`,
          step: '(call $note_event (i32.const 0))',
        }),
      );
      for (let event = 0; event < 3; event++) instance.event();
      await thread.until(() => instance.finished === 3, 'all three are finished');
      assert.deepEqual(instance.notes, [1, 3]);
      assert.equal(instance.log('step not made')?.level, 'error');
      assert.equal(instance.states.length, 1);
    });
  }
});
