import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { suite, test } from 'node:test';
import { TestDatabase, scratch } from './database-under-test.suite.ts';

const modeOf = (path: string): number => statSync(path).mode & 0o777;

suite('opening a database', () => {
  test('makes the folder and the file for their owner alone, and says where it is', (t) => {
    const folder = join(scratch(t), 'root', 'plugin');
    const database = new TestDatabase(t, { folder });
    database.exec('CREATE TABLE t(a)');
    assert.equal(modeOf(folder), 0o700);
    assert.deepEqual(readdirSync(folder).toSorted(), ['data.db', 'data.db-shm', 'data.db-wal']);
    for (const name of readdirSync(folder)) assert.equal(modeOf(join(folder, name)), 0o600, name);
    assert.deepEqual(database.logs, [
      { level: 'info', message: 'storage.sqlite ready', fields: { path: join(folder, 'data.db') } },
    ]);
  });

  test('closes what was open to others', async (t) => {
    const folder = join(scratch(t), 'plugin');
    const first = new TestDatabase(t, { folder });
    first.exec('CREATE TABLE t(a)');
    await first.close();
    chmodSync(folder, 0o755);
    chmodSync(join(folder, 'data.db'), 0o644);
    const database = new TestDatabase(t, { folder });
    database.exec('INSERT INTO t VALUES (1)');
    assert.equal(modeOf(folder), 0o700);
    for (const name of readdirSync(folder)) assert.equal(modeOf(join(folder, name)), 0o600, name);
  });

  test('finds what was there, and foreign keys are off', async (t) => {
    const folder = join(scratch(t), 'plugin');
    const first = new TestDatabase(t, { folder });
    first.exec(
      'CREATE TABLE t(a); INSERT INTO t VALUES (1); PRAGMA foreign_keys = ON; CREATE TEMP TABLE x(a)',
    );
    await first.close();
    assert.deepEqual(readdirSync(folder), ['data.db'], 'in order it ends without a log');
    const database = new TestDatabase(t, { folder });
    assert.equal(database.one('SELECT a FROM t'), 1n);
    assert.equal(database.one('PRAGMA foreign_keys'), 0n);
    database.refuses('SELECT * FROM x', 5, /no such table/);
  });

  test('takes over a database of another driver, whatever its journal, page size and log', (t) => {
    for (const [journal, page] of [
      ['delete', 4096],
      ['wal', 1024],
      ['truncate', 65_536],
      ['persist', 512],
    ] as const) {
      const folder = join(scratch(t), 'plugin');
      mkdirSync(folder);
      const file = join(folder, 'data.db');
      const writer = new DatabaseSync(file, { enableDoubleQuotedStringLiterals: true });
      writer.exec(`PRAGMA page_size = ${page}; PRAGMA journal_mode = ${journal};
        CREATE TABLE t(at DATETIME, a TEXT DEFAULT "quoted"); INSERT INTO t(at) VALUES ('2026-01-02 03:04:05 +0000 UTC')`);
      if (journal !== 'wal') writer.close();
      const database = new TestDatabase(t, { folder });
      assert.equal(database.one('SELECT a FROM t'), 'quoted');
      assert.equal(database.one('PRAGMA page_size'), BigInt(page));
      assert.equal(database.one('PRAGMA journal_mode'), 'wal');
      database.exec("INSERT INTO t VALUES ('later', 'x')");
      assert.equal(database.one('SELECT count(*) FROM t'), 2n);
      if (writer.isOpen) writer.close();
    }
  });

  test('recovers the log that a killed process left', (t) => {
    const folder = join(scratch(t), 'plugin');
    mkdirSync(folder);
    const script = `
      const { DatabaseSync } = require('node:sqlite');
      const database = new DatabaseSync(${JSON.stringify(join(folder, 'data.db'))});
      database.exec("PRAGMA journal_mode = wal; CREATE TABLE t(a); INSERT INTO t VALUES ('kept'); BEGIN; INSERT INTO t VALUES ('lost')");
      process.kill(process.pid, 'SIGKILL');`;
    assert.throws(() => execFileSync(process.execPath, ['-e', script]));
    assert.ok(statSync(join(folder, 'data.db-wal')).size > 0);
    const database = new TestDatabase(t, { folder });
    assert.deepEqual(database.rows('SELECT a FROM t'), [['kept']]);
  });

  test('of more bytes than it may have works, cannot grow, and the log says so', async (t) => {
    const folder = join(scratch(t), 'plugin');
    const first = new TestDatabase(t, { folder });
    first.exec("CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(200000)), ('small')");
    await first.close();
    const database = new TestDatabase(t, { folder, table: { max_bytes: 65_536 } });
    assert.deepEqual(
      database.logs.map(({ level, message }) => [level, message]),
      [
        ['warn', 'storage.sqlite over its quota'],
        ['info', 'storage.sqlite ready'],
      ],
    );
    database.refuses('INSERT INTO t VALUES (zeroblob(100000))', 5, /full/);
    database.exec('DELETE FROM t WHERE length(a) > 5; VACUUM; INSERT INTO t VALUES (zeroblob(1000))');
    assert.equal(database.one('SELECT count(*) FROM t'), 2n);
  });
});

