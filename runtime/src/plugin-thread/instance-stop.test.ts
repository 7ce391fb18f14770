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
import { ended, note, noteEvent, notes, ThreadUnderTest } from './thread-harness.suite.ts';

const probe = (name: string, value: number): string =>
  `(func (export "${name}") (result i64) (i64.const ${value}))`;

suite('Instance: stop', () => {
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

async function terminates(t: TestContext, { thread, died }: ThreadUnderTest): Promise<void> {
  const late = Symbol('late');
  const { promise, resolve } = Promise.withResolvers<symbol>();
  const timer = setTimeout(() => resolve(late), 20_000);
  t.after(() => clearTimeout(timer));
  assert.notEqual(await Promise.race([thread.terminate(), promise]), late);
  assert.deepEqual(died, [], 'who ends a thread is not told that it died');
}

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
