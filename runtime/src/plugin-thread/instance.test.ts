import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import {
  forever,
  type GuestParts,
  guestText,
  printFunction,
  printImport,
  pulpImport,
  sleepFunction,
  sleepImport,
} from '../guest/guest-text.suite.ts';
import { inlineBytes } from '../link/link.ts';
import type { InstanceState } from './protocol.ts';
import { ThreadUnderTest } from './thread-harness.suite.ts';

const note = pulpImport('note', 'i32');
const noteEvent = pulpImport('note_event', 'i32');

/** Notes a number. */
function notes(value: string): string {
  return `(drop (call $note ${value}))`;
}

function ended(instance: { states: readonly InstanceState[] }): boolean {
  return instance.states.length > 1;
}

suite('Instance: start', () => {
  test('is ready once its init has returned, and what it did before came first', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(
      guestText({
        imports: note,
        start: notes('(i32.const 1)'),
        initialize: notes('(i32.const 2)'),
        init: `${notes('(i32.const 3)')} (i32.const 0)`,
      }),
    );
    assert.deepEqual(instance.said, ['note 1', 'note 2', 'note 3', 'state ready']);
  });

  test('init gets the config, and (0, 0) without one', async (t) => {
    const thread = new ThreadUnderTest(t);
    const text = guestText({
      imports: note,
      init: `${notes('(local.get $at)')} ${notes('(local.get $length)')} ${notes('(i32.load (local.get $at))')} (i32.const 0)`,
    });
    const none = await thread.ready(text);
    assert.deepEqual(none.notes.slice(0, 2), [0, 0]);
    const some = await thread.ready(text, { config: Uint8Array.of(1, 2, 3, 4, 5) });
    assert.deepEqual(some.notes, [1024, 5, 0x04030201]);
  });

  test('an init that refuses fails with the code and the reason that the guest gives', async (t) => {
    const thread = new ThreadUnderTest(t);
    const reason = `(data (i32.const 64) "no database \\c3\\bc")
      (func (export "pulp_init_error_ptr") (result i32) (i32.const 64))
      (func (export "pulp_init_error_len") (result i32) (i32.const 14))`;
    const state = await thread.failing(guestText({ init: '(i32.const 3)', fields: reason }));
    assert.deepEqual(
      { ...state, instance: 0 },
      { state: 'failed', reason: 'pulp_init returned 3: no database ü', instance: 0 },
    );
    const silent = await thread.failing(guestText({ init: '(i32.const -1)' }));
    assert.equal(silent.state === 'failed' && silent.reason, 'pulp_init returned -1');
  });

  test('what a guest printed is logged before it is said how it ended, a last line without end included', async (t) => {
    const thread = new ThreadUnderTest(t);
    const parts = { imports: printImport, fields: printFunction('first\nsecond\nthe reason') };
    for (const [body, state] of [
      [{ init: '(call $print) (i32.const 1)' }, 'failed'],
      [{ init: '(call $print) (unreachable)' }, 'failed'],
      [{ initialize: '(call $print) (unreachable)' }, 'failed'],
    ] as const) {
      const { instance } = await thread.failing(guestText({ ...parts, ...body }));
      assert.deepEqual(instance.said.slice(0, 3), ['log first', 'log second', 'log the reason']);
      assert.equal(instance.said.at(-1), `state ${state}`);
      assert.deepEqual(instance.log('the reason')?.fields, { plugin: 'guest', stream: 'stdout' });
    }
    const stepping = await thread.ready(guestText({ ...parts, step: '(call $print) (unreachable)' }));
    stepping.event();
    await thread.until(() => ended(stepping), 'the guest has trapped');
    assert.deepEqual(stepping.said.slice(-4), ['log second', 'log the reason', 'ended', 'state trapped']);
  });

  for (const [where, parts] of Object.entries({
    'the start section': { start: '(unreachable)' },
    _initialize: { initialize: '(unreachable)' },
    pulp_alloc: { alloc: '(unreachable)' },
    pulp_init: { init: '(unreachable)' },
    pulp_free: { free: '(unreachable)' },
  })) {
    test(`a trap in ${where} fails the start and names it`, async (t) => {
      const thread = new ThreadUnderTest(t);
      const state = await thread.failing(guestText(parts), { config: Uint8Array.of(0x80) });
      assert.ok(state.state === 'failed');
      assert.equal(state.reason, `${where} trapped: unreachable`);
    });
  }

  test('a capability whose end cannot be made fails the start with its reason', async (t) => {
    const thread = new ThreadUnderTest(t);
    const state = await thread.failing(guestText({}), { name: 'no-end' });
    assert.equal(state.state === 'failed' && state.reason, 'the end cannot be made');
  });

  test('a null pointer for the config fails the start', async (t) => {
    const thread = new ThreadUnderTest(t);
    const state = await thread.failing(guestText({ alloc: '(i32.const 0)' }), {
      config: Uint8Array.of(0x80),
    });
    assert.match(state.state === 'failed' ? state.reason : '', /pulp_alloc\(1\) returned 0/);
  });

  test('a guest that waits in its start section fails with a reason that says so', async (t) => {
    const thread = new ThreadUnderTest(t);
    const state = await thread.failing(
      guestText({ imports: pulpImport('pause', 'i32'), start: '(drop (call $pause (i32.const 1)))' }),
    );
    assert.match(state.state === 'failed' ? state.reason : '', /start section.*nothing can wait/);
  });

  test('a guest may wait in _initialize and in init', async (t) => {
    const thread = new ThreadUnderTest(t);
    const pause = '(drop (call $pause (i32.const 5)))';
    const instance = await thread.ready(
      guestText({
        imports: pulpImport('pause', 'i32') + note,
        initialize: `${pause} ${notes('(i32.const 1)')}`,
        init: `${pause} ${notes('(i32.const 2)')} (i32.const 0)`,
      }),
    );
    assert.deepEqual(instance.said, ['note 1', 'note 2', 'state ready']);
  });

  test('a command that exits with 0 is started, with another code it is not', async (t) => {
    const thread = new ThreadUnderTest(t);
    const start = (code: number): string =>
      guestText({
        imports: '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))',
        fields: `(func (export "_start") (call $exit (i32.const ${code})))`,
      });
    await thread.ready(start(0));
    const state = await thread.failing(start(7));
    assert.match(
      state.state === 'failed' ? state.reason : '',
      /_start trapped: the guest called proc_exit\(7\)/,
    );
  });

  test('a request from init is answered, though the guest has sent nothing else', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.start(
      guestText({
        imports: note + pulpImport('consult', 'i32 i32 i32 i32'),
        fields: '(data (i32.const 8) "?")',
        init: `(drop (call $consult (i32.const 8) (i32.const 1) (i32.const 16) (i32.const 20)))
          ${notes('(i32.load (i32.load (i32.const 16)))')} ${notes('(i32.load (i32.const 20))')} (i32.const 0)`,
      }),
    );
    instance.answer = async (payload) => Uint8Array.of(...payload, 1, 0, 0);
    await thread.until(() => instance.states.length > 0, 'the instance says how it is');
    assert.deepEqual(instance.notes, [0x013f, 4]);
  });
});

