import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Tally } from './tally.ts';

suite('a tally', () => {
  test('says once a second how often it was added to, and nothing else', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const said: number[] = [];
    const tally = new Tally((count) => said.push(count));
    t.mock.timers.tick(5000);
    for (let count = 0; count < 10; count++) tally.add();
    assert.deepEqual(said, []);
    t.mock.timers.tick(1000);
    assert.deepEqual(said, [10]);
    t.mock.timers.tick(5000);
    tally.add();
    t.mock.timers.tick(999);
    assert.deepEqual(said, [10]);
    t.mock.timers.tick(1);
    assert.deepEqual(said, [10, 1]);
  });

  test('says what is left when it is asked to', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const said: number[] = [];
    const tally = new Tally((count) => said.push(count));
    tally.flush();
    tally.add();
    tally.flush();
    t.mock.timers.tick(5000);
    assert.deepEqual(said, [1]);
  });
});
