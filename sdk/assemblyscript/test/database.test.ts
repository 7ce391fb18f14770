import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { decode, encode, type Encodable } from '../../../runtime/src/abi/msgpack/value.ts';
import { Timestamp } from '../../../runtime/src/abi/msgpack/timestamp.ts';
import { fakeDatabase } from './fake-database.ts';
import type { HostFunction } from './fake-host.ts';
import { compile, Guest, hostImports } from './harness.ts';

const source = `
import { Kind, MapView, Row, Rows, bind, database, log, onEvent, onTick } from "pulp-sdk-assemblyscript";

let kept: Rows | null = null;

function value(row: Row, i: i32): string {
  switch (row.kind(i)) {
    case Kind.Nil: return "null";
    case Kind.Int: return row.int(i).toString();
    case Kind.Float: return row.float(i).toString();
    case Kind.Str: return "'" + row.text(i) + "'";
    case Kind.Bin: return "x" + row.bytes(i).length.toString();
    case Kind.Ext: return "@" + row.time(i).toString();
    default: return "?";
  }
}

function show(rows: Rows): void {
  log.info(rows.ok.toString() + " " + rows.code.toString() + " " + rows.length.toString() + " " + rows.columns.join(","));
  for (let i = 0; i < rows.length; i++) {
    const row = rows.at(i);
    const values: string[] = [];
    for (let j = 0; j < max(rows.columns.length, 1); j++) values.push(value(row, j));
    log.info(values.join(" "));
  }
}

onEvent("exec", (event: MapView) => {
  const done = database.exec(event.get("sql"));
  log.info(done.ok.toString() + " " + done.code.toString() + " " + done.rowsAffected.toString() + " " + done.lastInsertId.toString());
});
onEvent("query", (event: MapView) => {
  const rows = database.query(event.get("sql"));
  kept = rows;
  show(rows);
});
onEvent("error", (event: MapView) => { log.info("[" + database.error() + "]"); });
onEvent("every", (event: MapView) => {
  const bytes = new Uint8Array(3);
  bytes[1] = 255;
  show(database.query("SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?", bind()
    .int(7).int(i64.MIN_VALUE).float(2).float(-0.5).text("grüße").bytes(bytes.subarray(1)).bytes(new Uint8Array(0))
    .bool(true).null().time(-1)));
});
onEvent("insert", (event: MapView) => {
  const values = bind().text(event.get("title")).time(event.i64("time"));
  const done = database.exec("INSERT INTO notes (title, created) VALUES (?, ?)", values);
  log.info(done.rowsAffected.toString() + " " + done.lastInsertId.toString());
});
onEvent("typed", (event: MapView) => {
  const rows = database.query(event.get("sql"));
  const row = rows.first();
  if (row === null) {
    log.info("none");
    return;
  }
  log.info(row.text("a") + "|" + row.int("a").toString() + "|" + row.float("a").toString() + "|" + row.bool("a").toString()
    + "|" + row.bytes("a").length.toString() + "|" + row.time("a").toString() + "|" + row.isNull("a").toString());
});
onEvent("absent", (event: MapView) => {
  const rows = database.query("SELECT 1 AS a, 2 AS b");
  const row = rows.at(0);
  log.info(row.text("c") + "|" + row.int(2).toString() + "|" + row.int(-1).toString() + "|" + row.isNull("c").toString()
    + "|" + (row.kind(9) == Kind.None).toString() + "|" + rows.at(1).int(0).toString() + "|" + rows.at(-1).int("b").toString());
});
onEvent("random", (event: MapView) => {
  const rows = database.query("SELECT value FROM json_each('[0,10,20,30,40]')");
  const order: i32[] = [4, 0, 2, 2, 3, 1, 4];
  let words = "";
  for (let i = 0; i < order.length; i++) words += rows.at(order[i]).int("value").toString() + " ";
  const one = rows.at(1), three = rows.at(3);
  log.info(words + three.int(0).toString() + " " + one.int(0).toString());
});
onTick(() => {
  const rows = kept;
  if (rows !== null) show(rows);
});
`;

function ask(guest: Guest, kind: string, fields: { readonly [key: string]: Encodable } = {}): string {
  guest.stdout = '';
  assert.equal(guest.event(kind, fields), 0);
  return guest.stdout.replace(/\n$/, '');
}

