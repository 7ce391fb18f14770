import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Statement } from './statement.ts';
import { maxKept, maxKeptBytes, maxKeptStatements, StatementCache } from './statement-cache.ts';

/** A statement that says how much it takes, and notes that it was freed. */
function statement(closed: string[], name: string, bytes = 1000): Statement {
  return {
    native: { stat: () => bytes, close: () => closed.push(name) },
    length: 10,
  } as unknown as Statement;
}

suite('statements that are kept', () => {
  test('are found by their text, and freed when they are dropped', () => {
    const closed: string[] = [];
    const cache = new StatementCache();
    const kept = [statement(closed, 'a'), statement(closed, 'b')];
    assert.ok(cache.add('text', kept));
    assert.equal(cache.get('text'), kept);
    assert.equal(cache.get('Text'), undefined);
    assert.equal(cache.bytes, 2 * 1010 + 4);
    cache.drop('text');
    cache.drop('text');
    assert.deepEqual([cache.get('text'), cache.bytes, cache.size, closed], [undefined, 0, 0, ['a', 'b']]);
  });

  test('are as many as there may be: those that were not used go first', () => {
    const closed: string[] = [];
    const cache = new StatementCache();
    for (let index = 0; index < maxKept; index++) cache.add(`${index}`, [statement(closed, `${index}`)]);
    cache.get('0');
    cache.get('2');
    cache.add('new', [statement(closed, 'new')]);
    cache.add('newer', [statement(closed, 'newer')]);
    assert.deepEqual(closed, ['1', '3']);
    assert.equal(cache.size, maxKept);
    assert.ok(cache.get('0') !== undefined && cache.get('new') !== undefined);
  });

  test('make room when all of them were used', () => {
    const closed: string[] = [];
    const cache = new StatementCache();
    for (let index = 0; index < maxKept; index++) {
      cache.add(`${index}`, [statement(closed, `${index}`)]);
      cache.get(`${index}`);
    }
    cache.add('new', [statement(closed, 'new')]);
    assert.deepEqual(closed, ['0']);
    assert.equal(cache.size, maxKept);
  });

  test('take no more bytes than they may', () => {
    const closed: string[] = [];
    const cache = new StatementCache();
    const large = maxKeptBytes / 5;
    for (let index = 0; index < 20; index++) {
      cache.add(`${index}`, [statement(closed, `${index}`, large)]);
      assert.ok(cache.bytes <= maxKeptBytes);
    }
    assert.equal(cache.size, 4);
  });

  test('are not those that are too many in one string, or too large', () => {
    const closed: string[] = [];
    const cache = new StatementCache();
    const many = Array.from({ length: maxKeptStatements + 1 }, () => statement(closed, 'x'));
    assert.ok(!cache.add('many', many));
    assert.ok(cache.add('fewer', many.slice(1)));
    assert.ok(!cache.add('large', [statement(closed, 'x', maxKeptBytes / 2)]));
    assert.deepEqual([cache.get('many'), cache.get('large'), closed], [undefined, undefined, []]);
  });

  test('are all freed at once', () => {
    const closed: string[] = [];
    const cache = new StatementCache();
    for (const name of ['a', 'b', 'c']) cache.add(name, [statement(closed, name)]);
    cache.clear();
    assert.deepEqual([closed, cache.size, cache.bytes], [['a', 'b', 'c'], 0, 0]);
  });
});
