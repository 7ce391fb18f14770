import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { suite, test } from 'node:test';
import { TestDatabase, scratch } from './database-under-test.suite.ts';
import { options } from './options.ts';
import { isSmallCache, maxCacheBytes, pragmaRule } from './pragmas.ts';

suite('one database and no other', () => {
  test('ATTACH is refused, however the name is given', (t) => {
    const folder = scratch(t);
    const database = new TestDatabase(t);
    const file = join(folder, 'other.db');
    for (const sql of [
      `ATTACH '${file}' AS o`,
      `ATTACH DATABASE "${file}" AS o`,
      `ATTACH '${folder}' || '/other.db' AS o`,
      `ATTACH (SELECT '${file}') AS o`,
      `ATTACH 'file:${file}' AS o`,
      "ATTACH ':memory:' AS o",
      "ATTACH '' AS o",
      'ATTACH NULL AS o',
      `SELECT 1; ATTACH '${file}' AS o`,
      `EXPLAIN ATTACH '${file}' AS o`,
    ]) {
      database.refuses(sql, 5, /no ATTACH/);
    }
    for (const parameter of [file, '', null, new Uint8Array(0)]) {
      database.refuses('ATTACH ? AS o', 5, /no ATTACH/, [parameter]);
    }
    assert.deepEqual(readdirSync(folder), []);
  });

  test('DETACH is refused', (t) => {
    const database = new TestDatabase(t);
    database.refuses('DETACH main', 5, /no DETACH/);
    database.refuses('DETACH temp', 5, /no DETACH/);
  });

  test('VACUUM works, VACUUM INTO is refused, and a temporary database cannot be had while one runs', (t) => {
    const folder = scratch(t);
    const file = join(folder, 'copy.db');
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1), (2); DELETE FROM t WHERE a = 1');
    for (const sql of ['VACUUM', 'vacuum main', ' ;; /* x */ VACUUM', '\ufeffVACUUM; VACUUM'])
      database.exec(sql);
    database.refuses(`VACUUM INTO '${file}'`, 5, /VACUUM INTO/);
    database.refuses(`VACUUM main INTO 'file:${file}'`, 5, /VACUUM INTO/);
    database.refuses('VACUUM INTO ?', 5, /VACUUM INTO/, [file]);
    database.refuses(`VACUUM INTO '${folder}' || '/copy.db'`, 5, /VACUUM INTO/);
    for (const name of ["''", '""', "':memory:'", 'NULL', "x''", "'' || ''"]) {
      database.refuses(`VACUUM INTO ${name}`, 5, /VACUUM INTO/);
      database.refuses(`vacuum/**/"main" into(${name})`, 5, /VACUUM INTO/);
    }
    database.refuses('VACUUM INTO ?', 5, /VACUUM INTO/, ['']);
    database.exec('VACUUM "main" /* into */ -- INTO');
    assert.ok(!existsSync(file));
    database.refuses("ATTACH '' AS o", 5, /no ATTACH/);
    assert.deepEqual(database.rows('SELECT a FROM t'), [[2n]]);
  });

  test('temporary tables, views, triggers, FTS5, R-tree and JSON are there', (t) => {
    const database = new TestDatabase(t);
    database.exec(`CREATE TEMP TABLE x(a); INSERT INTO x VALUES (1);
      CREATE TABLE t(a); CREATE VIEW v AS SELECT a + 1 AS b FROM t;
      CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO t SELECT 5 WHERE new.a = 1; UPDATE t SET a = a; END;
      INSERT INTO t VALUES (1);
      CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f VALUES ('hello world');
      CREATE VIRTUAL TABLE o USING fts4(body); INSERT INTO o VALUES ('hello world');
      CREATE VIRTUAL TABLE r USING rtree(id, low, high); INSERT INTO r VALUES (1, 2, 3)`);
    assert.deepEqual(database.rows('SELECT a FROM x'), [[1n]]);
    assert.deepEqual(database.rows('SELECT b FROM v ORDER BY b'), [[2n], [6n]]);
    assert.deepEqual(database.rows("SELECT body FROM f WHERE f MATCH 'hello'"), [['hello world']]);
    assert.deepEqual(database.rows("SELECT snippet(o) FROM o WHERE o MATCH 'world'"), [
      ['hello <b>world</b>'],
    ]);
    assert.deepEqual(database.rows('SELECT id FROM r WHERE low < 5'), [[1n]]);
    assert.equal(database.one(`SELECT json_extract('{"a": [1, 2]}', '$.a[1]')`), 2n);
    assert.equal(database.one('SELECT round(sqrt(2) * 1000)'), 1414);
    assert.equal(database.one('SELECT sum(a) OVER (ORDER BY a) FROM t LIMIT 1'), 1n);
  });
});

