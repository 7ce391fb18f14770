import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { before, suite, test } from 'node:test';
import { Timestamp } from '../../runtime/src/abi/msgpack/timestamp.ts';
import { decode, encode, type Value } from '../../runtime/src/abi/msgpack/value.ts';
import { guestFolder } from '../support/guest-host.ts';
import { PulpProcess } from '../support/pulp-process.ts';
import { suiteScope, type Scope } from '../support/scope.ts';
import { SqliteGuest, sqlitePlugin } from '../support/sqlite-guest.ts';
import { text, type Action } from '../support/wat-guest.ts';

/** A storage root that goes with the test. */
function storageRoot(t: Scope): string {
  const path = mkdtempSync(join(tmpdir(), 'pulp-test-sqlite-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A result in the named form. */
function named(value: Value): { columns: Value | undefined; rows: Value | undefined } {
  assert.ok(value instanceof Map);
  return { columns: value.get('columns'), rows: value.get('rows') };
}

suite('a plugin with a database', () => {
  const scope = suiteScope();
  let root: string;
  let guest: SqliteGuest;

  before(async () => {
    root = storageRoot(scope);
    guest = await SqliteGuest.start(scope, root);
  });

  const query = async (sql: string, parameters?: Parameters<SqliteGuest['query']>[1]) => {
    const { code, bytes } = await guest.query(sql, parameters);
    assert.equal(code, 0, `${sql}: ${await guest.lastError()}`);
    return named(decode(bytes));
  };

  test('has it in its own folder, for the owner alone, and the log says where', async () => {
    const path = join(root, 'guest', 'data.db');
    await guest.pulp.line('storage.sqlite ready', { plugin: 'guest', path });
    assert.equal(statSync(join(root, 'guest')).mode & 0o777, 0o700);
    for (const name of readdirSync(join(root, 'guest'))) {
      assert.equal(statSync(join(root, 'guest', name)).mode & 0o777, 0o600, name);
    }
  });

  test('gets rows with names, and what a statement changed, in the widths of the contract', async () => {
    await guest.run('CREATE TABLE widths(i, r, t, b, n)');
    const { code, bytes } = await guest.exec('INSERT INTO widths VALUES (?, ?, ?, ?, ?)', [
      1n,
      2,
      'é',
      Uint8Array.of(0, 255),
      null,
    ]);
    assert.equal(code, 0);
    assert.equal(
      bytes.toString('hex'),
      Buffer.from(
        '\x82\xadrows_affected\xd3\0\0\0\0\0\0\0\x01\xaelast_insert_id\xd3\0\0\0\0\0\0\0\x01',
        'latin1',
      ).toString('hex'),
    );
    const rows = await guest.query('SELECT * FROM widths');
    assert.equal(
      rows.bytes.toString('hex'),
      Buffer.from(
        '\x82\xa7columns\x95\xa1i\xa1r\xa1t\xa1b\xa1n\xa4rows\x91\x95\xd3\0\0\0\0\0\0\0\x01\xcb\x40\0\0\0\0\0\0\0\xa2\xc3\xa9\xc4\x02\0\xff\xc0',
        'latin1',
      ).toString('hex'),
    );
    assert.deepEqual(await query('SELECT 1 AS a WHERE 0'), { columns: ['a'], rows: null });
    assert.deepEqual(await query('CREATE TABLE none(a)'), { columns: [], rows: null });
  });

  test('stores every kind of parameter as what it is', async () => {
    const values = [
      0n,
      -(2n ** 63n),
      2n ** 63n - 1n,
      5,
      -0.5,
      Infinity,
      '',
      'a\0b😀',
      new Uint8Array(0),
      null,
      true,
    ];
    await guest.run('CREATE TABLE kinds(id INTEGER PRIMARY KEY, a)');
    for (const value of values) await guest.run('INSERT INTO kinds(a) VALUES (?)', [value]);
    const { rows } = await query('SELECT a, typeof(a) FROM kinds ORDER BY id');
    const kinds = [
      'integer',
      'integer',
      'integer',
      'real',
      'real',
      'real',
      'text',
      'text',
      'blob',
      'null',
      'integer',
    ];
    assert.deepEqual(
      rows,
      values.map((value, index) => [value === true ? 1n : value, kinds[index]]),
    );
    assert.deepEqual((await query('SELECT ?', [Number.NaN])).rows, [[null]]);
  });

  test('keeps times as text in UTC, and gets them as timestamps from columns declared so', async () => {
    await guest.run('CREATE TABLE times(a DATETIME, b TEXT)');
    const time = new Timestamp(1_767_323_045n, 678_000_000);
    await guest.run('INSERT INTO times VALUES (?1, ?1)', [time]);
    await guest.run(
      "INSERT INTO times VALUES ('2026-01-01 22:04:05 -0500 EST m=+0.01', 'x'), ('soon', 'y'), (5, 'z')",
    );
    const { rows } = await query('SELECT * FROM times');
    assert.deepEqual(rows, [
      [time, '2026-01-02 03:04:05.678+00:00'],
      [new Timestamp(1_767_323_045n), 'x'],
      ['soon', 'y'],
      [5n, 'z'],
    ]);
  });

  test('gets the contract’s codes, and the reason from sqlite_error', async () => {
    for (const [code, sql, parameters, why] of [
      [5, 'garbage', undefined, /syntax error/],
      [5, 'SELECT * FROM missing', undefined, /no such table/],
      [5, 'SELECT ?', undefined, /1 are needed, 0/],
      [5, 'SELECT ?', Uint8Array.of(0xc0), /1 are needed, 0/],
      [5, 'SELECT :a', [1n], /has a name/],
      [5, 'SELECT ?', [2n ** 63n], /64 bits/],
      [5, 'SELECT ?', [[1n]], /array/],
      [5, 'SELECT 1', [{ a: 1n }], /map/],
      [5, 'SELECT 1\0', undefined, /NUL/],
      [3, Buffer.from('SELECT \xff', 'latin1'), undefined, /UTF-8/],
      [3, 'SELECT ?', Uint8Array.of(0x91, 0xa1, 0xff), /UTF-8/],
      [3, 'SELECT 1', Uint8Array.of(0x01), /array/],
      [3, 'SELECT 1', Uint8Array.of(0x91), /ends/],
      [3, 'SELECT 1', Buffer.from('ddffffffff0101', 'hex'), /ends/],
      [1, '', undefined, /ends/],
    ] as const) {
      for (const outcome of [await guest.exec(sql, parameters), await guest.query(sql, parameters)]) {
        assert.deepEqual([outcome.code, outcome.length], [code, 0], String(sql));
      }
      assert.match(await guest.lastError(), why);
    }
    for (const [sql, parameters] of [
      [' ;; -- nothing', undefined],
      ['SELECT ?', [1n, 2n, 3n]],
      ['SELECT 1', Uint8Array.of(0xc0)],
    ] as const) {
      assert.equal((await guest.exec(sql, parameters)).code, 0, sql);
    }
    assert.equal((await guest.call('alloc', 'SELECT 1')).code, 7);
  });

  test('goes on with a transaction from one step to the next', async () => {
    await guest.run('CREATE TABLE steps(a)');
    await guest.run('BEGIN');
    await guest.run('INSERT INTO steps VALUES (1)');
    const reader = new DatabaseSync(join(root, 'guest', 'data.db'), { readOnly: true });
    assert.deepEqual({ ...reader.prepare('SELECT count(*) AS n FROM steps').get() }, { n: 0 });
    await guest.run('INSERT INTO steps VALUES (2)');
    await guest.run('COMMIT');
    assert.deepEqual({ ...reader.prepare('SELECT count(*) AS n FROM steps').get() }, { n: 2 });
    reader.close();
  });

  test('sees a table as it has become between two steps', async () => {
    await guest.run('CREATE TABLE changing(a); INSERT INTO changing VALUES (1)');
    for (let call = 0; call < 6; call++)
      assert.deepEqual(await query('SELECT * FROM changing'), { columns: ['a'], rows: [[1n]] });
    await guest.run('ALTER TABLE changing ADD COLUMN b DEFAULT 2');
    assert.deepEqual(await query('SELECT * FROM changing'), { columns: ['a', 'b'], rows: [[1n, 2n]] });
    await guest.run('BEGIN; ALTER TABLE changing RENAME COLUMN a TO c');
    assert.deepEqual(await query('SELECT * FROM changing'), { columns: ['c', 'b'], rows: [[1n, 2n]] });
    await guest.run('ROLLBACK');
    assert.deepEqual(await query('SELECT * FROM changing'), { columns: ['a', 'b'], rows: [[1n, 2n]] });
  });
});

suite('a plugin of the older form', () => {
  test('gets rows as arrays, and nothing from sqlite_exec', async (t) => {
    const guest = await SqliteGuest.start(t, storageRoot(t), { arity: 4 });
    const { code, length } = await guest.exec('CREATE TABLE t(a DATE); INSERT INTO t VALUES (?), (2)', [1n]);
    assert.deepEqual([code, length], [0, 0]);
    assert.deepEqual(await guest.rows('SELECT a, 2.0 FROM t'), [
      [1n, 2],
      [2n, 2],
    ]);
    assert.equal((await guest.query('SELECT 1 WHERE 0')).bytes.toString('hex'), '90');
    assert.equal((await guest.query('DELETE FROM t')).bytes.toString('hex'), '90');
  });

  test('gets them by the form and the kinds that the manifest says', async (t) => {
    const guest = await SqliteGuest.start(t, storageRoot(t), {
      arity: 4,
      options: 'rows = "named"\ntimes = "text"',
    });
    await guest.run("CREATE TABLE t(a DATE); INSERT INTO t VALUES ('2026-01-02')");
    assert.deepEqual(named(await guest.rows('SELECT a FROM t')), { columns: ['a'], rows: [['2026-01-02']] });
  });
});

suite('the end of a plugin', () => {
  test('in order keeps what was committed, rolls the rest back and says so', async (t) => {
    const root = storageRoot(t);
    const first = await SqliteGuest.start(t, root);
    await first.run("CREATE TABLE t(a); INSERT INTO t VALUES ('kept'); BEGIN; INSERT INTO t VALUES ('lost')");
    assert.equal((await first.pulp.stop()).code, 0);
    await first.pulp.line('storage.sqlite rolled back', { plugin: 'guest' });
    assert.deepEqual(readdirSync(join(root, 'guest')), ['data.db']);
    const second = await SqliteGuest.start(t, root);
    assert.deepEqual(named(await second.rows('SELECT a FROM t')).rows, [['kept']]);
  });

  test('by a trap in a transaction rolls it back, and the next instance goes on', async (t) => {
    const guest = await SqliteGuest.start(t, storageRoot(t));
    await guest.run("CREATE TABLE t(a); INSERT INTO t VALUES ('kept'); BEGIN");
    await assert.rejects(guest.call('trap', "INSERT INTO t VALUES ('lost')"), /502/);
    await guest.pulp.line('storage.sqlite rolled back', { plugin: 'guest' });
    await guest.pulp.line('plugin restarted', { plugin: 'guest' });
    assert.deepEqual(named(await guest.rows('SELECT a FROM t')).rows, [['kept']]);
    await guest.run("INSERT INTO t VALUES ('later')");
    assert.equal(await guest.lastError(), '');
  });

  test('by SIGKILL in the middle of a transaction loses nothing that was acknowledged', async (t) => {
    const root = storageRoot(t);
    const first = await SqliteGuest.start(t, root);
    await first.run('CREATE TABLE t(a)');
    for (let index = 0; index < 20; index++) await first.run('INSERT INTO t VALUES (?)', [BigInt(index)]);
    await first.run('BEGIN; INSERT INTO t SELECT a + 1000 FROM t');
    // More than the cache holds, so that some of it has been written.
    await first.run(
      'WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 4000) INSERT INTO t SELECT randomblob(1000) FROM c',
    );
    first.pulp.signal('SIGKILL');
    assert.equal((await first.pulp.end()).signal, 'SIGKILL');
    assert.ok(readdirSync(join(root, 'guest')).includes('data.db-wal'));
    const second = await SqliteGuest.start(t, root);
    assert.deepEqual(named(await second.rows('SELECT count(*), max(a) FROM t')).rows, [[20n, 19n]]);
    assert.deepEqual(named(await second.rows('PRAGMA integrity_check')).rows, [['ok']]);
    assert.equal((await second.pulp.stop()).code, 0);
  });

  test('by SIGKILL between any two inserts keeps each that was answered', async (t) => {
    const root = storageRoot(t);
    const first = await SqliteGuest.start(t, root);
    await first.run('CREATE TABLE t(a)');
    let acknowledged = 0;
    await assert.rejects(async () => {
      for (;;) {
        const writing = first.run('INSERT INTO t VALUES (?)', [BigInt(acknowledged)]);
        if (acknowledged === 30) first.pulp.signal('SIGKILL');
        await writing;
        acknowledged++;
      }
    });
    assert.ok(acknowledged >= 30);
    await first.pulp.end();
    const second = await SqliteGuest.start(t, root);
    const { rows } = named(await second.rows('SELECT count(*) FROM t'));
    assert.ok(Array.isArray(rows));
    const [[found]] = rows as unknown as [[bigint]];
    assert.ok(
      found === BigInt(acknowledged) || found === BigInt(acknowledged + 1),
      `${found} of ${acknowledged}`,
    );
  });
});

/** Adds a row by `sqlite_exec`, or traps. */
const create: Action = (data) => {
  const sql = data.add(Buffer.from('CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES (?)'));
  return `(if (call $exec ${sql} ${data.add(encode(['x']))}) (then (unreachable)))`;
};

suite('a start', () => {
  test('finds a database that another program wrote', async (t) => {
    const root = storageRoot(t);
    mkdirSync(join(root, 'guest'));
    const writer = new DatabaseSync(join(root, 'guest', 'data.db'));
    writer.exec(
      "CREATE TABLE t(at TIMESTAMP, a); INSERT INTO t VALUES ('2026-01-02 03:04:05 +0000 UTC', 'é')",
    );
    writer.close();
    const guest = await SqliteGuest.start(t, root);
    const { rows } = named(await guest.rows('SELECT at, a FROM t'));
    assert.deepEqual(rows, [[new Timestamp(1_767_323_045n), 'é']]);
  });

  test('is refused with a damaged database, which is left as it is', async (t) => {
    const root = storageRoot(t);
    mkdirSync(join(root, 'guest'));
    const file = join(root, 'guest', 'data.db');
    writeFileSync(file, 'this is no database'.repeat(500));
    const end = await PulpProcess.run(t, { manifest: await sqlitePlugin(t), args: ['-storage-root', root] });
    assert.equal(end.code, 1);
    assert.match(
      end.stderr,
      /^pulp: .*did not start: storage\.sqlite: .*data\.db is damaged, or is no database .*backup.*\n$/,
    );
    assert.equal(readFileSync(file, 'utf8'), 'this is no database'.repeat(500));
  });

  test('is refused with options that cannot be', async (t) => {
    for (const [options, why] of [
      ['max_bytes = 1', /max_bytes: expected a whole number/],
      ['rows = "maps"', /rows: expected one of/],
      ['pragmas = { journal_mode = "off" }', /pragmas\.journal_mode: expected one of/],
      ['pragmas = { mmap_size = "1" }', /pragmas\.mmap_size: is not one of journal_mode, synchronous/],
      ['max_size = 1', /max_size: unknown key/],
    ] as const) {
      const end = await PulpProcess.run(t, { manifest: await sqlitePlugin(t, { options }) });
      assert.equal(end.code, 1, options);
      assert.match(end.stderr, why);
    }
  });

  test('has the database from the first call of the plugin on', async (t) => {
    const imports = `(import "pulp" "sqlite_exec" (func $exec (param i32 i32 i32 i32) (result i32)))`;
    const root = storageRoot(t);
    const manifest = await guestFolder(t, { imports, initialize: create, init: create, shutdown: create });
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"]', '", "storage.sqlite"]'));
    const pulp = await PulpProcess.start(t, { manifest, args: ['-storage-root', root] });
    await pulp.alive();
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
    const database = new DatabaseSync(join(root, 'guest', 'data.db'));
    assert.deepEqual({ ...database.prepare('SELECT count(*) AS n FROM t').get() }, { n: 3 });
    database.close();
  });

  test('leaves functions that were not declared at 99', async (t) => {
    const imports = `(import "pulp" "sqlite_exec" (func $exec (param i32 i32 i32 i32) (result i32)))
      (import "pulp" "sqlite_error" (func $error (param i32 i32) (result i32)))`;
    const init =
      text(`(if (i32.ne (call $exec (i32.const 0) (i32.const 0) (i32.const -1) (i32.const -1)) (i32.const 99)) (then (unreachable)))
      (if (i32.ne (call $error (i32.const -1) (i32.const -1)) (i32.const 99)) (then (unreachable)))`);
    const root = storageRoot(t);
    const pulp = await PulpProcess.start(t, {
      manifest: await guestFolder(t, { imports, init }),
      args: ['-storage-root', root],
    });
    await pulp.alive();
    assert.ok(!readdirSync(root).includes('guest'));
  });
});
