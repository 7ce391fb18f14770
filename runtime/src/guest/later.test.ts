import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { chain } from './later.ts';

suite('chain', () => {
  test('goes on at once with a value that is there', () => {
    assert.equal(
      chain(20, (value) => value + 1),
      21,
    );
    assert.throws(
      () =>
        chain(1, () => {
          throw new Error('at once');
        }),
      /at once/,
    );
  });

  test('goes on later with one that comes', async () => {
    let gone = false;
    const later = chain(Promise.resolve(20), (value) => {
      gone = true;
      return value + 1;
    });
    assert.equal(gone, false);
    assert.equal(await later, 21);
    await assert.rejects(async () => chain(Promise.reject(new Error('later')), () => 1), /later/);
  });

  test('gives one promise where the next step is one too', async () => {
    assert.equal(
      await chain(Promise.resolve(1), (value) => chain(Promise.resolve(value), (same) => same + 1)),
      2,
    );
    assert.equal(await chain(1, (value) => Promise.resolve(value + 1)), 2);
  });
});
