import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { choice, count, duration, showDuration, showSize, size, text, ValueError } from './values.ts';

function refuses(parse: (value: string) => unknown, values: readonly string[]): void {
  for (const value of values) assert.throws(() => parse(value), ValueError, JSON.stringify(value));
}

suite('values of flags', () => {
  test('a count is a whole number in its range', () => {
    const port = count('PORT', { min: 0, max: 65_535 });
    assert.equal(port.parse('0'), 0);
    assert.equal(port.parse('65535'), 65_535);
    refuses(port.parse, ['', '65536', '-1', '1.5', '0x50', '80a', ' 80', '1e3', '99999999999999999999']);
    assert.throws(() => port.parse('x'), { message: 'a whole number from 0 to 65535' });
  });

  test('a time may have units, several of them, or none for milliseconds', () => {
    const time = duration({ min: 1 });
    const read: readonly (readonly [string, number])[] = [
      ['500ms', 500],
      ['8s', 8_000],
      ['2m', 120_000],
      ['1h', 3_600_000],
      ['1.5s', 1_500],
      ['1m30s', 90_000],
      ['250', 250],
    ];
    for (const [written, ms] of read) assert.equal(time.parse(written), ms, written);
    refuses(time.parse, ['', '0', '0s', '-1s', '8 s', 's', '8x', '8S', '1.s', '.5s', '1s2', '25d', '600h']);
    assert.equal(duration({ min: 0 }).parse('0'), 0);
  });

  test('no time is longer than a timer of Node can wait', () => {
    assert.equal(duration({ min: 1 }).parse('2147483647'), 2_147_483_647);
    refuses(duration({ min: 1 }).parse, ['2147483648', '9999999999h']);
  });

  test('a size may have a unit, of 1,000 or of 1,024, or none for bytes', () => {
    const bytes = size({ min: 1, max: 2 ** 30 });
    const read: readonly (readonly [string, number])[] = [
      ['10MiB', 10_485_760],
      ['10mib', 10_485_760],
      ['1.5KiB', 1_536],
      ['2 MB', 2_000_000],
      ['1GiB', 1_073_741_824],
      ['7B', 7],
      ['4096', 4_096],
    ];
    for (const [written, expected] of read) assert.equal(bytes.parse(written), expected, written);
    refuses(bytes.parse, [
      '',
      '0',
      '-1',
      'MiB',
      '10MiBs',
      '1e6',
      '2GiB',
      '1073741825',
      '10 MiB MiB',
      'constructor',
    ]);
    assert.throws(() => bytes.parse('x'), /from 1 to 1GiB$/);
  });

  test('a choice ignores letter case and names what it has', () => {
    const level = choice(['debug', 'info']);
    assert.equal(level.parse('DEBUG'), 'debug');
    assert.throws(() => level.parse('loud'), { message: 'one of debug, info' });
  });

  test('a text is not empty', () => {
    assert.equal(text('PATH').parse(' '), ' ');
    refuses(text('PATH').parse, ['']);
  });

  test('times and sizes are shown as they can be given', () => {
    for (const ms of [1, 999, 1_000, 1_500, 60_000, 90_000, 7_200_000]) {
      assert.equal(duration({ min: 1 }).parse(showDuration(ms)), ms);
    }
    assert.equal(showDuration(8_000), '8s');
    for (const bytes of [1, 1_023, 1_024, 1_536, 10_485_760]) {
      assert.equal(size({ min: 1, max: 2 ** 30 }).parse(showSize(bytes)), bytes);
    }
    assert.equal(showSize(10_485_760), '10MiB');
  });
});
