import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { decode, encode } from '../../abi/msgpack/value.ts';
import { Timestamp } from '../../abi/msgpack/timestamp.ts';
import { TestDatabase } from './database-under-test.suite.ts';

const numbers = (count: number): string =>
  `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${count})`;

/** Rows of 10 bytes each. */
const tenBytes = (count: number): string => `${numbers(count)} SELECT n FROM c`;

suite('rows in the named form', () => {
  test('are a map of columns and rows, byte by byte', (t) => {
    const database = new TestDatabase(t);
    assert.equal(
      database.query("SELECT 1 AS a, 1.0 AS b, 'é' AS c, x'00ff' AS d, NULL AS e, x'' AS f").toString('hex'),
      Buffer.concat([
        Buffer.from('82a7', 'hex'),
        Buffer.from('columns'),
        Buffer.from('96a161a162a163a164a165a166a4', 'hex'),
        Buffer.from('rows'),
        Buffer.from('9196d30000000000000001cb3ff0000000000000a2c3a9c40200ffc0c400', 'hex'),
      ]).toString('hex'),
    );
  });

  test('are nil where there are none, and columns are empty for a statement without columns', (t) => {
    const database = new TestDatabase(t);
    assert.deepEqual(
      database.query('SELECT 1 AS a WHERE 0'),
      Buffer.from(encode({ columns: ['a'], rows: null })),
    );
    const nothing = Buffer.from(encode({ columns: [], rows: null }));
    assert.deepEqual(database.query('CREATE TABLE t(a)'), nothing);
    assert.deepEqual(database.query('INSERT INTO t VALUES (1)'), nothing);
    assert.deepEqual(database.query('  -- nothing'), nothing);
    assert.deepEqual(
      database.query('SELECT 1; -- the end'),
      Buffer.from(encode({ columns: ['1'], rows: [[1n]] }, { integers: 'int64' })),
    );
  });
});

suite('rows in the form of arrays', () => {
  test('are an array of arrays, an empty one where there are none', (t) => {
    const database = new TestDatabase(t, { arity: 4 });
    assert.equal(
      database.query('SELECT 1, NULL UNION ALL SELECT 2, NULL').toString('hex'),
      '9292d30000000000000001c092d30000000000000002c0',
    );
    for (const sql of ['SELECT 1 WHERE 0', 'CREATE TABLE t(a)', ' ', 'INSERT INTO t VALUES (1)']) {
      assert.equal(database.query(sql).toString('hex'), '90', sql);
    }
  });
});

suite('the form of rows', () => {
  test('follows the arity of sqlite_exec, unless the manifest says otherwise', (t) => {
    for (const [arity, rows, named] of [
      [4, undefined, false],
      [6, undefined, true],
      [0, undefined, true],
      [4, 'named', true],
      [6, 'arrays', false],
      [0, 'arrays', false],
    ] as const) {
      const database = new TestDatabase(t, { arity, table: rows === undefined ? {} : { rows } });
      assert.equal(decode(database.query('SELECT 1')) instanceof Map, named, `${arity} ${rows}`);
    }
  });
});

