import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { table } from './table.ts';

function lastRow(row: Parameters<typeof table>[0][number]): string[] {
  const line = table([row]).trimEnd().split('\n').at(-1) ?? '';
  return line.split(' | ').map((cell) => cell.replaceAll(/^\| ?| ?\|$/g, '').trim());
}

suite('table', () => {
  test('a row has what was measured, the comparison, and whether each goal was met', () => {
    const cells = lastRow({
      what: 'echo',
      measured: '41 req/s',
      beside: 'bare: 75 req/s',
      ratio: 0.5466,
      goals: [
        { text: '≥ 0.65', met: false },
        { text: 'none refused', met: true },
      ],
      original: '5 req/s',
    });
    assert.deepEqual(cells, [
      'echo',
      '41 req/s',
      'bare: 75 req/s',
      '0.55',
      '≥ 0.65; none refused',
      'no; yes',
      '5 req/s',
    ]);
  });

  test('what a row does not have is an empty cell', () => {
    assert.deepEqual(lastRow({ what: 'step', measured: '2 µs' }), ['step', '2 µs', '', '', '', '', '']);
  });

  test('text cannot break out of its cell', () => {
    assert.equal(
      table([{ what: 'a | b', measured: 'c\nd' }])
        .trimEnd()
        .split('\n').length,
      3,
    );
    assert.match(table([{ what: 'a | b', measured: 'c' }]), /a \\\| b/);
  });
});
