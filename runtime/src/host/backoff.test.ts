import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Backoff } from './backoff.ts';

suite('Backoff', () => {
  test('doubles from the first delay to the longest, and stays there', () => {
    const backoff = new Backoff({ firstMs: 10, maxMs: 100 });
    assert.deepEqual(
      Array.from({ length: 6 }, () => backoff.next()),
      [10, 20, 40, 80, 100, 100],
    );
  });

  test('begins again after a reset', () => {
    const backoff = new Backoff({ firstMs: 10, maxMs: 100 });
    for (let tries = 0; tries < 5; tries++) backoff.next();
    backoff.reset();
    assert.deepEqual([backoff.next(), backoff.next()], [10, 20]);
  });

  test('never gets out of hand however often it is asked', () => {
    const backoff = new Backoff({ firstMs: 10, maxMs: 10_000 });
    for (let tries = 0; tries < 5000; tries++) backoff.next();
    assert.equal(backoff.next(), 10_000);
  });
});
