import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Failure as ours } from '../../runtime/src/ext.ts';
import { Failure as theirs, type Outcome } from 'pulp-runtime/ext';
import { capability, ports } from '../support/ends-extension.ts';
import { HostUnderTest } from '../support/host-under-test.ts';
import type { Scope } from '../support/scope.ts';
import { until } from '../support/until.ts';
import { all, busy, text, trap, whenArmed, arm, type Action, type WatGuest } from '../support/wat-guest.ts';

const imports = `
  (import "pulp" "ends_ask" (func $ask (param i32 i32) (result i32)))
  (import "pulp" "ends_request" (func $request (param i32 i32) (result i32)))
  (import "pulp" "ends_later" (func $later (param i32 i32) (result i32)))
  (import "pulp" "ends_event" (func $event (result i32)))`;

/** Calls a function with a text, and fails the init unless it gives that code. */
function gives(code: number, name: string, words: string): Action {
  return (data) =>
    `(if (i32.ne (call $${name} ${data.add(Buffer.from(words))}) (i32.const ${code})) (then (return (i32.const 100))))`;
}

/** A host with one plugin of that name, which declares the extension. */
function start(t: Scope, name: string, guest: WatGuest, options = ''): Promise<HostUnderTest> {
  const manifest = `capabilities = ["test.ends"]\ntick_interval_ms = 0\n${options}`;
  return HostUnderTest.start(t, [{ name, guest: { imports, ...guest }, manifest }], {
    extensions: [capability],
  });
}

/** Pushes an event to a plugin. */
function push(name: string, outcomes: Outcome[], kind = 0): boolean {
  const port = ports.get(name);
  assert.ok(port !== undefined, `${name} has a port`);
  const done = (outcome: Outcome): void => void outcomes.push(outcome);
  return port.push({ kind, id: port.nextId(), payload: Uint8Array.of(0x80), done });
}

suite('the two ends of an extension', { concurrency: 2 }, () => {
  test('both have the options of the manifest, with their defaults', async (t) => {
    const init = all(gives(0, 'ask', 'a'), gives(0, 'request', 'b'));
    const given = await start(t, 'given', { init }, '[test.ends]\ngreeting = "good day"');
    await given.line('asked: a', { greeting: 'good day' });
    await given.line('answer: good day, b', { greeting: 'good day', plugin: 'given' });
    const left = await start(t, 'left', { init });
    await left.line('asked: a', { greeting: 'hello' });
    await left.line('answer: hello, b', { greeting: 'hello', plugin: 'left' });
  });

  test('what the edge refuses is the code of the call, what it throws is code 4', async (t) => {
    const init = all(
      gives(42, 'ask', 'refuse'),
      gives(4, 'ask', 'throw'),
      gives(43, 'request', 'refuse'),
      gives(4, 'request', 'throw'),
    );
    const host = await start(t, 'refused', { init });
    const { error } = await host.line('capability failed', { plugin: 'refused', capability: 'test.ends' });
    assert.match(String(error), /^Error: told to throw\n +at /);
  });

  test('a refusal of another copy of the package is one', () => {
    assert.notEqual(theirs, ours);
    assert.ok(new theirs(42, 'no') instanceof ours);
  });

  test('a timer of the guest end is seen by a thread that has nothing else to do', async (t) => {
    const host = await start(t, 'timed', { init: gives(0, 'later', 'x') });
    await host.line('later: x', { plugin: 'timed' });
  });

  test('a function knows the event of the step that it is called in, and in init there is none', async (t) => {
    const outcomes: Outcome[] = [];
    const call: Action = text('(drop (call $event))');
    const host = await start(t, 'eventful', { init: call, step: call });
    const [before] = host.logged('event');
    assert.deepEqual(before?.fields, { plugin: 'eventful', same: true });
    push('eventful', outcomes, 1);
    await until(() => outcomes.length === 1, 'the event is over');
    const { id } = host.logged('event', { kind: 1, same: true })[0]?.fields ?? {};
    assert.equal(typeof id, 'number');
  });

  test('an event that is taken back is not delivered, and its end is not told', async (t) => {
    const outcomes: Outcome[] = [];
    const host = await start(t, 'cancelling', { step: all(text('(drop (call $event))'), busy(300)) });
    const port = ports.get('cancelling');
    assert.ok(port !== undefined);
    assert.equal(push('cancelling', outcomes), true);
    const unwanted = { kind: 1, id: port.nextId(), payload: Uint8Array.of(0x80), done: () => assert.fail() };
    assert.equal(port.push(unwanted), true);
    port.cancel(unwanted);
    assert.equal(push('cancelling', outcomes), true);
    await until(() => outcomes.length === 2, 'the others are over');
    assert.equal(host.logged('event').length, 2);
    assert.equal(host.logged('event', { kind: 1 }).length, 0);
  });

  test('events go on with the next instance', async (t) => {
    const outcomes: Outcome[] = [];
    const host = await start(t, 'again', { init: arm(), step: whenArmed(trap()) });
    assert.equal(push('again', outcomes), true);
    await until(() => outcomes.length === 1, 'the first is over');
    assert.deepEqual(outcomes, ['broken']);
    await ports.get('again')?.drained();
    assert.equal(push('again', outcomes), true);
    await host.line('plugin restarts');
    await until(() => outcomes.length === 2, 'the second is over');
  });
});
