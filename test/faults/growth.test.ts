import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { growthOf, type Sample } from './soak/growth.ts';

const calm: Sample = { rss: 200e6, heap: 20e6, handles: 100, threads: 20 };
const run = (change: (index: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: 90 }, (_, index) => ({ ...calm, ...change(index) }));
const grown = (samples: readonly Sample[]): string[] =>
  growthOf(samples)
    .filter(({ grew }) => grew)
    .map(({ measure }) => measure);

suite('growth of a process', () => {
  test('is told for each measure that goes up all the time', () => {
    assert.deepEqual(grown(run((index) => ({ rss: 200e6 + index * 1e6 }))), ['rss']);
    assert.deepEqual(grown(run((index) => ({ heap: 20e6 + index * 0.3e6 }))), ['heap']);
    assert.deepEqual(
      grown(run((index) => ({ handles: 100 + index, threads: 20 + Math.floor(index / 10) }))),
      ['handles', 'threads'],
    );
  });

  test('is not told for what goes up and down', () => {
    assert.deepEqual(
      grown(run((index) => ({ rss: index % 2 === 0 ? 200e6 : 300e6, threads: 20 + (index % 3) }))),
      [],
    );
  });

  test('is not guessed from too few samples', () => {
    assert.throws(() => growthOf([calm, calm, calm]), /too few/);
  });
});
