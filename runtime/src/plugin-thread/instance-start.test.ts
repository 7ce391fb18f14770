import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { guestText, printFunction, printImport, pulpImport } from '../guest/guest-text.suite.ts';
import { ended, note, notes, ThreadUnderTest } from './thread-harness.suite.ts';

/** A command that exits with this code. */
const exiting = (code: number): string =>
  guestText({
    imports: '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))',
    fields: `(func (export "_start") (call $exit (i32.const ${code})))`,
  });

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
    assert.equal(
      state.state === 'failed' && state.reason,
      'test.probe: its guest end could not be set up: the end cannot be made',
    );
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
    await thread.ready(exiting(0));
    const state = await thread.failing(exiting(7));
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

/** So many parameters, which name one byte each. */
const byteRanges = (count: number): string => '(i32.const 8) (i32.const 1) '.repeat(count / 2);

suite('Instance: imports', () => {
  test('calls between plugins give 11, capabilities that are not declared 99', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(
      guestText({
        imports: `${note} ${pulpImport('pulp_call', 'i32 i32 i32 i32 i32 i32 i32 i32')}
          ${pulpImport('http_fetch', 'i32 i32 i32 i32')} ${pulpImport('http_respond', 'i32 i32')}`,
        init: `${notes(`(call $pulp_call ${byteRanges(8)})`)} ${notes('(call $pulp_call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))')}
          ${notes(`(call $http_fetch ${byteRanges(4)})`)} ${notes('(call $http_respond (i32.const -1) (i32.const -1))')} (i32.const 0)`,
      }),
    );
    assert.deepEqual(instance.notes, [11, 1, 99, 99]);
  });
});
