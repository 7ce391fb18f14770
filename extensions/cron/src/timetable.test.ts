import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { day, FakeClock, hour, minute, second } from './clock.suite.ts';
import { Schedule } from './schedule.ts';
import { maxCounted, Timetable } from './timetable.ts';

/** A timetable that notes its runs as `name at the time, n skipped`. */
function timetable(now: string, patterns: Readonly<Record<string, string>>, timezone = 'UTC') {
  const clock = new FakeClock(now);
  const runs: string[] = [];
  const schedules = Object.entries(patterns).map(([name, cron]) => new Schedule({ name, cron, timezone }));
  const made = new Timetable(schedules, {
    clock,
    due: ({ schedule, at, skipped }) => {
      const time = new Date(at).toISOString().replace('.000Z', 'Z');
      runs.push(`${schedule.name} ${time}${skipped === 0 ? '' : `, ${skipped} skipped`}`);
    },
  });
  made.start();
  return { clock, runs, timetable: made };
}

suite('a timetable', () => {
  test('tells of each run at its time, and of none twice', () => {
    const { clock, runs } = timetable('2026-01-01T00:00:30Z', { a: '* * * * *', b: '*/2 * * * *' });
    clock.pass(29 * second);
    assert.deepEqual(runs, []);
    clock.pass(second);
    assert.deepEqual(runs, ['a 2026-01-01T00:01:00Z']);
    clock.pass(minute);
    assert.deepEqual(runs.slice(1), ['a 2026-01-01T00:02:00Z', 'b 2026-01-01T00:02:00Z']);
  });

  test('does not run what is due at the moment of its start', () => {
    const { clock, runs } = timetable('2026-01-01T00:00:00Z', { a: '0 * * * *' });
    clock.pass(59 * minute);
    assert.deepEqual(runs, []);
  });

  test('waits longer than a timer can, with one timer', () => {
    const { clock, runs } = timetable('2026-01-01T12:00:00Z', { yearly: '@yearly' });
    clock.pass(300 * day);
    assert.deepEqual([runs, clock.timers], [[], 1]);
    clock.pass(65 * day);
    assert.deepEqual(runs, ['yearly 2027-01-01T00:00:00Z']);
  });

  test('that is stopped tells of nothing, and goes on with what comes after it was started again', () => {
    const { clock, runs, timetable: made } = timetable('2026-01-01T00:00:30Z', { a: '* * * * *' });
    made.start();
    assert.equal(clock.timers, 1);
    made.stop();
    assert.equal(clock.timers, 0);
    clock.pass(10 * minute);
    made.start();
    clock.pass(minute);
    assert.deepEqual(runs, ['a 2026-01-01T00:11:00Z']);
  });

  test('tells of the last run when the machine slept, and counts those before', () => {
    const { clock, runs } = timetable('2026-01-01T00:00:30Z', { a: '* * * * *', nightly: '0 3 * * *' });
    clock.set('2026-01-01T05:10:30Z');
    clock.pass(minute);
    assert.deepEqual(runs.slice(0, 2), [
      'a 2026-01-01T05:11:00Z, 310 skipped',
      'nightly 2026-01-01T03:00:00Z',
    ]);
  });

  test('counts no more than a few seconds are worth', () => {
    const { clock, runs } = timetable('2026-01-01T00:00:00Z', { a: '* * * * * *' });
    clock.set('2026-03-01T00:00:00Z');
    clock.pass(second);
    assert.deepEqual(runs, [`a 2026-03-01T00:00:01Z, ${maxCounted} skipped`]);
    clock.pass(second);
    assert.equal(runs[1], 'a 2026-03-01T00:00:02Z');
  });

  test('counts no more for many schedules than for one', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`s${at}`, '* * * * * *']));
    const { clock, runs } = timetable('2026-01-01T00:00:00Z', many);
    clock.set('2026-03-01T00:00:00Z');
    clock.pass(second);
    assert.equal(runs.length, 100);
    for (const run of runs) assert.match(run, / 2026-03-01T00:00:01Z, 10 skipped$/);
  });

  test('does not run anything again when the clock is set back a little', () => {
    const { clock, runs } = timetable('2026-01-01T02:59:30Z', { nightly: '0 3 * * *', a: '* * * * *' });
    clock.pass(minute);
    assert.deepEqual(runs, ['nightly 2026-01-01T03:00:00Z', 'a 2026-01-01T03:00:00Z']);
    clock.set('2026-01-01T02:30:00Z');
    clock.pass(31 * minute + 5 * second);
    assert.deepEqual(runs.slice(2), ['a 2026-01-01T03:01:00Z']);
  });

  test('begins anew when the clock was wrong for long', () => {
    const { clock, runs } = timetable('2036-01-01T00:00:00Z', { hourly: '@hourly' });
    clock.set('2026-01-01T00:30:00Z');
    clock.pass(minute);
    assert.deepEqual(runs, []);
    clock.pass(hour);
    assert.deepEqual(runs, ['hourly 2026-01-01T01:00:00Z']);
  });

  test('a run in the hour that spring leaves out comes after it, once', () => {
    const { clock, runs } = timetable('2026-03-28T12:00:00Z', { a: '30 2 * * *' }, 'Europe/Berlin');
    clock.pass(2 * day);
    assert.deepEqual(runs, ['a 2026-03-29T01:00:00Z', 'a 2026-03-30T00:30:00Z']);
  });

  test('times in a list are skipped where spring leaves them out, and run in both where autumn has them twice', () => {
    const spring = timetable('2026-03-28T12:00:00Z', { a: '15,45 2 * * *' }, 'Europe/Berlin');
    spring.clock.pass(36 * hour);
    assert.deepEqual(spring.runs, []);
    spring.clock.pass(hour);
    assert.deepEqual(spring.runs, ['a 2026-03-30T00:15:00Z', 'a 2026-03-30T00:45:00Z']);
    const autumn = timetable('2026-10-24T12:00:00Z', { a: '15,45 2 * * *' }, 'Europe/Berlin');
    autumn.clock.pass(day);
    assert.deepEqual(autumn.runs, [
      'a 2026-10-25T00:15:00Z',
      'a 2026-10-25T00:45:00Z',
      'a 2026-10-25T01:15:00Z',
      'a 2026-10-25T01:45:00Z',
    ]);
  });

  test('what runs every hour skips the hour that spring leaves out', () => {
    const { clock, runs } = timetable('2026-03-28T23:59:00Z', { a: '30 * * * *' }, 'Europe/Berlin');
    clock.pass(2 * hour);
    assert.deepEqual(runs, ['a 2026-03-29T00:30:00Z', 'a 2026-03-29T01:30:00Z']);
  });

  test('a run in the hour that autumn has twice comes once', () => {
    const { clock, runs } = timetable('2026-10-24T12:00:00Z', { a: '30 2 * * *' }, 'Europe/Berlin');
    clock.pass(2 * day);
    assert.deepEqual(runs, ['a 2026-10-25T00:30:00Z', 'a 2026-10-26T01:30:00Z']);
  });

  test('what runs every hour runs in both of these hours', () => {
    const { clock, runs } = timetable('2026-10-24T23:45:00Z', { a: '30 * * * *' }, 'Europe/Berlin');
    clock.pass(2 * hour);
    assert.deepEqual(runs, ['a 2026-10-25T00:30:00Z', 'a 2026-10-25T01:30:00Z']);
  });
});
