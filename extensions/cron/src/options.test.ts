import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { maxNameLength, maxPatternLength, maxSchedules, options } from './options.ts';
import { Schedule } from './schedule.ts';

/** What the schema of a key gives, or the places and messages of what is wrong. */
function read(key: keyof typeof options, value: unknown): unknown {
  const result = options[key]['~standard'].validate(value);
  assert.ok(!(result instanceof Promise));
  if (result.issues === undefined) return result.value;
  return result.issues.map(({ path = [], message }) => `${path.map(String).join('.')}: ${message}`);
}

function faults(schedules: unknown): readonly string[] {
  const result = read('schedules', schedules);
  assert.ok(Array.isArray(result), JSON.stringify(result));
  return result.map(String);
}

function many(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`s${at}`, '@daily']));
}

suite('the options of cron', () => {
  test('schedules are patterns, or tables with a time zone', () => {
    const given = {
      nightly: '0 3 * * *',
      often: ' */5   * * * *  * ',
      'in-berlin': { cron: '@daily', timezone: 'Europe/Berlin' },
    };
    assert.deepEqual(read('schedules', given), [
      { name: 'nightly', cron: '0 3 * * *' },
      { name: 'often', cron: '*/5 * * * * *' },
      { name: 'in-berlin', cron: '@daily', timezone: 'Europe/Berlin' },
    ]);
  });

  test('the time zone of all is UTC unless given', () => {
    assert.equal(read('timezone', undefined), 'UTC');
    assert.equal(read('timezone', 'America/New_York'), 'America/New_York');
    assert.deepEqual(read('timezone', 'Nowhere/City'), [
      ': is not the name of a time zone, such as "Europe/Berlin"',
    ]);
  });

  const wrong: readonly (readonly [what: string, pattern: unknown, fault: RegExp])[] = [
    ['too few fields', '* * * *', /^a: expected five fields \(minute, hour/],
    ['too many fields', '* * * * * * *', /^a: expected five fields/],
    ['words', 'every day', /^a: expected five fields/],
    ['a date', '2027-01-01T00:00:00', /^a: expected five fields/],
    ['a minute that there is not', '60 * * * *', /^a: Invalid value for minute: 60$/],
    ['a step of nothing', '*/0 * * * *', /^a: .*stepping/],
    ['the start of the machine', '@reboot', /^a: @reboot is not supported/],
    ['a day that never comes', '0 0 30 2 *', /^a: never comes: no date is like that$/],
    [
      'a date with blanks, which the library would run once',
      '2099-01-01 0:0 * * *',
      /^a: expected five fields/,
    ],
    ['a number', 5, /^a: expected a pattern such as "0 3 \* \* \*", or \{ cron/],
    ['a table without a pattern', { timezone: 'UTC' }, /^a: expected a pattern such as/],
    ['a table with another key', { cron: '* * * * *', zone: 'UTC' }, /^a: Unrecognized key: "zone"$/],
    [
      'a zone that there is not',
      { cron: '* * * * *', timezone: 'Mars' },
      /^a: is not the name of a time zone/,
    ],
    ['a pattern that is too long', `${'1,'.repeat(maxPatternLength)}1 * * * *`, /^a: /],
  ];
  for (const [what, pattern, fault] of wrong) {
    test(`${what} is refused, and the schedule is named`, () => {
      const [first = '', ...rest] = faults({ a: pattern, b: '@daily' });
      assert.match(first, fault);
      assert.deepEqual(rest, []);
    });
  }

  test('all faults are told at once', () => {
    assert.equal(faults({ a: 'x', b: '61 * * * *', c: '@daily' }).length, 2);
  });

  test('that a pattern never comes is told of the first alone: each takes long to find out', (t) => {
    const after = t.mock.method(Schedule.prototype, 'after');
    const never = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`s${at}`, '0 0 30 2 *']));
    assert.deepEqual(faults({ a: '@daily', ...never, z: 'x' }), [
      's0: never comes: no date is like that',
      'z: expected five fields (minute, hour, day, month, weekday), six with seconds first, or a name such as @daily',
    ]);
    assert.equal(after.mock.callCount(), 2);
  });

  test('no name is passed over, whatever it means to JavaScript', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const table: Record<string, unknown> = Object.create(null);
      table[name] = '@daily';
      assert.deepEqual(read('schedules', table), [{ name, cron: '@daily' }]);
    }
  });

  test('names are short and harmless', () => {
    for (const name of ['', 'a b', 'ä', 'a\n', 'x'.repeat(maxNameLength + 1)]) {
      assert.match(faults({ [name]: '@daily' })[0] ?? '', /a name has letters, digits/);
    }
    assert.deepEqual(read('schedules', { ['x'.repeat(maxNameLength)]: '@daily' }), [
      { name: 'x'.repeat(maxNameLength), cron: '@daily' },
    ]);
  });

  test('there is one schedule at least, and there are so many at most', () => {
    assert.match(faults({})[0] ?? '', /has no schedule/);
    for (const none of [undefined, null, [], 'x', new Date()]) {
      assert.match(faults(none)[0] ?? '', /expected a table of schedules/);
    }
    assert.match(faults(many(maxSchedules + 1))[0] ?? '', /has 101 schedules; at most 100/);
    assert.equal((read('schedules', many(maxSchedules)) as unknown[]).length, maxSchedules);
  });
});