suite('Instance: steps', () => {
  test('an event is a step with its envelope, its kind and its own map', async (t) => {
    const thread = new ThreadUnderTest(t);
    const text = guestText({
      imports: note,
      step: `(local $i i32) ${notes('(local.get $length)')}
        (loop $next
          ${notes('(i32.load8_u (i32.add (local.get $at) (local.get $i)))')}
          (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $length))))
        (i32.const 0)`,
    });
    for (const [eventPayload, header] of [
      ['embedded', []],
      ['bin', [0xc4, 3]],
    ] as const) {
      const instance = await thread.ready(text, { eventPayload });
      instance.event(Uint8Array.of(0x81, 1, 2));
      instance.event(Uint8Array.of(0x81, 3, 4));
      await thread.until(() => instance.finished === 2, 'both steps are over');
      const message = [0x82, ...str('kind'), ...str('probe.event'), ...str('payload'), ...header, 0x81];
      const size = 20 + message.length + 2;
      const steps = [instance.notes.slice(0, size + 1), instance.notes.slice(size + 1)];
      for (const [index, [length, ...bytes]] of steps.entries()) {
        assert.equal(length, size);
        const envelope = new DataView(Uint8Array.from(bytes).buffer);
        assert.equal(envelope.getBigUint64(0, true), BigInt(index));
        const age = Date.now() - Number(envelope.getBigUint64(8, true) / 1_000_000n);
        assert.ok(Math.abs(age) < 60_000, `the wall time is ${age} ms off`);
        assert.equal(envelope.getUint32(16, true), size - 20);
        assert.deepEqual(bytes.slice(20), [...message, 1 + 2 * index, 2 + 2 * index]);
      }
    }
  });

  test('an event is finished after every effect of its step was sent', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(
      guestText({ imports: noteEvent, step: '(call $note_event (i32.const 0))' }),
    );
    const events = 2000;
    let sent = 0;
    await thread.until(() => {
      while (sent < events && sent - instance.finished < 100) {
        instance.event();
        sent += 1;
      }
      instance.drain();
      assert.ok(instance.notes.length >= instance.finished);
      return instance.finished === events;
    }, 'all steps are over');
    assert.deepEqual(
      instance.notes,
      Array.from({ length: events }, (_, index) => index + 1),
    );
  });

  test('large events arrive whole', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(
      guestText({
        imports: note,
        memory: '(memory (export "memory") 4)',
        step: `${notes('(local.get $length)')}
          ${notes('(i32.load8_u (i32.sub (i32.add (local.get $at) (local.get $length)) (i32.const 1)))')} (i32.const 0)`,
      }),
    );
    for (const length of [inlineBytes, inlineBytes + 1, 100_000]) {
      const payload = new Uint8Array(length);
      payload[length - 1] = 0x5a;
      const before = instance.finished;
      instance.event(payload);
      await thread.until(() => instance.finished > before, 'the step is over');
      assert.deepEqual(instance.notes.splice(0), [20 + 26 + length, 0x5a]);
    }
  });

  test('a step knows its event, a tick has none, and it is told live that its event is cancelled', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(
      guestText({
        imports: noteEvent + pulpImport('pause', 'i32'),
        step: '(drop (call $note_event (i32.const 0))) (drop (call $pause (i32.const 20))) (call $note_event (i32.const 0))',
      }),
      { tickIntervalMs: 200 },
    );
    const place = instance.event();
    await thread.until(() => instance.notes.includes(1), 'the step has begun');
    assert.equal(instance.edge.cancel(place), false);
    await thread.until(() => instance.notes.includes(2 ** 31 + 1), 'the step knows');
    await thread.until(() => instance.notes.includes(0), 'a tick has come');
  });

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

  test('the first step is a heartbeat, the next ones are not', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(guestText({}));
    for (let event = 0; event < 20; event++) instance.event();
    await thread.until(() => instance.finished === 20, 'all are finished');
    const beats = instance.logs.filter(({ message }) => message === 'step heartbeat');
    assert.deepEqual(
      beats.map(({ fields }) => fields),
      [{ plugin: 'guest', call_number: 0 }],
    );
  });

  test('what a step returns is a debug line, and no line when nobody reads those', async (t) => {
    for (const debug of [true, false]) {
      const thread = new ThreadUnderTest(t);
      const instance = await thread.ready(guestText({ step: '(i32.const -5)' }), { debug });
      instance.event();
      await thread.until(() => instance.finished === 1, 'the step is over');
      assert.deepEqual(
        instance.log('step returned a handle')?.fields,
        debug ? { plugin: 'guest', handle: -5 } : undefined,
      );
    }
  });
});