suite('functions', () => {
  test('that reach out of the database are refused, wherever they stand', (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(a)');
    for (const sql of [
      "SELECT load_extension('/tmp/x')",
      "SELECT LOAD_EXTENSION('/tmp/x', 'y')",
      "SELECT (SELECT load_extension('x'))",
      "INSERT INTO t VALUES (load_extension('x'))",
      "WITH c AS (SELECT load_extension('x') AS y) SELECT y FROM c",
      "SELECT sqlite_log(1, 'x')",
      "SELECT fts3_tokenizer('simple')",
    ]) {
      database.refuses(sql, 5, /is not there/);
    }
    // With bound parameters these would give out, and take, the address of code.
    database.refuses('SELECT hex(fts3_tokenizer(?))', 5, /addresses/, ['simple']);
    database.refuses('SELECT fts3_tokenizer(?, ?)', 5, /addresses/, ['mine', new Uint8Array(8)]);
    database.exec("CREATE VIEW v AS SELECT fts3_tokenizer('simple') AS x");
    database.refuses('SELECT x FROM v', 5, /./);
    database.exec("CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT load_extension('x'); END");
    database.refuses('INSERT INTO t VALUES (1)', 5, /./);
  });

  test('and virtual tables of this SQLite are those that were looked through', () => {
    const database = new DatabaseSync(':memory:');
    const names = (sql: string): string[] =>
      database
        .prepare(sql)
        .all()
        .map(({ name }) => String(name));
    // What no plugin ought to have would most likely have such a name.
    const suspicious = /load|file|_log|tokenizer|exec|system|edit|pointer|fsdir|writ|attach/;
    assert.deepEqual(
      names('SELECT DISTINCT name FROM pragma_function_list ORDER BY name').filter((name) =>
        suspicious.test(name),
      ),
      ['fts3_tokenizer', 'load_extension', 'sqlite_log'],
    );
    assert.deepEqual(
      names(
        "SELECT name FROM pragma_module_list WHERE name NOT LIKE 'pragma%' AND name NOT LIKE 'json%' ORDER BY name",
      ),
      [
        'dbstat',
        'fts3',
        'fts3tokenize',
        'fts4',
        'fts4aux',
        'fts5',
        'fts5vocab',
        'geopoly',
        'rtree',
        'rtree_i32',
      ],
    );
  });
});

