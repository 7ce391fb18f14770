import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { bytes, span, table } from './table.ts';

suite('tables', () => {
  test('have columns as wide as they have to be, and no blanks at the end', () => {
    assert.equal(
      table(
        ['NAME', 'N'],
        [
          ['a', '1'],
          ['longer', ''],
        ],
      ),
      'NAME     N\na        1\nlonger\n',
    );
    assert.equal(table(['NAME'], []), 'NAME\n');
  });

  test('cannot drive a terminal', () => {
    assert.equal(table(['R'], [['a\x1b[2J\nb']]), String.raw`R` + '\n' + String.raw`a\x1b[2J\nb` + '\n');
  });

  test('show sizes in three digits', () => {
    const shown: readonly (readonly [number, string])[] = [
      [0, '0B'],
      [999, '999B'],
      [1_023, '1023B'],
      [1_024, '1KiB'],
      [65_536, '64KiB'],
      [1_572_864, '1.5MiB'],
      [17_179_869_184, '16GiB'],
      [123_456_789, '118MiB'],
      [2 ** 60 - 2 ** 50, '1020PiB'],
    ];
    for (const [count, text] of shown) assert.equal(bytes(count), text);
  });

  test('show times in their two largest units', () => {
    const shown: readonly (readonly [number, string])[] = [
      [-5, '0s'],
      [999, '0s'],
      [12_345, '12s'],
      [312_000, '5m12s'],
      [3_600_000, '1h'],
      [3_605_000, '1h'],
      [273_600_000, '3d4h'],
      [86_460_000, '1d'],
    ];
    for (const [ms, text] of shown) assert.equal(span(ms), text);
  });
});
