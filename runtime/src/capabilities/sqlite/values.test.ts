import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { Value } from '../../abi/msgpack/value.ts';
import { TestDatabase } from './database-under-test.suite.ts';

const integer = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 1n, -1n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)),
);
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('', '\0', 'a\0b', '\ufeff', '1', '1.0'),
);
const value = fc.oneof(
  integer,
  fc.double(),
  text,
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Uint8Array.from(bytes)),
  fc.constant(null),
);

/** What SQLite makes of a value: it has no NaN. */
function stored(given: Value): Value {
  return typeof given === 'number' && Number.isNaN(given) ? null : given;
}

const kinds: Readonly<Record<string, string>> = { bigint: 'integer', number: 'real', string: 'text' };

function kindOf(given: Value): string {
  if (given === null) return 'null';
  return kinds[typeof given] ?? 'blob';
}

suite('values there and back', () => {
  test('of every kind are the same, whether they were only selected or stored', (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, a)');
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 8 }), (values) => {
        const expected = values.map(stored);
        const marks = values.map(() => '?').join(', ');
        assert.deepEqual(database.rows(`SELECT ${marks}`, values), [expected]);
        assert.deepEqual(
          database.rows(`SELECT ${values.map((_, index) => `typeof(?${index + 1})`).join(', ')}`, values),
          [expected.map(kindOf)],
        );
        database.exec('DELETE FROM t');
        for (const one of values) database.exec('INSERT INTO t(a) VALUES (?)', [one]);
        assert.deepEqual(
          database.rows('SELECT a FROM t ORDER BY id'),
          expected.map((one) => [one]),
        );
      }),
      { numRuns: 150 },
    );
  });

  test('that are large come back whole', (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(a)');
    const blob = Uint8Array.from({ length: 3_000_000 }, (_, index) => index * 7);
    const long = 'é😀a'.repeat(300_000);
    database.exec('INSERT INTO t VALUES (?), (?)', [blob, long]);
    assert.deepEqual(database.rows('SELECT a FROM t'), [[blob], [long]]);
  });

  test('booleans are 0 and 1', (t) => {
    const database = new TestDatabase(t);
    assert.deepEqual(database.rows('SELECT ?1, typeof(?1), ?2, typeof(?2)', [true, false]), [
      [1n, 'integer', 0n, 'integer'],
    ]);
  });

  test('infinities stay, NaN is NULL, a whole float is still a float', (t) => {
    const database = new TestDatabase(t);
    assert.deepEqual(database.rows('SELECT ?, ?, ?, ?', [Infinity, -Infinity, Number.NaN, 5]), [
      [Infinity, -Infinity, null, 5],
    ]);
    assert.equal(database.one('SELECT typeof(?)', [5]), 'real');
    assert.equal(database.one('SELECT typeof(?)', [5n]), 'integer');
  });

  test('text that is not UTF-8, which only SQL can make, comes with U+FFFD in it', (t) => {
    const database = new TestDatabase(t);
    assert.equal(database.one("SELECT CAST(x'61ff62' AS TEXT)"), 'a\ufffdb');
    assert.deepEqual(
      database.one("SELECT CAST(CAST(x'61ff62' AS TEXT) AS BLOB)"),
      Uint8Array.of(0x61, 0xff, 0x62),
    );
  });

  test('more of them than a statement has are passed over, fewer are code 5 before it runs', (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(a, b)');
    assert.deepEqual(database.rows('SELECT ?', [1n, 2n, 3n]), [[1n]]);
    assert.deepEqual(database.rows('SELECT 1', [1n]), [[1n]]);
    database.refuses('INSERT INTO t VALUES (?, ?)', 5, /2 are needed, 1 were given/, [1n]);
    database.refuses('INSERT INTO t VALUES (?, ?3)', 5, /3 are needed/, [1n, 2n]);
    database.refuses('INSERT INTO t VALUES (1, $2)', 5, /2 are needed/, [1n]);
    assert.equal(database.one('SELECT count(*) FROM t'), 0n);
  });

  test('are bound in order, and by number where there is one', (t) => {
    const database = new TestDatabase(t);
    const values = ['a', 'b', 'c', 'd'];
    for (const [sql, expected] of [
      ['SELECT ?, ?, ?', ['a', 'b', 'c']],
      ['SELECT ?3, ?1', ['c', 'a']],
      ['SELECT ?3, ?, ?1', ['c', 'd', 'a']],
      ['SELECT $3, $1, $3', ['c', 'a', 'c']],
      ['SELECT $3, ?', ['c', 'b']],
      ['SELECT ?, $1, ?', ['a', 'a', 'c']],
      ["SELECT '?', ? -- ?\n, ?", ['?', 'a', 'b']],
    ] as const) {
      // A statement that is found compiled binds as one that is new.
      for (let call = 0; call < 3; call++) assert.deepEqual(database.rows(sql, values), [expected], sql);
    }
    for (const name of [':a', '@a', '$a', '#a', ':1', '$01']) {
      database.refuses(`SELECT ${name}`, 5, /has a name/, values);
    }
  });

  test('begin again with the first in each statement', (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(a); INSERT INTO t VALUES (?); INSERT INTO t VALUES (?)', ['x', 'y']);
    assert.deepEqual(database.rows('SELECT a FROM t'), [['x'], ['x']]);
  });
});
