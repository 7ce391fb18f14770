import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { decode } from '../../runtime/src/abi/msgpack/value.ts';
import { suiteScope, type Scope } from '../support/scope.ts';
import { SqliteGuest } from '../support/sqlite-guest.ts';

const mib = 2 ** 20;

/** A storage root that goes with the test. */
function storageRoot(t: Scope): string {
  const path = mkdtempSync(join(tmpdir(), 'pulp-test-sqlite-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const blobs = (count: number, bytes: number): string =>
  `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT ${count}) SELECT randomblob(${bytes}) FROM c`;

const text = (bytes: number): string => `printf('%.*c', ${bytes}, 'x')`;

/** The first value of the first row. */
async function one(guest: SqliteGuest, sql: string): Promise<unknown> {
  const value = await guest.rows(sql);
  assert.ok(value instanceof Map);
  return (value.get('rows') as unknown[][] | null)?.[0]?.[0];
}

suite('what a plugin’s SQL cannot reach', () => {
  const scope = suiteScope();
  const outside = storageRoot(scope);
  let guest: SqliteGuest;

  before(async () => {
    guest = await SqliteGuest.start(scope, storageRoot(scope));
    await guest.run('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
  });

  const file = join(outside, 'other.db');
  const refused: readonly (readonly [sql: string, parameters?: readonly (string | null | Uint8Array)[]])[] = [
    [`ATTACH '${file}' AS o`],
    ['ATTACH ? AS o', [file]],
    ['ATTACH ? AS o', [null]],
    ["ATTACH '' AS o"],
    ["ATTACH ':memory:' AS o"],
    [`ATTACH 'file:${file}?mode=rwc' AS o`],
    ['DETACH main'],
    [`VACUUM INTO '${file}'`],
    ['VACUUM INTO ?', [file]],
    ["SELECT load_extension('/tmp/x.so')"],
    ['SELECT load_extension(?)', ['/tmp/x.so']],
    ['SELECT hex(fts3_tokenizer(?))', ['simple']],
    ['SELECT fts3_tokenizer(?, ?)', ['mine', new Uint8Array(8)]],
    ['PRAGMA writable_schema = ON'],
    [`PRAGMA temp_store_directory = '${outside}'`],
    [`PRAGMA data_store_directory = '${outside}'`],
    ['PRAGMA database_list'],
    ['SELECT file FROM pragma_database_list'],
    ['PRAGMA max_page_count = 1000000000'],
    ['PRAGMA page_size = 65536'],
    ['PRAGMA wal_autocheckpoint = 0'],
    ['PRAGMA journal_size_limit = -1'],
    ['PRAGMA mmap_size = 1000000000'],
    ['PRAGMA locking_mode = EXCLUSIVE'],
    ['PRAGMA hard_heap_limit = 1'],
    ["UPDATE sqlite_schema SET sql = 'x'"],
    ['CREATE TABLE x(a); SELECT 1; ATTACH 5 AS o'],
  ];
  for (const [sql, parameters] of refused) {
    const shown = sql.replaceAll(outside, '…');
    test(`${shown} is code 5`, async () => {
      for (const outcome of [await guest.exec(sql, parameters), await guest.query(sql, parameters)]) {
        assert.equal(outcome.code, 5);
      }
      assert.notEqual(await guest.lastError(), '');
      assert.equal(await one(guest, 'SELECT count(*) FROM t'), 1n);
      assert.ok(!existsSync(file));
    });
  }

  test('VACUUM and temporary tables work', async () => {
    await guest.run('VACUUM; CREATE TEMP TABLE v(a); INSERT INTO v VALUES (7)');
    assert.equal(await one(guest, 'SELECT a FROM v'), 7n);
    assert.deepEqual(readdirSync(outside), []);
  });

  test('journal_mode and synchronous answer what is in force, and nothing else comes into it', async () => {
    assert.equal(await one(guest, 'PRAGMA journal_mode = DELETE'), 'wal');
    assert.equal(await one(guest, 'PRAGMA synchronous = OFF'), 2n);
    assert.equal(await one(guest, 'PRAGMA journal_mode'), 'wal');
    assert.equal(await one(guest, 'PRAGMA synchronous'), 2n);
  });
});

suite('what a plugin’s SQL may take', () => {
  test('on disk is bounded: the database, its log, and temporary tables', async (t) => {
    const root = storageRoot(t);
    const guest = await SqliteGuest.start(t, root, {
      options: `max_bytes = ${4 * mib}\nmax_temp_bytes = ${mib}\npragmas = { synchronous = "off" }`,
    });
    const sizeOf = (name: string): number => statSync(join(root, 'guest', name)).size;
    await guest.run('CREATE TABLE t(a); CREATE TEMP TABLE v(a)');
    assert.equal((await guest.exec(`INSERT INTO t ${blobs(10_000, 1000)}`)).code, 5);
    assert.match(await guest.lastError(), /full \(max_bytes/);
    assert.equal((await guest.exec(`INSERT INTO v ${blobs(10_000, 1000)}`)).code, 5);
    assert.match(await guest.lastError(), /full/);
    await guest.run(`INSERT INTO t ${blobs(2500, 1000)}`);
    for (let round = 0; round < 10; round++)
      await guest.run('BEGIN; UPDATE t SET a = randomblob(1000); UPDATE t SET a = randomblob(1000); COMMIT');
    await guest.run('VACUUM');
    assert.ok(sizeOf('data.db') <= 4 * mib, `the database has ${sizeOf('data.db')} bytes`);
    assert.ok(sizeOf('data.db-wal') <= 9 * mib, `the log has ${sizeOf('data.db-wal')} bytes`);
    assert.deepEqual(readdirSync(join(root, 'guest')).toSorted(), ['data.db', 'data.db-shm', 'data.db-wal']);
  });

  test('in results, values and statements is bounded, and the host goes on', async (t) => {
    const guest = await SqliteGuest.start(t, storageRoot(t), { options: 'max_sql_bytes = 100000' });
    for (const [sql, why] of [
      ['SELECT zeroblob(1000000000)', /67108864 bytes/],
      ["SELECT printf('%.*c', 1000000000, 'x')", /67108864 bytes/],
      // Without a bound for the whole row this would end the process.
      [`SELECT ${Array.from({ length: 10 }, () => text(64 * mib)).join()}`, /6710886 bytes/],
      [`SELECT ${Array.from({ length: 2000 }, () => text(mib)).join()}`, /33554 bytes/],
      [
        'WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n, zeroblob(1000) FROM c',
        /max_result_bytes/,
      ],
      [`SELECT 1 -- ${'x'.repeat(100_000)}`, /max_sql_bytes/],
      [`SELECT ${'('.repeat(5000)}1${')'.repeat(5000)}`, /./],
      [`SELECT ${Array.from({ length: 40_000 }, () => '?').join()}`, /too many|needed/],
    ] as const) {
      assert.equal((await guest.query(sql)).code, 5, sql.slice(0, 60));
      assert.match(await guest.lastError(), why);
    }
    const { code, length } = await guest.query('SELECT zeroblob(60000000)');
    assert.deepEqual([code, length > 60_000_000], [0, true]);
    assert.ok(!guest.pulp.messages.includes('plugin crashed'), guest.pulp.dump());
    await guest.pulp.alive();
  });

  test('on the stack is bounded: SQL that is nested deep does not end the process', async (t) => {
    const guest = await SqliteGuest.start(t, storageRoot(t));
    const plus = '+1'.repeat(900);
    const links = Array.from(
      { length: 20_000 },
      (_, index) => `, c${index + 1} AS (SELECT * FROM c${index})`,
    );
    let around = 'SELECT 1 AS a';
    for (let level = 0; level < 20; level++) around = `SELECT a${plus} AS a FROM (${around})`;
    for (const sql of [around, `WITH c0 AS (SELECT 1)${links.join('')} SELECT * FROM c20000`]) {
      assert.equal((await guest.query(sql)).code, 5);
      assert.match(await guest.lastError(), /may be nested/);
    }
    await guest.run('CREATE VIEW v0 AS SELECT 1 AS a');
    for (let level = 1; level <= 20; level++) {
      await guest.exec(`CREATE VIEW v${level} AS SELECT a${plus} AS a FROM v${level - 1}`);
    }
    assert.equal((await guest.query('SELECT * FROM v20')).code, 5);
    assert.match(await guest.lastError(), /nested too deep/);
    await guest.run('DROP VIEW v1');
    assert.ok(!guest.pulp.messages.includes('plugin crashed'), guest.pulp.dump());
    await guest.pulp.alive();
  });

  test('in time is its own: others are served meanwhile, and the log has the statement once it is over', async (t) => {
    const guest = await SqliteGuest.start(t, storageRoot(t), { options: 'query_timeout_ms = 50' });
    const slow =
      'WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 6000000) SELECT count(*) FROM c';
    const running = guest.query(slow);
    assert.equal((await fetch(`${guest.pulp.url}/nowhere`)).status, 404);
    assert.ok(!guest.pulp.messages.includes('storage.sqlite call took long'));
    const { code, bytes } = await running;
    assert.equal(code, 0);
    assert.ok(decode(bytes) instanceof Map);
    const line = await guest.pulp.line('storage.sqlite call took long', { plugin: 'guest', sql: slow });
    assert.ok(Number(line['ms']) > 50);
    assert.equal(line['level'], 'WARN');
  });
});