suite('many rows', () => {
  for (const form of ['named', 'arrays'] as const) {
    test(`have the header that their number needs, ${form}`, (t) => {
      const database = new TestDatabase(t, { table: { rows: form } });
      for (const count of [1, 15, 16, 17, 255, 256, 65_535, 65_536, 65_537]) {
        const value = decode(database.query(`${numbers(count)} SELECT n, n * 2 FROM c`));
        const rows = value instanceof Map ? value.get('rows') : value;
        assert.ok(Array.isArray(rows));
        assert.equal(rows.length, count);
        assert.deepEqual(rows.at(-1), [BigInt(count), BigInt(count * 2)]);
      }
    });
  }

  test('are refused beyond max_result_bytes, and the connection goes on', (t) => {
    const database = new TestDatabase(t, { table: { max_result_bytes: 10_000 } });
    // Names and headers come on top.
    assert.equal(database.rows(tenBytes(990)).length, 990);
    assert.throws(() => database.query(tenBytes(1001)), { code: 5, message: /max_result_bytes/ });
    assert.throws(() => database.query(tenBytes(100_000_000)), { code: 5, message: /max_result_bytes/ });
    assert.throws(() => database.query('SELECT zeroblob(10000)'), { code: 5, message: /max_result_bytes/ });
    assert.equal(database.rows(tenBytes(3)).length, 3);
    // A statement that was stopped holds nothing: its table can be dropped.
    database.exec(`CREATE TABLE t AS ${tenBytes(5)}`);
    assert.equal(database.rows('SELECT n FROM t').length, 5);
    database.exec(`INSERT INTO t ${tenBytes(2000)}`);
    assert.throws(() => database.query('SELECT n FROM t'), { code: 5 });
    database.exec('DROP TABLE t');
  });

  test('of a result that one row overruns are refused as well', (t) => {
    const database = new TestDatabase(t, { table: { max_result_bytes: 2000 } });
    for (let call = 0; call < 8; call++) {
      assert.throws(() => database.query('SELECT zeroblob(2000)'), { code: 5, message: /max_result_bytes/ });
    }
  });

  test('of a result may be larger than the writer keeps', (t) => {
    const database = new TestDatabase(t);
    for (let call = 0; call < 6; call++) {
      const [row] = database.rows("SELECT 'a', zeroblob(1000000), 'b'");
      assert.deepEqual([row?.[0], row?.[2]], ['a', 'b']);
      assert.equal(Buffer.from(row?.[1] as Uint8Array).length, 1_000_000);
    }
  });
});

const at = (seconds: bigint, nanoseconds = 0): Timestamp => new Timestamp(seconds, nanoseconds);

suite('times in rows', () => {
  const schema = `CREATE TABLE t(a DATETIME, b TEXT, c date, d TimeStamp, e DATETIME(3));
    INSERT INTO t VALUES ('2026-01-02 03:04:05', '2026-01-02 03:04:05', '2026-01-02', '2026-01-02T03:04:05.5Z', '2026-01-02'),
      ('soon', NULL, 5, 1.5, NULL), (x'00', 'x', NULL, '', '')`;

  test('are timestamps in columns declared so; other text and other kinds are as they are', (t) => {
    const database = new TestDatabase(t);
    database.exec(schema);
    // More often than once: the single row is read another way after a few times.
    for (let call = 0; call < 8; call++) {
      assert.deepEqual(database.rows('SELECT * FROM t'), [
        [
          at(1_767_323_045n),
          '2026-01-02 03:04:05',
          at(1_767_312_000n),
          at(1_767_323_045n, 500_000_000),
          '2026-01-02',
        ],
        ['soon', null, 5n, 1.5, null],
        [Uint8Array.of(0), 'x', null, '', ''],
      ]);
      assert.deepEqual(database.rows('SELECT a, b FROM t WHERE rowid = 1'), [
        [at(1_767_323_045n), '2026-01-02 03:04:05'],
      ]);
    }
  });

  test('of a view, a subquery or an alias are timestamps, too; those of an expression are text', (t) => {
    const database = new TestDatabase(t);
    database.exec(`${schema}; CREATE VIEW v AS SELECT a AS x FROM t`);
    assert.deepEqual(database.one('SELECT x FROM v'), at(1_767_323_045n));
    assert.deepEqual(database.one('SELECT y FROM (SELECT a AS y FROM t)'), at(1_767_323_045n));
    assert.equal(database.one("SELECT a || '' FROM t"), '2026-01-02 03:04:05');
    assert.equal(database.one('SELECT max(a, a) FROM t'), '2026-01-02 03:04:05');
  });

  test('stay text where the manifest says so', (t) => {
    const database = new TestDatabase(t, { table: { times: 'text' } });
    database.exec(schema);
    assert.equal(database.one('SELECT a FROM t'), '2026-01-02 03:04:05');
  });

  test('that a guest gives as a timestamp come back as the same', (t) => {
    const database = new TestDatabase(t);
    database.exec('CREATE TABLE s(a DATETIME, b)');
    const time = at(-5n, 678_000_000);
    database.exec('INSERT INTO s VALUES (?1, ?1)', [time]);
    assert.deepEqual(database.rows('SELECT a, b, typeof(a) FROM s'), [
      [time, '1969-12-31 23:59:55.678+00:00', 'text'],
    ]);
  });
});
