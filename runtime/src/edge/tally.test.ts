import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Tally } from './tally.ts';

suite('Tally', () => {
  test('says once a second how often it happened, and nothing when it did not', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const said: number[] = [];
    const tally = new Tally((count) => said.push(count));
    for (let count = 0; count < 5; count++) tally.add();
    t.mock.timers.tick(999);
    assert.deepEqual(said, []);
    t.mock.timers.tick(1);
    assert.deepEqual(said, [5]);
    t.mock.timers.tick(5000);
    assert.deepEqual(said, [5]);
    tally.add();
    t.mock.timers.tick(1000);
    assert.deepEqual(said, [5, 1]);
  });

  test('says the rest when it is flushed, once', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const said: number[] = [];
    const tally = new Tally((count) => said.push(count));
    tally.flush();
    tally.add();
    tally.flush();
    tally.flush();
    t.mock.timers.tick(5000);
    assert.deepEqual(said, [1]);
  });
});
