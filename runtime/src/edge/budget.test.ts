import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Budget } from './budget.ts';

suite('Budget', () => {
  test('gives up to its limit and not a byte more', () => {
    const budget = new Budget(100);
    assert.equal(budget.take(60), true);
    assert.equal(budget.take(41), false);
    assert.equal(budget.used, 60, 'what is refused is not counted');
    assert.equal(budget.take(40), true);
    assert.equal(budget.take(0), true);
    assert.equal(budget.take(1), false);
    budget.give(1);
    assert.equal(budget.take(1), true);
  });

  test('tells once, at the next return, those who wait', () => {
    const budget = new Budget(100);
    let told = 0;
    const tell = (): void => {
      told += 1;
    };
    budget.take(10);
    budget.onceFreed(tell);
    budget.onceFreed(tell);
    assert.equal(told, 0);
    budget.give(5);
    assert.equal(told, 1);
    budget.give(5);
    assert.equal(told, 1);
  });

  test('who is told may wait again at once', () => {
    const budget = new Budget(100);
    let told = 0;
    const again = (): void => {
      told += 1;
      budget.onceFreed(again);
    };
    budget.onceFreed(again);
    budget.take(2);
    budget.give(1);
    assert.equal(told, 1);
    budget.give(1);
    assert.equal(told, 2);
  });
});
