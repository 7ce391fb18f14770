import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decode, type Event, type Outcome, type Port } from 'pulp-runtime/ext';
import { FakeClock, hour, minute, second } from './clock.suite.ts';
import { type CronOptions, CronPlugin } from './plugin-end.ts';

const ignore = (): void => undefined;

/** A plugin end behind a port that takes events or does not, and what came of it. */
function cron(schedules: Readonly<Record<string, string>> = { a: '* * * * *' }) {
  const clock = new FakeClock('2026-01-01T00:00:30Z');
  const taken: Event[] = [];
  const warned: unknown[] = [];
  const state = { up: true, full: false, ids: 0, finished: 0 };
  const port: Port<CronOptions> = {
    plugin: { name: 'guest', version: '1.0.0' },
    options: {
      timezone: 'UTC',
      schedules: Object.entries(schedules).map(([name, pattern]) => ({ name, cron: pattern })),
    },
    signal: new AbortController().signal,
    scope: new AsyncDisposableStack(),
    get up() {
      return state.up;
    },
    restarting: false,
    retryAfter: 1,
    nextId: () => (state.ids += 1),
    push(event) {
      if (!state.up || state.full) return false;
      taken.push(event);
      return true;
    },
    // What is paused may settle it and still take nothing.
    drained: () => Promise.resolve(),
    cancel: () => undefined,
  };
  const log = {
    debug: ignore,
    info: ignore,
    error: ignore,
    warn: (message: string, fields: object = {}) => void warned.push({ message, ...fields }),
  };
  const plugin = new CronPlugin({ port, log, clock });
  const told = (): readonly string[] =>
    taken.map(({ payload }) => {
      const fields = decode(payload) as ReadonlyMap<string, bigint | string>;
      const at = new Date(Number(BigInt(fields.get('scheduled_at') ?? 0) / 1_000_000n)).toISOString();
      return `${String(fields.get('name'))} ${at.slice(11, 16)} missed ${String(fields.get('missed'))}`;
    });
  return {
    clock,
    plugin,
    port,
    taken,
    told,
    warned,
    state,
    /** Ends the oldest event that is not finished. */
    finish: (outcome: Outcome = 'done'): void => {
      const event = taken[state.finished];
      state.finished += 1;
      event?.done?.(outcome);
    },
  };
}

suite('the schedules of a plugin', () => {
  test('nothing is due before its first init is over', () => {
    const { clock, plugin, told } = cron();
    clock.pass(5 * minute);
    plugin.ready();
    clock.pass(minute);
    assert.deepEqual(told(), ['a 00:06 missed 0']);
  });

  test('a run that comes while the one before is in the plugin waits for its end', () => {
    const { clock, plugin, told, finish } = cron();
    plugin.ready();
    clock.pass(2 * minute);
    assert.deepEqual(told(), ['a 00:01 missed 0']);
    finish();
    assert.deepEqual(told().slice(1), ['a 00:02 missed 0']);
  });

  test('of those that wait the last counts, and the others were missed: the next tick says so, and it alone', () => {
    const { clock, plugin, told, finish, warned } = cron();
    plugin.ready();
    clock.pass(5 * minute);
    finish();
    finish();
    clock.pass(minute);
    assert.deepEqual(told(), ['a 00:01 missed 0', 'a 00:05 missed 3', 'a 00:06 missed 0']);
    assert.deepEqual(warned, [
      { message: 'cron runs missed', plugin: 'guest', schedule: 'a', runs: 1 },
      { message: 'cron runs missed', plugin: 'guest', schedule: 'a', runs: 1 },
      { message: 'cron runs missed', plugin: 'guest', schedule: 'a', runs: 1 },
    ]);
  });

  test('what was missed is logged once a minute, with the count', () => {
    const { clock, plugin, warned } = cron({ a: '* * * * * *' });
    plugin.ready();
    clock.pass(2 * minute);
    assert.equal(warned.length, 2);
    assert.deepEqual(warned[1], { message: 'cron runs missed', plugin: 'guest', schedule: 'a', runs: 60 });
  });

  test('schedules do not wait for one another', () => {
    const { clock, plugin, told } = cron({ a: '* * * * *', b: '* * * * *' });
    plugin.ready();
    clock.pass(minute);
    assert.deepEqual(told(), ['a 00:01 missed 0', 'b 00:01 missed 0']);
  });

  test('a run that finds no instance waits for the next one', () => {
    const { clock, plugin, told, state } = cron();
    plugin.ready();
    state.up = false;
    clock.pass(minute);
    assert.deepEqual(told(), []);
    state.up = true;
    plugin.resend();
    assert.deepEqual(told(), ['a 00:01 missed 0']);
  });

  test('a run that finds the queue full comes soon after there is room, and once', () => {
    const { clock, plugin, told, state, finish } = cron();
    plugin.ready();
    state.full = true;
    clock.pass(2 * minute);
    state.full = false;
    clock.pass(second);
    assert.deepEqual(told(), ['a 00:02 missed 1']);
    finish();
    clock.pass(20 * second);
    assert.deepEqual([told().length, clock.timers], [1, 1]);
  });

  test('a run that finds the plugin paused comes soon after the pause, without another instance', () => {
    const { clock, plugin, told, state } = cron({ nightly: '0 3 * * *' });
    plugin.ready();
    state.up = false;
    clock.pass(3 * hour + minute);
    assert.deepEqual(told(), []);
    state.up = true;
    clock.pass(second);
    assert.deepEqual(told(), ['nightly 03:00 missed 0']);
  });

  test('a tick that was not delivered goes to the next instance, unless a later run waits', () => {
    const { clock, plugin, told, finish, state } = cron();
    plugin.ready();
    clock.pass(minute);
    state.up = false;
    finish('undelivered');
    state.up = true;
    plugin.resend();
    assert.deepEqual(told(), ['a 00:01 missed 0', 'a 00:01 missed 0']);
    clock.pass(minute);
    state.up = false;
    finish('undelivered');
    state.up = true;
    plugin.resend();
    assert.deepEqual(told().slice(2), ['a 00:02 missed 1']);
  });

  test('a tick that broke the plugin, or took too long, does not come again', () => {
    for (const outcome of ['broken', 'overdue'] as const) {
      const { clock, plugin, told, finish } = cron();
      plugin.ready();
      clock.pass(minute);
      finish(outcome);
      plugin.resend();
      assert.deepEqual(told(), ['a 00:01 missed 0'], outcome);
    }
  });

  test('a plugin that is ended gets no more, and no timer is left', async () => {
    const { clock, plugin, told, port, finish } = cron();
    plugin.ready();
    clock.pass(2 * minute);
    plugin.draining();
    plugin.closed();
    finish();
    clock.pass(5 * minute);
    assert.deepEqual([told().length, clock.timers], [1, 0]);
    plugin.ready();
    await port.scope.disposeAsync();
    assert.equal(clock.timers, 0);
  });

  test('a plugin that is ended while a run waits for room gets no more, and no timer is left', () => {
    const { clock, plugin, told, state } = cron();
    plugin.ready();
    state.full = true;
    clock.pass(minute);
    plugin.draining();
    plugin.closed();
    state.full = false;
    clock.pass(minute);
    assert.deepEqual([told(), clock.timers], [[], 0]);
  });
});