suite('Instance: stop', () => {
  const probe = (name: string, value: number): string =>
    `(func (export "${name}") (result i64) (i64.const ${value}))`;

  test('runs the probes, then the shutdown, then leaves its scopes', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(
      guestText({
        imports: note + printImport,
        fields: `${probe('probe_config_marker', -7)} ${probe('probe_last_call', 42)} ${printFunction('bye')}`,
        shutdown: `${notes('(i32.const 9)')} (call $print) (i32.const 5)`,
      }),
    );
    thread.thread.stop(instance.number);
    await thread.until(() => ended(instance), 'the instance has stopped');
    assert.deepEqual(instance.said.slice(1), [
      'log probe last envelope',
      'log probe config marker',
      'note 9',
      'log bye',
      'ended',
      'state stopped',
    ]);
    assert.equal(instance.log('probe last envelope')?.fields['last_call'], 42);
    assert.equal(instance.log('probe config marker')?.fields['marker'], -7);
    assert.deepEqual(instance.states[1], { state: 'stopped', code: 5 });
  });

  test('a guest without probes stops without a word about them, twice asked or not', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(guestText({}));
    thread.thread.stop(instance.number);
    thread.thread.stop(instance.number);
    await thread.until(() => ended(instance), 'the instance has stopped');
    assert.deepEqual(instance.said, ['state ready', 'ended', 'state stopped']);
    thread.thread.stop(instance.number);
    thread.thread.stop(99);
    await thread.ready(guestText({}));
    assert.equal(instance.states.length, 2);
  });

  for (const [where, parts] of Object.entries({
    pulp_shutdown: { shutdown: '(unreachable)' },
    probe_last_call: { fields: '(func (export "probe_last_call") (result i64) (unreachable))' },
  })) {
    for (const kind of ['direct', 'suspendable'] as const) {
      test(`a trap in ${where} of a ${kind} guest is a trap and no orderly stop`, async (t) => {
        const thread = new ThreadUnderTest(t);
        const imports = kind === 'suspendable' ? sleepImport : '';
        const instance = await thread.ready(guestText({ imports, ...(parts as GuestParts) }));
        thread.thread.stop(instance.number);
        await thread.until(() => ended(instance), 'the instance has ended');
        assert.deepEqual(instance.states[1], {
          state: 'trapped',
          entry: where,
          reason: `${where} trapped: unreachable`,
        });
      });
    }
  }

  test('a step that waits is over before the shutdown begins', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(
      guestText({
        imports: note + pulpImport('pause', 'i32'),
        step: `${notes('(i32.const 1)')} (drop (call $pause (i32.const 30))) ${notes('(i32.const 2)')} (i32.const 0)`,
        shutdown: `${notes('(i32.const 3)')} (i32.const 0)`,
      }),
    );
    instance.event();
    await thread.until(() => instance.notes.length === 1, 'the step has begun');
    thread.thread.stop(instance.number);
    await thread.until(() => ended(instance), 'the instance has stopped');
    assert.deepEqual(instance.notes, [1, 2, 3]);
  });

  test('an end whose scope cannot be left is logged, and the instance has stopped all the same', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(guestText({}), { name: 'bad-scope' });
    thread.thread.stop(instance.number);
    await thread.until(() => ended(instance), 'the instance has stopped');
    assert.equal(instance.log('capability failed to end')?.level, 'error');
    assert.deepEqual(instance.states[1], { state: 'stopped', code: 0 });
  });
});

