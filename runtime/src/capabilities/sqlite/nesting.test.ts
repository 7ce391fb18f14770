import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { TestDatabase } from './database-under-test.suite.ts';
import { checkNesting, maxNesting, nestingOf } from './nesting.ts';

const plus = (count: number): string => '+1'.repeat(count);

/** Subqueries, each around the one before with so many operators. */
function around(levels: number, operators: number, innermost = 'SELECT 1 AS a'): string {
  let sql = innermost;
  for (let level = 0; level < levels; level++) sql = `SELECT a${plus(operators)} AS a FROM (${sql})`;
  return sql;
}

/** A chain of common tables. */
function chain(length: number): string {
  const links = Array.from({ length }, (_, index) => `, c${index + 1} AS (SELECT * FROM c${index})`).join('');
  return `WITH c0 AS (SELECT 1 AS a)${links} SELECT * FROM c${length}`;
}

suite('what can be nested', () => {
  test('is counted by parentheses, operators and words, in each statement by itself', () => {
    for (const [sql, counts] of [
      ['', []],
      ['SELECT a, b FROM t', [1]],
      ['SELECT (a + b) * -c FROM t WHERE NOT a IN (1, 2)', [8]],
      ['SELECT \'(+(\' || "(+(", [(+(], `(+(` -- (+(\n /* (+( */', [3]],
      ['SELECT selected, nothing, x_and FROM "SELECT"', [1]],
      ['select 1; Select (2); ', [1, 2, 0]],
      ['CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; SELECT (1 + 2); END', [1, 3, 0]],
    ] as const) {
      assert.deepEqual(
        nestingOf(sql).map(({ count }) => count),
        counts,
        sql,
      );
    }
  });

  test('is bounded where SQLite bounds only its parts', () => {
    checkNesting(around(1, maxNesting - 3));
    checkNesting(around(10, Math.floor(maxNesting / 10) - 3));
    for (const sql of [
      around(2, Math.ceil(maxNesting / 2)),
      around(20, 900),
      chain(20_000),
      `SELECT 1; ${around(20, 900)}; SELECT 2`,
      `CREATE TRIGGER g AFTER INSERT ON t BEGIN ${around(20, 900)}; END`,
      `CREATE TABLE t(a, b AS (a${plus(maxNesting)}))`,
      `ALTER TABLE t ADD COLUMN c AS/**/(a${plus(maxNesting)})`,
    ]) {
      assert.throws(
        () => checkNesting(sql),
        { name: 'Failure', code: 5, message: /may be nested/ },
        sql.slice(0, 50),
      );
    }
  });

  test('is not bounded where SQLite bounds it, or where much stands side by side', () => {
    for (const sql of [
      `INSERT INTO t VALUES ${'(1, -2), '.repeat(maxNesting)} (1, 2)`,
      `SELECT 1${plus(maxNesting)}`,
      `SELECT a FROM t WHERE ${'a = 1 OR '.repeat(maxNesting)} 1`,
      'SELECT 1 + (2); '.repeat(maxNesting),
      `CREATE TABLE t(${Array.from({ length: maxNesting }, (_, index) => `c${index} DEFAULT (-1)`).join()})`,
    ]) {
      checkNesting(sql);
    }
  });
});