const rowsOf = (columns: readonly string[], rows: Encodable): Uint8Array =>
  encode({ columns, rows }, { integers: 'int64' });

/** A result with one value, given in hexadecimal. */
function oneValue(hex: string): Uint8Array {
  return Buffer.from(`82a7636f6c756d6e7391a161a4726f77739191${hex}`, 'hex');
}

suite('database', () => {
  let plugin: WebAssembly.Module;
  before(async () => {
    plugin = await compile(source);
  });

  function start(host: Readonly<Record<string, HostFunction>> = fakeDatabase()): Guest {
    const guest = new Guest(plugin, { host });
    assert.equal(guest.init(), 0);
    return guest;
  }

  /** What the plugin says of a result given as bytes. */
  function query(answer: ReturnType<HostFunction>): string {
    return ask(start({ sqlite_query: () => answer }), 'query', { sql: 'SELECT' });
  }

  /** What the plugin says of one value, given in hexadecimal. */
  function valueOf(hex: string): string | undefined {
    return query(oneValue(hex)).split('\n')[1];
  }

  test('a plugin that only runs statements imports sqlite_exec alone, in its newer form', async () => {
    const module = await compile(`
      import { database, onInit } from "pulp-sdk-assemblyscript";
      onInit(() => { database.exec("CREATE TABLE a (b)"); });
    `);
    assert.deepEqual(hostImports(module), ['sqlite_exec']);
    const guest = new Guest(module, { host: fakeDatabase() });
    assert.equal(guest.init(), 0);
    assert.equal(guest.host.of('sqlite_exec').length, 1, 'six parameters: the fake counts them');
  });

  test('statements say how many rows they touched and the last id', () => {
    const guest = start();
    assert.equal(
      ask(guest, 'exec', { sql: 'CREATE TABLE notes (id INTEGER PRIMARY KEY, title, created DATETIME)' }),
      'true 0 0 0',
    );
    assert.equal(ask(guest, 'insert', { title: 'grüße', time: 1_767_323_045_678n }), '1 1');
    assert.equal(ask(guest, 'insert', { title: "'; DROP TABLE notes; --", time: 0n }), '1 2');
    assert.equal(
      ask(guest, 'query', { sql: 'SELECT id, title, created FROM notes' }),
      "true 0 2 id,title,created\n1 'grüße' @1767323045678\n2 ''; DROP TABLE notes; --' @0",
    );
    assert.equal(ask(guest, 'exec', { sql: "UPDATE notes SET title = ''" }), 'true 0 2 2');
  });

  test('counts of 64 bits arrive', () => {
    const answer = encode({ rows_affected: 2n ** 40n, last_insert_id: -(2n ** 63n) }, { integers: 'int64' });
    assert.equal(
      ask(start({ sqlite_exec: () => answer }), 'exec', { sql: 'x' }),
      `true 0 ${2n ** 40n} ${-(2n ** 63n)}`,
    );
  });

  test('no parameters are no bytes, and the text goes as it is', () => {
    const guest = start();
    ask(guest, 'query', { sql: "SELECT 'ü'" });
    const [call] = guest.host.of('sqlite_query');
    assert.deepEqual(
      call?.inputs.map((input) => Buffer.from(input).toString()),
      ["SELECT 'ü'", ''],
    );
  });

  test('parameters of every kind go out as their kind', () => {
    const guest = start({ sqlite_query: () => rowsOf([], null) });
    ask(guest, 'every');
    assert.deepEqual(decode(guest.host.of('sqlite_query')[0]?.inputs[1] ?? new Uint8Array()), [
      7n,
      -(2n ** 63n),
      2,
      -0.5,
      'grüße',
      Uint8Array.of(255, 0),
      new Uint8Array(0),
      true,
      null,
      new Timestamp(-1n, 999_000_000),
    ]);
  });

  test('values of every kind come back as their kind', () => {
    assert.equal(
      query(
        rowsOf(
          ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'],
          [[1n, 2n ** 63n - 1n, 1, -0.5, 'ü', Buffer.alloc(300), null, new Timestamp(-1n, 999_999_999)]],
        ),
      ),
      "true 0 1 a,b,c,d,e,f,g,h\n1 9223372036854775807 1.0 -0.5 'ü' x300 null @-1",
    );
  });

  test('points in time of each width are read, rounded down to the millisecond', () => {
    assert.equal(valueOf('d6ff00000001'), '@1000');
    assert.equal(valueOf('d6ffffffffff'), '@4294967295000');
    assert.equal(
      valueOf('d7ff' + ((999_999_999n << 34n) | (2n ** 34n - 1n)).toString(16).padStart(16, '0')),
      '@17179869183999',
    );
    assert.equal(valueOf('c70cff00000001ffffffffffffffff'), '@-1000');
    // The year 1, as Go's zero time.
    assert.equal(valueOf('c70cff00000000fffffff1886e0900'), '@-62135596800000');
  });

  test('each getter reads what it can of each kind, and gives nothing else', () => {
    const guest = start();
    for (const [sql, said] of [
      ['12', '|12|12.0|true|0|0|false'],
      ['0', '|0|0.0|false|0|0|false'],
      ['2.75', '|2|2.75|true|0|0|false'],
      ['1e300', '|9223372036854775807|1e+300|true|0|0|false'],
      ['-9e999', '|-9223372036854775808|-Infinity|true|0|0|false'],
      ["'grüße'", 'grüße|0|0.0|false|7|0|false'],
      ["x'6162'", 'ab|0|0.0|false|2|0|false'],
      ['NULL', '|0|0.0|false|0|0|true'],
    ] as const) {
      assert.equal(ask(guest, 'typed', { sql: `SELECT ${sql} AS a` }), said, sql);
    }
    assert.equal(ask(guest, 'typed', { sql: 'SELECT 1 AS a WHERE 0' }), 'none');
  });

  test('rows may be read in any order, several at a time', () => {
    assert.equal(ask(start(), 'random'), '40 0 20 20 30 10 40 30 10');
  });

  test('what is not there reads as nothing, and an unknown name is logged', () => {
    const guest = start();
    assert.equal(ask(guest, 'absent'), '|0|0|true|true|0|0');
    assert.match(guest.stderr, /^error: the query has no column c: there are a, b\n/);
  });

  test('no rows, no columns, and rows without names are told apart', () => {
    assert.equal(query(rowsOf(['a'], null)), 'true 0 0 a');
    assert.equal(query(rowsOf(['a'], [])), 'true 0 0 a');
    assert.equal(query(rowsOf([], null)), 'true 0 0 ');
    assert.equal(query(encode([[1n], ['x']])), "true 0 2 \n1\n'x'");
    assert.equal(query(encode([])), 'true 0 0 ');
    assert.equal(query(encode({ zzz: 1n, rows: [[1n]], columns: ['a'] })), 'true 0 1 a\n1');
  });

  test('a statement that fails is a code, and the host has the words', () => {
    const guest = start();
    assert.equal(ask(guest, 'error'), '[]');
    assert.equal(ask(guest, 'query', { sql: 'SELECT * FROM missing' }), 'false 5 0 ');
    assert.equal(ask(guest, 'error'), '[no such table: missing]');
    assert.equal(ask(guest, 'exec', { sql: 'CREATE' }), 'false 5 0 0');
    assert.equal(ask(guest, 'error'), '[incomplete input]');
  });

  test('each refusal is a code', () => {
    for (const code of [1, 3, 4, 5, 7, 8, 99]) {
      const guest = start({ sqlite_query: () => code, sqlite_exec: () => code, sqlite_error: () => code });
      assert.equal(ask(guest, 'query', { sql: 'x' }), `false ${code} 0 `);
      assert.equal(ask(guest, 'exec', { sql: 'x' }), `false ${code} 0 0`);
      assert.equal(ask(guest, 'error'), '[]');
    }
  });

  test('a result that is cut off at any byte is code 3, and none of it is used', () => {
    const rows = rowsOf(
      ['a', 'b'],
      [
        [1n, 'x'],
        [null, Buffer.from('y')],
      ],
    );
    for (let length = 0; length < rows.length; length++)
      assert.match(query(rows.subarray(0, length)), /^false 3 0 [ab,]*$/, `${length} bytes`);
    const counts = encode({ rows_affected: 1n, last_insert_id: 2n }, { integers: 'int64' });
    for (let length = 0; length < counts.length; length++) {
      const guest = start({ sqlite_exec: () => counts.subarray(0, length) });
      assert.equal(ask(guest, 'exec', { sql: 'x' }), 'false 3 0 0', `${length} bytes`);
    }
  });

  test('a result that is none is code 3', () => {
    const raw: ReturnType<HostFunction>[] = [
      encode('x'),
      encode(1n),
      encode({}),
      encode({ columns: ['a'] }),
      encode({ columns: 1n, rows: [] }),
      encode({ columns: [], rows: [1n] }),
      encode({ columns: [], rows: [[1n], null] }),
      encode({ columns: [], rows: 'x' }),
      { pointer: 0xffff_fff0, length: 100 },
      { pointer: 0, length: 9 },
    ];
    for (const hex of ['ddffffffff', 'dfffffffff', 'dbffffffff', 'c6ffffffff', 'c1', '91'.repeat(100_000)]) {
      raw.push(Buffer.from(hex, 'hex'));
      for (const key of ['columns', 'rows'])
        raw.push(Buffer.concat([Buffer.of(0x81), encode(key), Buffer.from(hex, 'hex')]));
    }
    for (const answer of raw) assert.match(query(answer), /^false 3 0 /, JSON.stringify(answer).slice(0, 80));
  });

  test('a result with any one byte changed never traps, nor do random bytes', () => {
    const whole = rowsOf(
      ['a', 'b'],
      [
        [1n, 'x', 1.5],
        [null, Buffer.from('y'), new Timestamp(1n, 5)],
      ],
    );
    let answer: Uint8Array = whole;
    const guest = start({ sqlite_query: () => answer, sqlite_exec: () => answer });
    for (let i = 0; i < whole.length; i++) {
      for (const value of [
        0x00, 0x7f, 0x80, 0x9f, 0xbf, 0xc0, 0xc1, 0xc6, 0xc9, 0xcb, 0xcf, 0xd9, 0xdb, 0xdd, 0xdf, 0xff,
      ]) {
        answer = Uint8Array.from(whole);
        answer[i] = value;
        for (const kind of ['query', 'typed', 'exec', 'random']) ask(guest, kind, { sql: 'x' });
      }
    }
    let seed = 1;
    const random = (): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) >>> 16;
    for (let round = 0; round < 5_000; round++) {
      answer = Uint8Array.from({ length: random() % 60 }, () => random() & 0xff);
      for (const kind of ['query', 'typed', 'exec']) ask(guest, kind, { sql: 'x' });
    }
    answer = whole;
    assert.match(ask(guest, 'query', { sql: 'x' }), /^true 0 2 a,b\n/);
  });

  test('a column of another kind or a row with fewer values reads as nothing', () => {
    assert.equal(query(rowsOf(['a', 'b'], [[1n], []])), 'true 0 2 a,b\n1 ?\n? ?');
    assert.equal(query(rowsOf(['a'], [[{ x: 1n }], [[1n]]])), 'true 0 2 a\n?\n?');
  });

  test('rows that are kept are still there in a later step, after much else', () => {
    const guest = start();
    const said = ask(guest, 'query', { sql: "SELECT value AS v FROM json_each('[1,2,3]')" });
    for (let i = 0; i < 2_000; i++) ask(guest, 'typed', { sql: "SELECT 'x' AS a" });
    guest.stdout = '';
    guest.tick();
    assert.equal(guest.stdout, `${said}\n`);
  });

  test('memory does not grow over many queries: what the host places is freed', () => {
    const large = rowsOf(['a'], [[Buffer.alloc(500_000)], ['x']]);
    const guest = start({ ...fakeDatabase(), sqlite_query: () => large });
    let early = 0;
    for (let i = 0; i < 400; i++) {
      ask(guest, 'every');
      ask(guest, 'exec', { sql: 'SELECT 1' });
      ask(guest, 'error');
      guest.host.calls.length = 0;
      if (i === 100) early = guest.memory.buffer.byteLength;
    }
    assert.equal(guest.memory.buffer.byteLength, early);
  });
});
