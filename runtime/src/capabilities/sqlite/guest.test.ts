import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { suite, test } from 'node:test';
import { guestContext } from '../../../../test/support/guest-context.ts';
import { encode } from '../../abi/msgpack/value.ts';
import { capability } from './capability.ts';
import { optionsOf, scratch, TestDatabase } from './database-under-test.suite.ts';
import { guest, maxErrorBytes } from './guest.ts';

const said = (database: TestDatabase): string[] => database.logs.map(({ message }) => message);

suite('sqlite_error', () => {
  test('is nothing until something failed, then why the last call failed', (t) => {
    const database = new TestDatabase(t);
    assert.equal(database.functions.sqlite_error().length, 0);
    database.exec('SELECT 1');
    assert.equal(database.lastError, '');
    database.refuses('SELEC', 5, /./);
    assert.equal(database.lastError, 'near "SELEC": syntax error');
    // What comes next, such as a ROLLBACK, does not take it away.
    database.exec('SELECT 1');
    assert.equal(database.lastError, 'near "SELEC": syntax error');
    database.refuses('SELECT ?', 5, /./);
    assert.equal(database.lastError, 'parameters: 1 are needed, 0 were given');
    database.refuses('SELECT 1', 3, /./, Uint8Array.of(0x01));
    assert.match(database.lastError, /expected an array/);
    database.refuses("ATTACH 'x' AS y", 5, /./);
    assert.match(database.lastError, /one database/);
  });

  test('is cut off between two characters', (t) => {
    const database = new TestDatabase(t);
    for (const shift of ['', 'x', 'xx', 'xxx']) {
      database.refuses(`SELECT * FROM [${shift}${'😀'.repeat(3000)}]`, 5, /./);
      const text = database.lastError;
      assert.ok(Buffer.byteLength(text) <= maxErrorBytes && Buffer.byteLength(text) > maxErrorBytes - 4);
      assert.ok(!text.includes('\ufffd'));
    }
  });
});

suite('the log', () => {
  test('has a statement that took longer than query_timeout_ms, once it is over', (t) => {
    const database = new TestDatabase(t, { table: { query_timeout_ms: 1 } });
    const slow = `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 300000) SELECT count(*) FROM c -- ${'é'.repeat(200)}`;
    database.exec(slow);
    database.query(slow);
    assert.throws(() => database.query(`${slow}\n; garbage`));
    const lines = database.logs.filter(({ message }) => message === 'storage.sqlite call took long');
    assert.equal(lines.length, 3);
    for (const { level, fields } of lines) {
      assert.equal(level, 'warn');
      assert.ok(Number(fields['ms']) >= 1);
      assert.match(String(fields['sql']), /^WITH RECURSIVE [^\ufffd]*…$/);
    }
  });

  test('has nothing of statements that did not', (t) => {
    const database = new TestDatabase(t);
    database.exec('SELECT 1');
    assert.deepEqual(said(database), ['storage.sqlite ready']);
  });

  test('has a transaction that was open at the end, which is rolled back', async (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES (1)');
    await database.close();
    assert.deepEqual(said(database), ['storage.sqlite ready', 'storage.sqlite rolled back']);
    const file = new DatabaseSync(database.path);
    assert.deepEqual({ ...file.prepare('SELECT count(*) AS n FROM t').get() }, { n: 0 });
    file.close();
  });

  test('has nothing of an end in order', async (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES (1); COMMIT');
    await database.close();
    assert.deepEqual(said(database), ['storage.sqlite ready']);
  });
});

suite('the options of storage.sqlite', () => {
  test('have defaults, and bounds that are kept', () => {
    const defaults = optionsOf();
    assert.deepEqual(
      [
        defaults.max_bytes,
        defaults.max_result_bytes,
        defaults.query_timeout_ms,
        defaults.rows,
        defaults.times,
      ],
      [2 ** 30, 2 ** 26, 30_000, undefined, 'timestamp'],
    );
    for (const [key, value] of [
      ['max_bytes', 65_535],
      ['max_bytes', '1GiB'],
      ['max_temp_bytes', 0],
      ['max_sql_bytes', 2 ** 25],
      ['max_result_bytes', 2 ** 31],
      ['query_timeout_ms', 0],
      ['rows', 'objects'],
      ['times', 'date'],
      ['pragmas', 'wal'],
      ['pragmas', { journal_mode: 'off' }],
      ['pragmas', { journal_mode: 'memory' }],
      ['pragmas', { journal_mode: 1 }],
      ['pragmas', { synchronous: 'none' }],
      ['pragmas', { cache_size: '5' }],
      ['pragmas', { constructor: 'wal' }],
    ] as const) {
      const schema = capability.options?.[key];
      const result = schema?.['~standard'].validate(value);
      assert.ok(
        result !== undefined && 'issues' in result && result.issues !== undefined,
        `${key} = ${JSON.stringify(value)}`,
      );
    }
  });

  test('are the signatures that a guest may import', () => {
    assert.deepEqual(capability.imports, {
      sqlite_exec: { params: ['in', 'in?'], optional: ['out'] },
      sqlite_query: { params: ['in', 'in?', 'out'] },
      sqlite_error: { params: ['out'] },
    });
  });
});

suite('calls that nothing can interrupt', () => {
  test('are noted while they last, with their limit, also when they fail', (t) => {
    const noted: string[] = [];
    const context = guestContext({
      folder: join(scratch(t), 'plugin'),
      options: optionsOf({ query_timeout_ms: 77 }),
      native: {
        begin: (what, limitMs) => noted.push(`${Buffer.from(what).toString()} ${limitMs}`),
        end: () => noted.push('end'),
      },
    });
    t.after(() => context.scope.disposeAsync());
    const { sqlite_exec, sqlite_query } = guest(context).functions;
    sqlite_exec(Buffer.from('SELECT 1'), encode([]));
    assert.throws(() => sqlite_query(Buffer.from('garbage'), encode([])));
    assert.throws(() => sqlite_query(Buffer.from('SELECT 2'), Uint8Array.of(0xc1)));
    assert.deepEqual(noted, ['SELECT 1 77', 'end', 'garbage 77', 'end', 'SELECT 2 77', 'end']);
  });
});

suite('a result', () => {
  test('of a call stays as it is while others fail', (t) => {
    const database = new TestDatabase(t);
    const { sqlite_query, sqlite_exec } = database.functions;
    const rows = sqlite_query(Buffer.from('SELECT 1'), encode([]));
    const copy = Buffer.from(rows);
    // What a guest may do from inside pulp_alloc, before the result is copied to it.
    sqlite_exec(Buffer.from('CREATE TABLE t(a)'), encode([]));
    assert.throws(() => sqlite_exec(Buffer.from('garbage'), encode([])));
    assert.ok(copy.equals(rows));
  });
});
