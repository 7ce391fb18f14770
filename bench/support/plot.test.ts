import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Chart } from './measurement.ts';
import { plot } from './plot.ts';

const bars = (...values: readonly number[]) => values.map((value, index) => ({ name: `n${index}`, value }));
const chart = (scale: Chart['scale'], ...values: readonly number[]): Chart => ({
  title: 'Speed & <size>',
  format: (value) => `${value} s`,
  scale,
  groups: [{ label: 'c=1', bars: bars(...values) }],
});

/** Heights of the bars, in order; the background and the legend's marks are left out. */
function heights(svg: string): number[] {
  return [...svg.matchAll(/height="([\d.]+)" rx="2" fill/g)].map(([, height]) => Number(height)).slice(2);
}

suite('plot', () => {
  test('bars of a linear chart are as high as their values', () => {
    const [first = 0, second = 0] = heights(plot([chart('linear', 10, 40)], ''));
    assert.ok(Math.abs(second / first - 4) < 0.05, `${first} and ${second}`);
  });

  test('bars of a logarithmic chart differ by less, in the same order, and all can be seen', () => {
    const [first = 0, second = 0] = heights(plot([chart('log', 10, 40_000)], ''));
    assert.ok(first > 5 && second > first && second < first * 100, `${first} and ${second}`);
  });

  test('each bar has its value beside it and its name in the legend', () => {
    const svg = plot([chart('linear', 10, 40)], 'a machine');
    for (const text of ['10 s', '40 s', 'n0', 'n1', 'c=1', 'a machine']) {
      assert.ok(svg.includes(`>${text}</text>`), text);
    }
  });

  test('text is escaped', () => {
    const svg = plot([chart('linear', 1, 2)], 'a < b');
    assert.ok(svg.includes('Speed &amp; &lt;size&gt;') && svg.includes('a &lt; b'));
    assert.doesNotMatch(svg, /&(?!amp;|lt;|gt;)/);
  });

  test('there is a style for dark pages', () => {
    assert.match(plot([], ''), /prefers-color-scheme: dark/);
  });
});
