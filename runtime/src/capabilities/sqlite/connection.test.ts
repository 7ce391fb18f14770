import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { suite, test } from 'node:test';
import { TestDatabase } from './database-under-test.suite.ts';

suite('a string of statements', () => {
  test('runs every one of them, and gives the rows of the last', (t) => {
    const database = new TestDatabase(t);
    for (let call = 0; call < 3; call++) {
      assert.deepEqual(
        database.rows(`CREATE TABLE IF NOT EXISTS t(a); DELETE FROM t;
          INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);; ; SELECT a FROM t ORDER BY a DESC; -- the end`),
        [[2n], [1n]],
      );
      assert.deepEqual(database.rows('SELECT 1; INSERT INTO t VALUES (3)'), []);
      assert.deepEqual(database.rows('SELECT 1; SELECT 2 /* ; SELECT 3'), [[2n]]);
    }
    assert.equal(database.one('SELECT count(*) FROM t'), 3n);
  });

  test('without a statement does nothing', (t) => {
    const database = new TestDatabase(t);
    for (const sql of [
      ' ',
      '\n\t\r\f',
      ';',
      ';;;',
      '-- a',
      '/* a */',
      '/* a',
      '\ufeff',
      ' ; -- a\n ; /* b */ ; ',
    ]) {
      assert.deepEqual(database.rows(sql), [], JSON.stringify(sql));
      database.exec(sql);
    }
  });

  test('ends statements where SQLite does', (t) => {
    const database = new TestDatabase(t);
    for (const [sql, expected] of [
      ["SELECT ';'; SELECT 'a;b''c;' || ';'", "a;b'c;;"],
      ['SELECT 1 -- ; no\n; SELECT 2 /* ; no */', 2n],
      ['SELECT 1 AS ";"; SELECT 2 AS [;]; SELECT 3 AS `;`', 3n],
      ['\ufeffSELECT 1; \ufeffSELECT 4', 4n],
      ["SELECT '😀;'; SELECT 'é;😀'", 'é;😀'],
      [
        'CREATE TABLE IF NOT EXISTS t(a); CREATE TRIGGER IF NOT EXISTS g AFTER INSERT ON t BEGIN SELECT 1; SELECT CASE WHEN 1 THEN 2 END; END; SELECT 5',
        5n,
      ],
      ['EXPLAIN SELECT 1; SELECT 6', 6n],
      ['BEGIN; END; SELECT 7', 7n],
    ] as const) {
      assert.deepEqual(database.rows(sql), [[expected]], sql);
    }
  });

  test('that is long is split all the same', (t) => {
    const database = new TestDatabase(t);
    const insert = `INSERT INTO t VALUES ('${';'.repeat(50)}é😀'); -- ${'x;'.repeat(30)}\n`;
    const trigger = `CREATE TRIGGER g BEFORE DELETE ON t BEGIN ${'SELECT 1; '.repeat(2000)} END;`;
    database.exec(`CREATE TABLE t(a); ${insert.repeat(3000)} ${trigger} ${insert.repeat(10)}`);
    assert.equal(database.one('SELECT count(*) FROM t'), 3010n);
    assert.equal(database.one("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"), 1n);
    // A remark longer than any window, in front, between and behind.
    const remark = `/*${'x;'.repeat(10_000)}*/`;
    assert.deepEqual(database.rows(`${remark}SELECT 1;${remark};SELECT 2;${remark}`), [[2n]]);
    assert.deepEqual(database.rows(`SELECT '${'y'.repeat(20_000)}' AS a; SELECT 3`), [[3n]]);
  });

  test('stops at the first error, and what ran before it stays', (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(a UNIQUE)');
    database.refuses(
      'INSERT INTO t VALUES (1); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)',
      5,
      /UNIQUE/,
    );
    assert.deepEqual(database.rows('SELECT a FROM t'), [[1n]]);
    database.refuses('DELETE FROM t; garbage; INSERT INTO t VALUES (3)', 5, /near "garbage": syntax error/);
    assert.deepEqual(database.rows('SELECT a FROM t'), []);
    for (const sql of [
      'SELEC',
      "SELECT 'a",
      'SELECT "a',
      'SELECT (',
      'SELECT 1; CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1;',
      '@',
      'SELECT 1; @',
    ]) {
      database.refuses(sql, 5, /./);
    }
  });

  test('that is not UTF-8 is code 3, with a NUL in it code 5, too long code 5', (t) => {
    const database = new TestDatabase(t, { table: { max_sql_bytes: 2000 } });
    database.refuses(Buffer.from("SELECT '\xff'", 'latin1'), 3, /UTF-8/);
    database.refuses(Buffer.from('SELECT 1 -- \xed\xa0\x80', 'latin1'), 3, /UTF-8/);
    database.refuses('SELECT 1\0', 5, /NUL/);
    database.refuses("SELECT 'a\0b'", 5, /NUL/);
    assert.deepEqual(database.rows(`SELECT 1${' '.repeat(1992)}`), [[1n]]);
    database.refuses(`SELECT 1${' '.repeat(1993)}`, 5, /max_sql_bytes/);
    database.refuses('x'.repeat(1_000_000), 5, /max_sql_bytes/);
  });

  test('takes text in double quotes where there is no such column, as the Go driver does', (t) => {
    const database = new TestDatabase(t);
    assert.equal(database.one('SELECT "text"'), 'text');
  });
});