suite('SQL that is nested deep', () => {
  test('runs as long as it is bounded, and is refused beyond, in a process that goes on', (t) => {
    const database = new TestDatabase(t, { table: { max_sql_bytes: 2 ** 24 } });
    assert.equal(database.one(around(10, 100)), 1001n);
    assert.equal(database.one(chain(500)), 1n);
    for (const sql of [around(20, 900), chain(20_000), `INSERT INTO missing ${chain(20_000)}`]) {
      database.refuses(sql, 5, /may be nested/);
    }
  });

  test('through views is refused until enough of them are dropped', (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(a); INSERT INTO t VALUES (5); CREATE VIEW v0 AS SELECT a FROM t');
    const levels = Math.ceil(maxNesting / 100) + 1;
    for (let level = 1; level < levels; level++) {
      // Names as they may be written.
      const name =
        [`v${level - 1}`, `[V${level - 1}]`, `"v${level - 1}"`, `'v${level - 1}'`][level % 4] ?? '';
      database.exec(`CREATE VIEW v${level} AS SELECT a${plus(100)} AS a FROM ${name}`);
    }
    for (const sql of [
      `SELECT a FROM v${levels - 1}`,
      'SELECT a FROM t',
      'INSERT INTO t VALUES (1)',
      'CREATE TABLE u(a)',
      'ALTER TABLE t RENAME TO w',
    ]) {
      database.refuses(sql, 5, /nested too deep: drop some/);
    }
    database.exec(` ;; -- nothing\n`);
    database.exec('BEGIN; SAVEPOINT s; RELEASE s; COMMIT');
    database.exec(`DROP VIEW v${levels - 1}`);
    assert.equal(database.one('SELECT a FROM v2'), 205n);
    database.exec(`BEGIN; CREATE TEMP VIEW v AS SELECT a${plus(200)} AS a FROM v${levels - 2}`);
    database.refuses('SELECT a FROM t', 5, /nested too deep/);
    database.exec('ROLLBACK');
    assert.equal(database.one('SELECT a FROM t'), 5n);
  });

  test('is found in a database as it is opened', async (t) => {
    const first = new TestDatabase(t);
    first.exec('CREATE TABLE t(a); CREATE VIEW v0 AS SELECT a FROM t');
    const levels = Math.ceil(maxNesting / 100) + 1;
    for (let level = 1; level < levels; level++) {
      first.exec(`CREATE VIEW v${level} AS SELECT a${plus(100)} AS a FROM v${level - 1}`);
    }
    await first.close();
    const database = new TestDatabase(t, { folder: first.folder });
    database.refuses('SELECT a FROM t', 5, /nested too deep/);
    database.exec('DROP VIEW v3');
    database.exec('INSERT INTO t VALUES (1)');
  });

  test('through generated columns is refused', (t) => {
    const database = new TestDatabase(t);
    database.exec(`CREATE TABLE t(a, b AS (a${plus(900)}))`);
    database.exec('INSERT INTO t VALUES (1)');
    assert.equal(database.one('SELECT b FROM t'), 901n);
    database.exec(`ALTER TABLE t ADD COLUMN c AS (b${plus(900)})`);
    database.refuses('SELECT c FROM t', 5, /nested too deep/);
    database.exec('DROP TABLE t; CREATE TABLE t(a)');
  });

  test('is not seen in views that stand side by side, however many, or in names with quotes in them', (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    for (let view = 0; view < 60; view++) {
      database.exec(`CREATE VIEW "v""${view}" AS SELECT a${plus(60)} AS a, 'v' AS b FROM t`);
    }
    assert.equal(database.one('SELECT a FROM "v""7"'), 61n);
    // One on top of the other they are seen, also by such a name.
    for (let view = 0; view * 63 < maxNesting; view++) {
      const below = view === 0 ? 't' : `"w""${view - 1}"`;
      database.exec(`CREATE VIEW "w""${view}" AS SELECT a${plus(62)} AS a FROM ${below}`);
    }
    database.refuses('SELECT a FROM t', 5, /nested too deep/);
  });

  test('in circles is refused, or an error as ever', (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE VIEW x AS SELECT * FROM y; CREATE VIEW y AS SELECT * FROM x');
    database.refuses('SELECT * FROM x', 5, /circularly/);
    database.exec(`CREATE VIEW z AS SELECT * FROM z, x WHERE 1${plus(900)}`);
    database.exec(`CREATE VIEW q AS SELECT * FROM z, q WHERE 1${plus(900)}`);
    database.refuses('SELECT 1', 5, /nested too deep/);
  });
});
