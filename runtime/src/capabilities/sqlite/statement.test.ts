import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { close, openDatabase } from './database.ts';
import { optionsOf, scratch } from './database-under-test.suite.ts';
import type { NativeStatement } from './native.ts';
import { compileFirst, provesSingleRow } from './statement.ts';

const form = { named: true, times: true, maxBytes: 1000 };
const options = { form, schemaDepth: 0 };

function open(t: TestContext) {
  const database = openDatabase(join(scratch(t), 'plugin'), optionsOf());
  t.after(() => close(database.native));
  database.native.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE, b); CREATE INDEX i ON t(b);
    CREATE TABLE w(x, y, PRIMARY KEY (x, y)) WITHOUT ROWID; CREATE VIRTUAL TABLE f USING fts5(z)`);
  return database;
}

suite('the first statement of a text', () => {
  test('is the same in a window as in the whole text', (t) => {
    const database = open(t);
    const behind = [
      '',
      ' ',
      '-- x',
      "'",
      'garbage',
      "SELECT 'a",
      `/*${'y'.repeat(9000)}`,
      'SELECT 2;'.repeat(2000),
    ];
    for (const first of [
      'SELECT 1;',
      `SELECT '${'x'.repeat(4083)}';`,
      `SELECT '${'x'.repeat(4084)}';`,
      `SELECT '${'x'.repeat(4087)};';`,
      `SELECT 1 -- ${'x;'.repeat(3000)}\n;`,
      `SELECT 1 + ${'1 + '.repeat(900)} 1;`,
      `${' '.repeat(20_000)}SELECT 1;`,
      `/*${';'.repeat(20_000)}*/;SELECT 1;`,
      `CREATE TRIGGER g AFTER INSERT ON t BEGIN ${'SELECT 1; '.repeat(3000)} END;`,
      `SELECT '${'😀'.repeat(2043)}';`,
    ]) {
      for (const rest of behind) {
        const statement = compileFirst(database, first + rest, options);
        assert.equal(statement?.length, first.length, `${first.slice(0, 40)} | ${rest.slice(0, 20)}`);
        statement?.native.close();
      }
    }
  });

  test('that never ends is the error that SQLite has for the whole text', (t) => {
    const database = open(t);
    for (const text of [
      `SELECT '${'x'.repeat(10_000)}`,
      `SELECT (${'1,'.repeat(5000)}`,
      `CREATE TRIGGER g AFTER INSERT ON t BEGIN ${'SELECT 1; '.repeat(3000)}`,
    ]) {
      assert.throws(() => compileFirst(database, text, options), {
        code: 5,
        message: /unrecognized|incomplete/,
      });
    }
    assert.equal(compileFirst(database, ' ;'.repeat(5000), options), undefined);
  });
});

function proved(t: TestContext, sql: string): boolean {
  const database = open(t);
  const statement = compileFirst(database, sql, options);
  assert.ok(statement !== undefined);
  return provesSingleRow(database, statement);
}

suite('the proof of a single row', () => {
  test('is found for keys and aggregates', (t) => {
    for (const sql of [
      'SELECT * FROM t WHERE id = ?',
      'SELECT b FROM t WHERE a = ?',
      'SELECT * FROM w WHERE x = ? AND y = ?',
      'SELECT count(*), max(b) FROM t',
      'SELECT 1',
      'SELECT EXISTS (SELECT 1 FROM t)',
      'SELECT upper(a) FROM t WHERE id = 1 ORDER BY b',
    ]) {
      assert.ok(proved(t, sql), sql);
    }
  });

  test('is not found for what may have more rows, or changes something', (t) => {
    for (const sql of [
      'SELECT * FROM t',
      'SELECT * FROM t WHERE b = ?',
      'SELECT * FROM t WHERE id IN (?, ?)',
      'SELECT * FROM t WHERE id = 1 UNION ALL SELECT * FROM t WHERE id = 2',
      'SELECT count(*) FROM t GROUP BY b',
      'VALUES (1), (2)',
      'SELECT z FROM f WHERE rowid = 1',
      'WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 3) SELECT n FROM c',
      'INSERT INTO t DEFAULT VALUES RETURNING id',
      'WITH c AS (SELECT 1) UPDATE t SET a = 1 WHERE id = 1 RETURNING id',
      'PRAGMA user_version',
      'EXPLAIN SELECT 1',
      `SELECT ${'1 + '.repeat(900)}? FROM t`,
    ]) {
      assert.ok(!proved(t, sql), sql);
    }
  });

  test('is not found for a program that writes, whatever else it does', (t) => {
    const database = open(t);
    const statement = compileFirst(database, 'WITH c AS (SELECT 1) SELECT * FROM c', options);
    assert.ok(statement !== undefined);
    const program = (write: bigint): NativeStatement =>
      database.native.prepare(
        `VALUES (0, 'Init', 0, 4), (1, 'ResultRow', 0, 0), (2, 'Halt', 0, 0), (3, 'Transaction', 0, ${write})`,
      );
    for (const [write, expected] of [
      [0n, true],
      [1n, false],
    ] as const) {
      const explained = { ...database, native: { ...database.native, prepare: () => program(write) } };
      assert.equal(provesSingleRow(explained, statement), expected);
    }
  });
});