suite('what statements changed', () => {
  test('follows the counters of SQLite, which other statements leave alone', (t) => {
    const database = new TestDatabase(t);
    const after = (sql: string): readonly [bigint, bigint] => {
      const { affected, lastId } = database.exec(sql);
      return [affected, lastId];
    };
    assert.deepEqual(after('CREATE TABLE t(id INTEGER PRIMARY KEY, a)'), [0n, 0n]);
    assert.deepEqual(after('INSERT INTO t(a) VALUES (1), (2), (3)'), [3n, 3n]);
    assert.deepEqual(after('SELECT * FROM t'), [3n, 3n]);
    assert.deepEqual(after('CREATE TABLE u(a)'), [3n, 3n]);
    assert.deepEqual(after(' -- nothing'), [3n, 3n]);
    assert.deepEqual(after('PRAGMA user_version'), [3n, 3n]);
    assert.deepEqual(after('UPDATE t SET a = 5 WHERE id < 3'), [2n, 3n]);
    assert.deepEqual(after('INSERT INTO t VALUES (9223372036854775807, 0) RETURNING id'), [
      1n,
      2n ** 63n - 1n,
    ]);
    assert.deepEqual(after('DELETE FROM t WHERE id = 1; SELECT 1'), [1n, 2n ** 63n - 1n]);
    assert.deepEqual(after('DELETE FROM t WHERE 0'), [0n, 2n ** 63n - 1n]);
    assert.deepEqual(after('INSERT INTO t VALUES (-5, 0); CREATE TABLE w(a)'), [1n, -5n]);
    assert.deepEqual(after('INSERT OR IGNORE INTO t VALUES (-5, 0)'), [0n, -5n]);
    // Also where a number would not be exact.
    for (const id of [
      2n ** 32n - 1n,
      2n ** 32n,
      -(2n ** 32n) - 1n,
      2n ** 53n - 1n,
      2n ** 53n + 1n,
      -(2n ** 63n),
    ]) {
      assert.deepEqual(after(`INSERT INTO t VALUES (${id}, 0)`), [1n, id]);
    }
  });

  test('is two integers of 64 bits, byte by byte', (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(a)');
    const result = database.functions.sqlite_exec(
      Buffer.from('INSERT INTO t VALUES (1), (2)'),
      new Uint8Array(0),
    );
    assert.ok(result instanceof Uint8Array);
    assert.equal(
      Buffer.from(result).toString('latin1'),
      '\x82\xadrows_affected\xd3\0\0\0\0\0\0\0\x02\xaelast_insert_id\xd3\0\0\0\0\0\0\0\x02',
    );
  });

  test('goes to guests with six parameters only', (t) => {
    const database = new TestDatabase(t, { arity: 4 });
    assert.equal(
      database.functions.sqlite_exec(Buffer.from('CREATE TABLE t(a)'), new Uint8Array(0)),
      undefined,
    );
  });
});

suite('transactions', () => {
  test('go on from call to call', (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(a)');
    database.exec('BEGIN');
    database.exec('INSERT INTO t VALUES (1)');
    database.exec('SAVEPOINT s');
    database.exec('INSERT INTO t VALUES (2)');
    database.exec('ROLLBACK TO s');
    assert.deepEqual(database.rows('SELECT a FROM t'), [[1n]]);
    database.exec('COMMIT');
    assert.deepEqual(database.rows('SELECT a FROM t'), [[1n]]);
    database.exec('BEGIN; INSERT INTO t VALUES (3); ROLLBACK');
    assert.deepEqual(database.rows('SELECT a FROM t'), [[1n]]);
    database.refuses('COMMIT', 5, /no transaction/);
  });

  test('outlive a statement that fails', (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(a UNIQUE); BEGIN; INSERT INTO t VALUES (1)');
    database.refuses('INSERT INTO t VALUES (1)', 5, /UNIQUE/);
    database.refuses("SELECT json(x) FROM (SELECT '1' AS x UNION ALL SELECT '{')", 5, /JSON/);
    database.exec('INSERT INTO t VALUES (2); COMMIT');
    assert.equal(database.one('SELECT count(*) FROM t'), 2n);
    assert.equal(
      database.one('PRAGMA wal_checkpoint(TRUNCATE)'),
      0n,
      'a statement that failed holds the log',
    );
  });
});