suite('Instance: endless loops', () => {
  for (const [where, parts] of Object.entries({
    'the start section': { start: forever },
    _initialize: { initialize: forever },
    pulp_alloc: { alloc: forever },
    pulp_init: { init: forever },
  } satisfies Record<string, GuestParts>)) {
    test(`a thread whose guest loops in ${where} can be ended`, async (t) => {
      const thread = new ThreadUnderTest(t);
      const instance = await thread.start(guestText(parts), { config: Uint8Array.of(0x80) });
      await new Promise((resolve) => setTimeout(resolve, 100));
      instance.drain();
      assert.deepEqual(instance.states, []);
      await terminates(t, thread);
    });
  }

  test('a thread whose guest loops in pulp_step can be ended, and its event has begun', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(guestText({ step: forever }));
    const place = instance.event();
    await thread.until(() => instance.edge.started(place), 'the step has begun');
    thread.thread.stop(instance.number);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await terminates(t, thread);
    instance.drain();
    assert.equal(instance.states.length, 1, 'it has stopped in the middle of its step');
    assert.equal(instance.finished, 0);
    assert.equal(instance.edge.started(place), true);
  });

  test('a thread whose guest loops in pulp_shutdown can be ended', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(guestText({ shutdown: forever }));
    thread.thread.stop(instance.number);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await terminates(t, thread);
    instance.drain();
    assert.equal(instance.states.length, 1);
  });

  async function terminates(t: TestContext, { thread, died }: ThreadUnderTest): Promise<void> {
    const late = Symbol('late');
    const { promise, resolve } = Promise.withResolvers<symbol>();
    const timer = setTimeout(() => resolve(late), 20_000);
    t.after(() => clearTimeout(timer));
    assert.notEqual(await Promise.race([thread.terminate(), promise]), late);
    assert.deepEqual(died, [], 'who ends a thread is not told that it died');
  }
});