suite('pragmas', () => {
  test('that SQLite has are all in one of the lists', () => {
    const names = new DatabaseSync(':memory:').prepare('SELECT name FROM pragma_pragma_list').all();
    assert.deepEqual(
      names.filter(({ name }) => pragmaRule(String(name)) === undefined),
      [],
    );
  });

  test('of how the file is used are the manifest’s only where it may choose them, and SQL changes none', (t) => {
    const database = new TestDatabase(t);
    const names = database.rows('SELECT name FROM pragma_pragma_list ORDER BY name').flat().map(String);
    const chosen = names.filter((name) => {
      const outcomes = ['wal', 'full', '1', 'on', 1, true].map((value) =>
        options.pragmas['~standard'].validate({ [name]: value }),
      );
      return outcomes.some((outcome) => !('issues' in outcome));
    });
    assert.deepEqual(chosen, ['journal_mode', 'synchronous']);
    for (const name of ['mmap_size', 'journal_size_limit']) {
      const found = database.one(`PRAGMA ${name}`);
      for (const value of ['1048576', '-1', '1', "'99999'", 'x']) {
        database.refuses(`PRAGMA ${name} = ${value}`, 5, new RegExp(`PRAGMA ${name} is .* cannot be set`));
        database.refuses(`PRAGMA main.${name}(${value})`, 5, /cannot be set/);
      }
      assert.equal(database.one(`PRAGMA ${name}`), found, name);
    }
  });

  test('that are ordinary work', (t) => {
    const database = new TestDatabase(t);
    assert.equal(database.one('PRAGMA foreign_keys'), 0n);
    database.exec('PRAGMA foreign_keys = ON');
    assert.equal(database.one('PRAGMA foreign_keys'), 1n);
    database.exec('CREATE TABLE p(id PRIMARY KEY); CREATE TABLE c(id REFERENCES p)');
    database.refuses('INSERT INTO c VALUES (1)', 5, /FOREIGN KEY/);
    assert.equal(database.one('PRAGMA busy_timeout = 7'), 7n);
    database.exec('PRAGMA user_version = 12; PRAGMA application_id = 5');
    assert.equal(database.one('PRAGMA user_version'), 12n);
    assert.deepEqual(database.rows('PRAGMA table_info(p)')[0]?.slice(0, 2), [0n, 'id']);
    assert.deepEqual(database.rows("SELECT name FROM pragma_table_info('p')"), [['id']]);
    assert.equal(database.one('PRAGMA integrity_check'), 'ok');
    assert.equal(database.one('PRAGMA wal_checkpoint(TRUNCATE)'), 0n);
    database.exec('PRAGMA optimize; PRAGMA shrink_memory; PRAGMA recursive_triggers = 1');
    assert.equal(database.one('PRAGMA recursive_triggers'), 1n);
  });

  test('do all of their work, also in steps', (t) => {
    const database = new TestDatabase(t);
    database.exec(`PRAGMA auto_vacuum = incremental; VACUUM; CREATE TABLE t(a);
      WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 200) INSERT INTO t SELECT randomblob(4000) FROM c;
      DELETE FROM t`);
    assert.ok(Number(database.one('PRAGMA freelist_count')) > 100);
    database.exec('PRAGMA incremental_vacuum');
    assert.equal(database.one('PRAGMA freelist_count'), 0n);
  });

  test('journal_mode and synchronous answer what is in force and change nothing', (t) => {
    const database = new TestDatabase(t);
    for (const sql of [
      'PRAGMA journal_mode = DELETE',
      'PRAGMA main.journal_mode(off)',
      'PRAGMA "journal_mode" = MEMORY',
      'pragma JOURNAL_MODE=truncate; -- done',
      'PRAGMA journal_mode = WAL',
      'PRAGMA journal_mode',
    ]) {
      assert.deepEqual(database.rows(sql), [['wal']], sql);
      database.exec(sql);
    }
    for (const value of ['OFF', '0', 'NORMAL', 'EXTRA', '1']) {
      assert.deepEqual(database.rows(`PRAGMA synchronous = ${value}`), [[2n]]);
      assert.deepEqual(database.rows(`PRAGMA main.synchronous(${value})`), [[2n]]);
    }
    assert.equal(database.one('EXPLAIN PRAGMA journal_mode = OFF'), 'wal');
    assert.equal(database.one('PRAGMA journal_mode'), 'wal');
    assert.equal(database.one('PRAGMA synchronous'), 2n);
    assert.deepEqual(database.columns('PRAGMA synchronous = OFF'), ['synchronous']);
  });

  test('what the manifest chose is in force, and stays so', (t) => {
    const folder = join(scratch(t), 'plugin');
    for (const [journal, synchronous, found] of [
      ['delete', 'normal', 1n],
      ['truncate', 'off', 0n],
      ['persist', 'extra', 3n],
      ['WAL', 'FULL', 2n],
    ] as const) {
      const database = new TestDatabase(
        { after: () => undefined },
        { folder, table: { pragmas: { journal_mode: journal, synchronous } } },
      );
      database.exec('CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES (1)');
      assert.equal(database.one('PRAGMA journal_mode = OFF'), journal.toLowerCase());
      assert.equal(database.one('PRAGMA synchronous = 2'), found);
      void database.close();
    }
  });

  test('that the host has to decide can be read, and set to what they are', (t) => {
    const database = new TestDatabase(t);
    for (const [name, value, other] of [
      ['page_size', 4096n, '8192'],
      ['max_page_count', 262_144n, '1000000000'],
      ['wal_autocheckpoint', 1000n, '0'],
      ['journal_size_limit', 8_388_608n, '-1'],
      ['mmap_size', 0n, '1000000'],
      ['locking_mode', 'normal', 'EXCLUSIVE'],
      ['threads', 0n, '8'],
      ['cache_spill', 483n, 'OFF'],
      ['soft_heap_limit', 0n, '1000'],
      ['hard_heap_limit', 0n, '1000'],
      ['count_changes', 0n, '1'],
      ['short_column_names', 1n, '0'],
    ] as const) {
      assert.equal(database.one(`PRAGMA ${name}`), value, name);
      database.refuses(`PRAGMA ${name} = ${other}`, 5, /cannot be set/);
      database.refuses(`PRAGMA main.${name}(${other})`, 5, /cannot be set/);
      assert.equal(database.one(`PRAGMA ${name} = ${String(value).toUpperCase()}`), value, name);
      assert.equal(database.one(`PRAGMA ${name}`), value, name);
    }
    database.refuses('PRAGMA schema_version = 5', 5, /cannot be set/);
    database.refuses('PRAGMA temp.max_page_count = 1000000000', 5, /cannot be set/);
  });

  test('temp_store and encoding stay as they are, cache_size within its bound', (t) => {
    const database = new TestDatabase(t);
    assert.equal(database.one('PRAGMA temp_store = MEMORY'), 0n);
    assert.equal(database.one('PRAGMA temp_store'), 0n);
    assert.equal(database.one("PRAGMA encoding = 'UTF-16'"), 'UTF-8');
    database.exec('PRAGMA cache_size = -4000');
    assert.equal(database.one('PRAGMA cache_size'), -4000n);
    for (const size of ['-65537', '100000000', '-999999999999', "'-4e9'", '0x7fffffff']) {
      assert.equal(database.one(`PRAGMA cache_size = ${size}`), -4000n, size);
    }
    assert.ok(
      isSmallCache(String(-maxCacheBytes / 1024), 4096) && isSmallCache(String(maxCacheBytes / 4096), 4096),
    );
    assert.ok(
      !isSmallCache(String(-maxCacheBytes / 1024 - 1), 4096) &&
        !isSmallCache(String(maxCacheBytes / 4096 + 1), 4096),
    );
  });

  test('that show or change what is the host’s are refused, as tables, too', (t) => {
    const database = new TestDatabase(t);
    for (const sql of [
      'PRAGMA database_list',
      'SELECT file FROM pragma_database_list',
      'SELECT * FROM pragma_database_list()',
      "PRAGMA temp_store_directory = '/tmp'",
      'PRAGMA temp_store_directory',
      "PRAGMA data_store_directory = '/tmp'",
      'PRAGMA writable_schema = ON',
      'PRAGMA writable_schema',
      'PRAGMA WRITABLE_SCHEMA(1)',
      'PRAGMA main.writable_schema = RESET',
      'EXPLAIN PRAGMA writable_schema = ON',
    ]) {
      database.refuses(sql, 5, /is not there/);
    }
    database.exec('CREATE TABLE t(a)');
    database.refuses("UPDATE sqlite_schema SET sql = 'x'", 5, /may not be modified/);
    database.refuses('DROP TABLE sqlite_schema', 5, /may not be dropped/);
  });

  test('that SQLite does not have do nothing', (t) => {
    const database = new TestDatabase(t);
    assert.deepEqual(database.rows('PRAGMA no_such_pragma = 1'), []);
    assert.deepEqual(database.rows("PRAGMA key = 'secret'"), []);
  });
});