suite('compiled statements that are kept', () => {
  test('follow what happens to their tables', (t) => {
    const database = new TestDatabase(t);
    const all = 'SELECT * FROM t';
    const one = 'SELECT * FROM t WHERE id = 1';
    const insert = 'INSERT INTO t VALUES (?, ?)';
    const read = (expected: unknown, columns: readonly string[]): void => {
      // Often enough that the single row is proved and fetched as one.
      for (let call = 0; call < 8; call++) {
        assert.deepEqual(database.rows(all), expected);
        assert.deepEqual(database.rows(one), expected);
        assert.deepEqual(database.columns(all), columns);
        assert.deepEqual(database.columns(one), columns);
      }
    };
    database.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, a)');
    database.exec(insert, [1n, 'x']);
    read([[1n, 'x']], ['id', 'a']);
    database.exec('ALTER TABLE t ADD COLUMN b DEFAULT 5');
    read([[1n, 'x', 5n]], ['id', 'a', 'b']);
    database.refuses(insert, 5, /3 columns/, [2n, 'y']);
    database.exec('ALTER TABLE t DROP COLUMN a');
    read([[1n, 5n]], ['id', 'b']);
    database.exec('ALTER TABLE t RENAME COLUMN b TO c');
    read([[1n, 5n]], ['id', 'c']);
    database.exec('CREATE TEMP TABLE t AS SELECT 1 AS id, 2 AS hidden');
    read([[1n, 2n]], ['id', 'hidden']);
    database.exec('DROP TABLE temp.t');
    read([[1n, 5n]], ['id', 'c']);
    database.exec('BEGIN; DROP TABLE t; CREATE TABLE t(id, other DATE); INSERT INTO t VALUES (1, 7)');
    read([[1n, 7n]], ['id', 'other']);
    database.exec('ROLLBACK');
    read([[1n, 5n]], ['id', 'c']);
    // The same version number as in the transaction that was rolled back.
    database.exec('DROP TABLE t; CREATE VIEW t AS SELECT 1 AS id, 8 AS view');
    read([[1n, 8n]], ['id', 'view']);
    database.exec('DROP VIEW t');
    database.refuses(all, 5, /no such table/);
    database.exec('CREATE TABLE t(id); INSERT INTO t VALUES (1)');
    read([[1n]], ['id']);
  });

  test('keep all their rows when what proved them to have one is gone', (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(a, b); CREATE UNIQUE INDEX i ON t(a); INSERT INTO t VALUES (1, 1)');
    const sql = 'SELECT b FROM t WHERE a = 1';
    for (let call = 0; call < 10; call++) assert.deepEqual(database.rows(sql), [[1n]]);
    database.exec('DROP INDEX i; INSERT INTO t VALUES (1, 2)');
    for (let call = 0; call < 10; call++) assert.deepEqual(database.rows(sql), [[1n], [2n]]);
  });

  test('keep all their rows, and name them right, when another process changes the tables', (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(a, b); CREATE UNIQUE INDEX i ON t(a); INSERT INTO t VALUES (1, 1)');
    const sql = 'SELECT * FROM t WHERE a = 1';
    for (let call = 0; call < 10; call++) assert.deepEqual(database.rows(sql), [[1n, 1n]]);
    const other = new DatabaseSync(database.path);
    other.exec('DROP INDEX i; INSERT INTO t VALUES (1, 2); ALTER TABLE t ADD COLUMN c DATE DEFAULT 3');
    other.close();
    assert.deepEqual(database.columns(sql), ['a', 'b', 'c']);
    for (let call = 0; call < 10; call++)
      assert.deepEqual(database.rows(sql), [
        [1n, 1n, 3n],
        [1n, 2n, 3n],
      ]);
  });

  test('give one row, or none, or many, whichever way they are fetched', (t) => {
    const database = new TestDatabase(t);
    database.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, NULL);
      CREATE TRIGGER g AFTER DELETE ON t BEGIN SELECT 1; END`);
    for (let call = 0; call < 10; call++) {
      assert.deepEqual(database.rows('SELECT a FROM t WHERE id = ?', [1n]), [['x']]);
      assert.deepEqual(database.rows('SELECT a FROM t WHERE id = ?', [9n]), []);
      assert.deepEqual(database.rows('SELECT a FROM t WHERE id IN (?, 2, 3)', [1n]), [['x'], ['y'], [null]]);
      assert.deepEqual(database.rows('SELECT count(*) FROM t'), [[3n]]);
      assert.deepEqual(database.rows('SELECT a FROM t WHERE id = 1 UNION ALL SELECT a FROM t WHERE id = 2'), [
        ['x'],
        ['y'],
      ]);
      assert.deepEqual(database.rows('VALUES (1), (2)'), [[1n], [2n]]);
      assert.deepEqual(database.rows('VALUES (1)'), [[1n]]);
      assert.deepEqual(database.rows('SELECT 1 LIMIT 0'), []);
      assert.deepEqual(database.rows('INSERT INTO t VALUES (?, 1) RETURNING id', [BigInt(100 + call)]), [
        [BigInt(100 + call)],
      ]);
      assert.deepEqual(database.rows('WITH c AS (SELECT 7 AS n) DELETE FROM t WHERE id > 50 RETURNING a'), [
        [1n],
      ]);
      assert.throws(() => database.query("SELECT json('{')"), { code: 5 });
    }
  });
});
