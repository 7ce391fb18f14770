import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { median, quantile } from './statistics.ts';

suite('median', () => {
  test('the middle one of an odd number, whatever their order', () => {
    assert.equal(median([10, 9, 2]), 9);
  });

  test('the mean of the middle two of an even number', () => {
    assert.equal(median([4, 1, 3, 2]), 2.5);
  });

  test('there is none of nothing', () => {
    assert.equal(median([]), Number.NaN);
  });
});

suite('quantile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);

  test('is one of the values', () => {
    assert.equal(quantile(hundred, 0.5), 50);
    assert.equal(quantile(hundred, 0.99), 99);
    assert.equal(quantile([7], 0.99), 7);
  });

  test('reaches from the smallest to the largest', () => {
    assert.equal(quantile(hundred, 0), 1);
    assert.equal(quantile(hundred, 1), 100);
  });

  test('there is none of nothing', () => {
    assert.equal(quantile([], 0.5), Number.NaN);
  });
});
