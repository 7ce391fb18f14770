import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { suite, test } from 'node:test';
import { TestDatabase } from './database-under-test.suite.ts';

const mib = 2 ** 20;
const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
const rows = (count: number, bytes: number): string =>
  `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT ${count}) SELECT randomblob(${bytes}) FROM c`;

suite('max_bytes', () => {
  test('bounds the file, and what was there before stays', (t) => {
    const database = new TestDatabase(t, { table: { max_bytes: 2 * mib } });
    database.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    database.refuses(`INSERT INTO t ${rows(3000, 1000)}`, 5, /full \(max_bytes/);
    database.refuses('CREATE TABLE u AS SELECT zeroblob(4000000)', 5, /full/);
    assert.deepEqual(database.rows('SELECT a FROM t'), [[1n]]);
    database.exec(`INSERT INTO t ${rows(1000, 1000)}`);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    assert.ok(sizeOf(database.path) <= 2 * mib);
    database.exec('DELETE FROM t; VACUUM');
    database.exec(`INSERT INTO t ${rows(1000, 1000)}`);
  });

  test('cannot be got around', (t) => {
    const database = new TestDatabase(t, { table: { max_bytes: 2 * mib } });
    database.exec('CREATE TABLE t(a)');
    for (const sql of [
      'PRAGMA max_page_count = 1000000',
      'PRAGMA page_size = 65536; VACUUM',
      'PRAGMA wal_autocheckpoint = 0',
      'PRAGMA journal_size_limit = -1',
    ]) {
      database.refuses(sql, 5, /cannot be set/);
    }
    // Whatever is done to it, the bound of the connection stays the same.
    database.exec('PRAGMA auto_vacuum = FULL; VACUUM; BEGIN; CREATE TABLE u(a); ROLLBACK; VACUUM; REINDEX');
    assert.equal(database.one('PRAGMA max_page_count'), BigInt((2 * mib) / 4096));
    database.refuses(`INSERT INTO t ${rows(3000, 1000)}`, 5, /full/);
    database.refuses(
      `CREATE VIRTUAL TABLE IF NOT EXISTS f USING fts5(a); INSERT INTO f ${rows(3000, 1000)}`,
      5,
      /full/,
    );
  });

  test('holds for the log as well: a transaction makes it as large as the database, and it is cut back', (t) => {
    const database = new TestDatabase(t, { table: { max_bytes: 16 * mib, pragmas: { synchronous: 'off' } } });
    const log = `${database.path}-wal`;
    database.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t(a) ${rows(12_000, 1000)}`);
    database.exec('BEGIN');
    for (let round = 0; round < 8; round++) {
      database.exec('UPDATE t SET a = randomblob(1000)');
      assert.ok(sizeOf(log) < 17 * mib, `the log has ${sizeOf(log)} bytes`);
    }
    database.exec('COMMIT');
    for (let round = 0; round < 3000; round++) {
      database.exec('UPDATE t SET a = randomblob(1000) WHERE id = ?', [BigInt(round)]);
    }
    assert.ok(sizeOf(log) <= 9 * mib, `the log has ${sizeOf(log)} bytes`);
    assert.ok(sizeOf(database.path) <= 16 * mib);
  });
});

suite('max_temp_bytes', () => {
  test('bounds temporary tables, apart from the database', (t) => {
    const database = new TestDatabase(t, { table: { max_bytes: 65_536, max_temp_bytes: mib } });
    database.exec('CREATE TEMP TABLE x(a)');
    database.refuses(`INSERT INTO x ${rows(2000, 1000)}`, 5, /full \(max_bytes and max_temp_bytes/);
    database.exec(`INSERT INTO x ${rows(800, 1000)}`);
    // None of these makes the temporary database anew, with a bound of its own.
    database.exec('PRAGMA temp_store = MEMORY; PRAGMA temp_store = FILE; VACUUM; VACUUM temp');
    assert.equal(database.one('SELECT count(*) FROM x'), 800n);
    database.refuses(`INSERT INTO x ${rows(2000, 1000)}`, 5, /full/);
    database.exec('DROP TABLE x; CREATE TEMP TABLE x(a)');
    database.refuses(`INSERT INTO x ${rows(2000, 1000)}`, 5, /full/);
  });
});

const text = (bytes: number): string => `printf('%.*c', ${bytes}, 'x')`;

suite('values', () => {
  test('that SQL makes up are bounded', (t) => {
    const database = new TestDatabase(t);
    for (const sql of [
      'SELECT zeroblob(1000000000)',
      'SELECT length(randomblob(70000000))',
      "SELECT printf('%.*c', 100000000, 'x')",
      "SELECT replace(printf('%.*c', 60000000, 'x'), 'x', 'yy')",
      "SELECT printf('%.*c', 60000000, 'x') || printf('%.*c', 60000000, 'x')",
      'SELECT hex(zeroblob(60000000))',
      "SELECT group_concat(printf('%.*c', 10000000, 'x')) FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8))",
    ]) {
      database.refuses(sql, 5, /67108864 bytes/);
    }
    assert.deepEqual(database.rows('SELECT length(zeroblob(67108864))'), [[67_108_864n]]);
  });

  test('of one row are bounded together: in a heap that the thread shares, they are made at once', (t) => {
    const database = new TestDatabase(t);
    database.refuses(`SELECT ${text(33_554_433)}, 1`, 5, /33554432 bytes/);
    database.refuses(
      `SELECT 1, ${Array.from({ length: 9 }, () => text(10_000_000)).join()}`,
      5,
      /6710886 bytes/,
    );
    // What does not give rows, and what comes next, is not held to that.
    database.exec('CREATE TABLE t(a, b, c)');
    database.exec('INSERT INTO t VALUES (1, zeroblob(30000000), 3)');
    database.refuses('SELECT * FROM t', 5, /22369621 bytes/);
    assert.equal((database.one('SELECT b FROM t') as Uint8Array).length, 30_000_000);
  });

  test('of one row are bounded by the table as it is now, not as it was when the statement was compiled', (t) => {
    const database = new TestDatabase(t);
    const all = 'SELECT * FROM t';
    database.exec('CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(40000000))');
    const narrow = (): void => {
      for (let call = 0; call < 3; call++) database.query(all);
    };
    narrow();
    database.exec('ALTER TABLE t ADD COLUMN b');
    database.refuses(all, 5, /33554432 bytes/);
    // What is compiled in a transaction that is rolled back was compiled for another table.
    database.exec('BEGIN; ALTER TABLE t DROP COLUMN b');
    narrow();
    database.exec('ROLLBACK');
    database.refuses(all, 5, /33554432 bytes/);
    // A schema that has the same number as one that was rolled back is another one.
    database.exec('ALTER TABLE t DROP COLUMN b');
    database.exec('BEGIN; CREATE TABLE u(a); ROLLBACK');
    narrow();
    database.exec('ALTER TABLE t ADD COLUMN c');
    database.refuses(all, 5, /33554432 bytes/);
  });

  test('of a wide row do not bound the text of a schema that another process made', (t) => {
    const database = new TestDatabase(t);
    const wide = `SELECT ${Array.from({ length: 2000 }, () => '1').join()}`;
    database.query(wide);
    const other = new DatabaseSync(database.path);
    other.exec(`CREATE TABLE long(a /* ${'x'.repeat(50_000)} */)`);
    other.close();
    assert.deepEqual(database.rows('SELECT * FROM long'), []);
  });

  test('that a call brought do not stay in the memory of the host', (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(a)');
    const large = new Uint8Array(8 * mib);
    const before = process.memoryUsage.rss();
    for (let call = 0; call < 60; call++) {
      // Kept for what is small, it is not kept with what is large.
      for (const value of [0n, large]) database.rows(`SELECT length(?) -- ${call}`, [value]);
    }
    const grown = process.memoryUsage.rss() - before;
    // Kept in each of these statements they would be 480 MiB.
    assert.ok(grown < 240 * mib, `${grown / mib} MiB more`);
  });

  test('in functions are bounded in number', (t) => {
    const database = new TestDatabase(t);
    database.refuses(`SELECT max(${Array.from({ length: 200 }, () => '1').join()})`, 5, /too many arguments/);
    assert.equal(database.one(`SELECT max(${Array.from({ length: 100 }, () => '1').join()})`), 1n);
  });
});

suite('statements', () => {
  test('that are many, and all different, are not all kept', (t) => {
    const database = new TestDatabase(t);
    const wide = `SELECT ${Array.from({ length: 300 }, (_, index) => `${index} + ?1 AS c${index}`).join()}`;
    const before = process.memoryUsage.rss();
    for (let call = 0; call < 600; call++) database.rows(`${wide} -- ${call}`, [1n]);
    const grown = process.memoryUsage.rss() - before;
    assert.ok(grown < 120 * mib, `${grown / mib} MiB more`);
  });

  test('in one string may be many', (t) => {
    const database = new TestDatabase(t);
    database.exec(`CREATE TABLE t(a); BEGIN; ${'INSERT INTO t VALUES (1);'.repeat(20_000)} COMMIT`);
    assert.equal(database.one('SELECT count(*) FROM t'), 20_000n);
  });
});
