import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { Timestamp } from '../../abi/msgpack/timestamp.ts';
import { formatTime, isTimeType, parseTime } from './times.ts';

/** What is read, and the same moment in RFC 3339 with nanoseconds. */
const times: Readonly<Record<string, string>> = {
  // SQLite's own forms.
  '2026-01-02': '2026-01-02T00:00:00Z',
  '2026-01-02 03:04': '2026-01-02T03:04:00Z',
  '2026-01-02T03:04': '2026-01-02T03:04:00Z',
  '2026-01-02 03:04:05': '2026-01-02T03:04:05Z',
  '2026-01-02T03:04:05': '2026-01-02T03:04:05Z',
  '2026-01-02 03:04:05.6': '2026-01-02T03:04:05.6Z',
  '2026-01-02 03:04:05.678901234': '2026-01-02T03:04:05.678901234Z',
  '2026-01-02 03:04:05Z': '2026-01-02T03:04:05Z',
  '2026-01-02 03:04:05 Z': '2026-01-02T03:04:05Z',
  '2026-01-02 03:04+01:00': '2026-01-02T02:04:00Z',
  '2026-01-02 03:04:05+00:00': '2026-01-02T03:04:05Z',
  '2026-01-02 03:04:05 -05:30': '2026-01-02T08:34:05Z',
  '2026-01-02 03:04:05.678+00:00': '2026-01-02T03:04:05.678Z',
  // RFC 3339.
  '2026-01-02T03:04:05Z': '2026-01-02T03:04:05Z',
  '2026-01-02t03:04:05z': '2026-01-02T03:04:05Z',
  '2026-01-02T03:04:05.123456789123Z': '2026-01-02T03:04:05.123456789Z',
  '2026-01-02T03:04:05-23:59': '2026-01-03T03:03:05Z',
  '2024-02-29T23:59:59+23:59': '2024-02-29T00:00:59Z',
  // What the Go driver stored.
  '2026-01-02 03:04:05 +0000 UTC': '2026-01-02T03:04:05Z',
  '2026-01-01 22:04:05 -0500 EST': '2026-01-02T03:04:05Z',
  '2026-01-02 03:04:05.678 +0000 UTC': '2026-01-02T03:04:05.678Z',
  '2026-01-02 03:04:05.678901234 +0000 UTC m=+0.010203040': '2026-01-02T03:04:05.678901234Z',
  '2026-01-02 03:04:05 +0100 CET m=-12.5': '2026-01-02T02:04:05Z',
  '2026-01-02 03:04:05 +0330 +0330': '2026-01-01T23:34:05Z',
  '0001-01-01 00:00:00 +0000 UTC': '0001-01-01T00:00:00Z',
  // The ends of what four digits can say, and beyond them by an offset.
  '0000-01-01': '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999999999Z': '9999-12-31T23:59:59.999999999Z',
  '1969-12-31T23:59:59.5Z': '1969-12-31T23:59:59.5Z',
  '2000-02-29': '2000-02-29T00:00:00Z',
};

const noTimes = [
  '',
  'now',
  '12:30',
  '2461042.5',
  '1767322445',
  '2026',
  '2026-01',
  '2026-1-2',
  '20260102',
  '26-01-02 03:04:05',
  '+2026-01-02',
  ' 2026-01-02',
  '2026-01-02 ',
  '2026-01-02T',
  '2026-01-02 03',
  '2026-01-02 3:04',
  '2026-01-02  03:04',
  '2026-01-02 24:00',
  '2026-01-02 23:60',
  '2026-01-02 03:04:60',
  '2026-01-02 03:04:05.',
  '2026-01-02 03:04:05,5',
  '2026-00-02',
  '2026-13-02',
  '2026-01-00',
  '2026-01-32',
  '2026-02-29',
  '1900-02-29',
  '2026-04-31',
  '2026-01-02Z',
  '2026-01-02 +0000 UTC',
  '2026-01-02 03:04:05 UTC',
  '2026-01-02 03:04:05 +0000',
  '2026-01-02 03:04:05+0100',
  '2026-01-02 03:04:05+24:00',
  '2026-01-02 03:04:05+01:60',
  '2026-01-02 03:04:05 +0000 UTC m=',
  '2026-01-02 03:04:05Z m=+0.01',
  '2026-01-02\n03:04:05',
  '２０２６-01-02',
  `2026-01-02 03:04:05.${'1'.repeat(90)}`,
  `2026-01-02${' '.repeat(100_000)}`,
];

/** RFC 3339 with up to nine digits, by the engine's own calendar. */
function moment(text: string): Timestamp {
  const [, second = '', fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(text) ?? [];
  return new Timestamp(BigInt(Date.parse(`${second}Z`) / 1000), Number(fraction.padEnd(9, '0')));
}

suite('times in text', () => {
  for (const [text, expected] of Object.entries(times)) {
    test(`${text} is ${expected}`, () => assert.deepEqual(parseTime(text), moment(expected)));
  }

  test('other text is none', () => {
    for (const text of noTimes) assert.equal(parseTime(text), undefined, text.slice(0, 60));
  });

  test('text is a time in columns declared exactly so, in any letter case', () => {
    for (const type of ['DATE', 'datetime', 'TimeStamp']) assert.ok(isTimeType(type), type);
    for (const type of [
      null,
      '',
      'TEXT',
      'TIME',
      'DATETIME(3)',
      'TIMESTAMP WITH TIME ZONE',
      ' DATE',
      'DATES',
    ])
      assert.ok(!isTimeType(type), String(type));
  });
});

suite('times as they are stored', () => {
  test('are in UTC with as many digits as they need', () => {
    for (const [seconds, nanoseconds, text] of [
      [1_767_323_045n, 678_000_000, '2026-01-02 03:04:05.678+00:00'],
      [1_767_323_045n, 0, '2026-01-02 03:04:05+00:00'],
      [1_767_323_045n, 1, '2026-01-02 03:04:05.000000001+00:00'],
      [-1n, 500_000_000, '1969-12-31 23:59:59.5+00:00'],
      [-62_135_596_800n, 0, '0001-01-01 00:00:00+00:00'],
      [-62_167_219_200n, 0, '0000-01-01 00:00:00+00:00'],
      [253_402_300_799n, 999_999_999, '9999-12-31 23:59:59.999999999+00:00'],
    ] as const) {
      assert.equal(formatTime(new Timestamp(seconds, nanoseconds)), text);
    }
  });

  test('cannot be outside the years of four digits', () => {
    for (const seconds of [-62_167_219_201n, 253_402_300_800n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      assert.equal(formatTime(new Timestamp(seconds)), undefined);
    }
  });

  test('are read again as the same moment', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -62_167_219_200n, max: 253_402_300_799n }),
        fc.integer({ min: 0, max: 999_999_999 }),
        (seconds, nanoseconds) => {
          const time = new Timestamp(seconds, nanoseconds);
          const text = formatTime(time);
          assert.ok(text !== undefined);
          assert.deepEqual(parseTime(text), time);
        },
      ),
    );
  });
});