suite('Instance: two guests on a thread', () => {
  test('each has its own memory, events and numbers', async (t) => {
    const thread = new ThreadUnderTest(t);
    const text = guestText({
      imports: note,
      fields: '(global $count (mut i32) (i32.const 0))',
      step: `(global.set $count (i32.add (global.get $count) (i32.const 1)))
        ${notes('(global.get $count)')} ${notes('(i32.load (local.get $at))')} (i32.const 0)`,
    });
    const [one, two] = [await thread.ready(text, { name: 'one' }), await thread.ready(text, { name: 'two' })];
    for (let event = 0; event < 3; event++) one.event();
    two.event();
    await thread.until(() => one.finished === 3 && two.finished === 1, 'all steps are over');
    assert.deepEqual(one.notes, [1, 0, 2, 1, 3, 2]);
    assert.deepEqual(two.notes, [1, 0]);
    assert.equal(two.log('step heartbeat')?.fields['plugin'], 'two');
  });

  test('one goes on while the other sleeps in its step', async (t) => {
    const thread = new ThreadUnderTest(t);
    const sleeper = await thread.ready(
      guestText({
        imports: sleepImport + note,
        fields: sleepFunction,
        step: `(call $sleep (i64.const 500_000_000)) ${notes('(i32.const 1)')} (i32.const 0)`,
      }),
    );
    const other = await thread.ready(
      guestText({ imports: noteEvent, step: '(call $note_event (i32.const 0))' }),
    );
    sleeper.event();
    const start = performance.now();
    for (let event = 1; event <= 50; event++) {
      other.event();
      await thread.until(() => other.notes.length === event, 'the other guest has answered');
    }
    assert.deepEqual(sleeper.notes, [], 'it slept for too short a time');
    await thread.until(() => sleeper.finished === 1, 'the sleeper is awake');
    assert.deepEqual(sleeper.notes, [1]);
    assert.ok(performance.now() - start > 490, 'it slept for too short a time');
  });

  test('one goes on while the other sleeps in its pulp_alloc', async (t) => {
    const thread = new ThreadUnderTest(t);
    const sleeper = await thread.ready(
      guestText({
        imports: sleepImport,
        fields: sleepFunction,
        alloc: '(call $sleep (i64.const 500_000_000)) (i32.const 1024)',
      }),
    );
    const other = await thread.ready(
      guestText({ imports: noteEvent, step: '(call $note_event (i32.const 0))' }),
    );
    sleeper.event();
    await thread.until(() => {
      // Answered only if the thread does not wait for the sleeper.
      if (other.finished === other.notes.length && other.notes.length < 50) other.event();
      return other.notes.length >= 50;
    }, 'the other guest has answered');
    assert.equal(sleeper.finished, 0, 'the other guest was answered only when the sleeper was awake');
    await thread.until(() => sleeper.finished === 1, 'the sleeper is awake');
  });

  test('one goes on when the other has trapped, and a third can be started', async (t) => {
    const thread = new ThreadUnderTest(t);
    const broken = await thread.ready(guestText({ step: '(unreachable)' }));
    const other = await thread.ready(
      guestText({ imports: noteEvent, step: '(call $note_event (i32.const 0))' }),
    );
    broken.event();
    await thread.until(() => ended(broken), 'the guest has trapped');
    other.event();
    await thread.until(() => other.notes.length === 1, 'the other guest has answered');
    const third = await thread.ready(
      guestText({ imports: noteEvent, step: '(call $note_event (i32.const 0))' }),
    );
    third.event();
    await thread.until(() => third.notes.length === 1, 'the third guest has answered');
  });
});

function str(text: string): number[] {
  return [0xa0 | text.length, ...Buffer.from(text)];
}