suite('a database that cannot be opened', () => {
  const damaged =
    /data\.db is damaged, or is no database \(.+\)\. It was left as it is\. .*backup.*data\.db-wal/;

  test('is left as it is when it is something else, and the error says what to do', (t) => {
    for (const content of ['no database', 'x'.repeat(5000), `SQLite format 3\0${'\xff'.repeat(4080)}`]) {
      const folder = join(scratch(t), 'plugin');
      mkdirSync(folder);
      const file = join(folder, 'data.db');
      writeFileSync(file, content, 'latin1');
      assert.throws(() => new TestDatabase(t, { folder }), { message: damaged });
      assert.equal(readFileSync(file, 'latin1'), content);
      assert.deepEqual(readdirSync(folder), ['data.db']);
    }
  });

  test('is left as it is when its schema is damaged', async (t) => {
    const folder = join(scratch(t), 'plugin');
    const first = new TestDatabase(t, { folder });
    first.exec('CREATE TABLE t(a); CREATE TABLE u(a)');
    await first.close();
    const file = join(folder, 'data.db');
    const content = readFileSync(file);
    content.fill(0xff, 100, 4096);
    writeFileSync(file, content);
    assert.throws(() => new TestDatabase(t, { folder }), { message: damaged });
    assert.ok(readFileSync(file).equals(content));
  });

  test('says so once in the log when the damage is found later', async (t) => {
    const folder = join(scratch(t), 'plugin');
    const first = new TestDatabase(t, { folder });
    first.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1); CREATE TABLE u(a); INSERT INTO u VALUES (2)');
    await first.close();
    const file = join(folder, 'data.db');
    const content = readFileSync(file);
    content.fill(0xff, 4096, 8192);
    writeFileSync(file, content);
    const database = new TestDatabase(t, { folder });
    database.refuses('SELECT a FROM t', 5, /malformed/);
    assert.deepEqual(database.rows('SELECT a FROM u'), [[2n]]);
    assert.deepEqual(
      database.logs.slice(1).map(({ level, message }) => [level, message]),
      [['error', 'storage.sqlite is damaged']],
    );
  });

  test('is no file: a folder, or a pipe that would be waited for', (t) => {
    const folder = join(scratch(t), 'plugin');
    mkdirSync(join(folder, 'data.db'), { recursive: true });
    assert.throws(() => new TestDatabase(t, { folder }), { message: /cannot make .*data\.db: .*no file/ });
    rmSync(join(folder, 'data.db'), { recursive: true });
    execFileSync('mkfifo', [join(folder, 'data.db')]);
    assert.throws(() => new TestDatabase(t, { folder }), { message: /no file/ });
  });

  test('has something in the place of its folder', (t) => {
    const folder = join(scratch(t), 'plugin');
    writeFileSync(folder, '');
    assert.throws(() => new TestDatabase(t, { folder }), {
      message: /^storage\.sqlite: cannot make .*EEXIST|ENOTDIR/,
    });
  });

  test('is locked by another process', (t) => {
    const folder = join(scratch(t), 'plugin');
    mkdirSync(folder);
    const other = new DatabaseSync(join(folder, 'data.db'));
    t.after(() => other.close());
    other.exec('CREATE TABLE t(a); BEGIN EXCLUSIVE');
    assert.throws(() => new TestDatabase(t, { folder }), { message: /locked by another process/ });
  });
});
