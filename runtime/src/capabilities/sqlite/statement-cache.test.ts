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

const text = (characters: string): Buffer => Buffer.from(characters);

suite('statements that are kept', () => {
  test('are found by their text, and freed when they are dropped', () => {
    const closed: string[] = [];
    const cache = new StatementCache();
    const kept = [statement(closed, 'a'), statement(closed, 'b')];
    assert.ok(cache.add(text('text'), kept));
    assert.equal(cache.get(text('text')), kept);
    assert.equal(cache.get(text('Text')), undefined);
    assert.equal(cache.bytes, 2 * 1010 + 8);
    cache.drop(text('text'));
    cache.drop(text('text'));
    assert.deepEqual(
      [cache.get(text('text')), cache.bytes, cache.size, closed],
      [undefined, 0, 0, ['a', 'b']],
    );
  });

  test('are found again and again, and not once they are gone', () => {
    const closed: string[] = [];
    const cache = new StatementCache();
    for (const length of [10, 1000]) {
      const [one, other] = ['a', 'b'].map((letter) => text(`${'x'.repeat(length)}${letter}`));
      assert.ok(one !== undefined && other !== undefined);
      const [kept, also] = [[statement(closed, 'one')], [statement(closed, 'other')]];
      cache.add(one, kept);
      cache.add(other, also);
      for (let call = 0; call < 3; call++) {
        assert.equal(cache.get(one), kept);
        assert.equal(cache.get(Buffer.from(one)), kept);
        assert.equal(cache.get(other), also);
        assert.equal(cache.get(other.subarray(1)), undefined);
      }
      cache.get(one);
      cache.drop(one);
      assert.equal(cache.get(one), undefined);
      cache.get(other);
      cache.clear();
      assert.equal(cache.get(other), undefined);
    }
  });

  test('are kept by a copy of their text, which was a view of the guest', () => {
    const cache = new StatementCache();
    const sql = text('SELECT 1');
    const kept = [statement([], 'a')];
    cache.add(sql, kept);
    sql.fill(0x20);
    assert.equal(cache.get(sql), undefined);
    assert.equal(cache.get(text('SELECT 1')), kept);
  });

  test('are as many as there may be: those that were not used go first', () => {
    const closed: string[] = [];
    const cache = new StatementCache();
    for (let index = 0; index < maxKept; index++)
      cache.add(text(`${index}`), [statement(closed, `${index}`)]);
    cache.get(text('0'));
    cache.get(text('2'));
    cache.add(text('new'), [statement(closed, 'new')]);
    cache.add(text('newer'), [statement(closed, 'newer')]);
    assert.deepEqual(closed, ['1', '3']);
    assert.equal(cache.size, maxKept);
    assert.ok(cache.get(text('0')) !== undefined && cache.get(text('new')) !== undefined);
  });

  test('make room when all of them were used', () => {
    const closed: string[] = [];
    const cache = new StatementCache();
    for (let index = 0; index < maxKept; index++) {
      cache.add(text(`${index}`), [statement(closed, `${index}`)]);
      cache.get(text(`${index}`));
    }
    cache.add(text('new'), [statement(closed, 'new')]);
    assert.deepEqual(closed, ['0']);
    assert.equal(cache.size, maxKept);
  });

  test('take no more bytes than they may', () => {
    const closed: string[] = [];
    const cache = new StatementCache();
    const large = maxKeptBytes / 5;
    for (let index = 0; index < 20; index++) {
      cache.add(text(`${index}`), [statement(closed, `${index}`, large)]);
      assert.ok(cache.bytes <= maxKeptBytes);
    }
    assert.equal(cache.size, 4);
  });

  test('are not those that are too many in one string, or too large', () => {
    const closed: string[] = [];
    const cache = new StatementCache();
    const many = Array.from({ length: maxKeptStatements + 1 }, () => statement(closed, 'x'));
    assert.ok(!cache.add(text('many'), many));
    assert.ok(cache.add(text('fewer'), many.slice(1)));
    assert.ok(!cache.add(text('large'), [statement(closed, 'x', maxKeptBytes / 2)]));
    assert.deepEqual([cache.get(text('many')), cache.get(text('large')), closed], [undefined, undefined, []]);
  });

  test('are all freed at once', () => {
    const closed: string[] = [];
    const cache = new StatementCache();
    for (const name of ['a', 'b', 'c']) cache.add(text(name), [statement(closed, name)]);
    cache.clear();
    assert.deepEqual([closed, cache.size, cache.bytes], [['a', 'b', 'c'], 0, 0]);
  });
});
