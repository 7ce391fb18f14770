import assert from 'node:assert/strict';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { scanStatement } from './parameter-slots.ts';

const slots = (sql: string) => scanStatement(sql, { parameters: true }).slots;

/**
 * How many parameters without a `$` name SQLite counts: as many values as can be bound in order. It is bound to
 * an EXPLAIN, which runs nothing.
 */
function countByBinding(database: DatabaseSync, sql: string): number {
  const explain = database.prepare(`EXPLAIN ${sql}`);
  for (let count = 0; ; count++) {
    const values: SQLInputValue[] = Array.from({ length: count + 1 }, () => null);
    try {
      explain.get(...values);
    } catch (error) {
      assert.match(String(error), /out of range/);
      return count;
    }
  }
}

suite('parameters of a statement', () => {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE t(a, b, "x?y", [?z], `:q`); CREATE TABLE u(a)');

  test('count in order, by number, and by $ and a number', () => {
    for (const [sql, needed, positions, named] of [
      ['SELECT 1', 0, [], []],
      ['SELECT ?', 1, [0], []],
      ['SELECT ?, ?', 2, [0, 1], []],
      ['SELECT ?1, ?1', 1, [0], []],
      ['SELECT ?3', 3, [0, 1, 2], []],
      ['SELECT ?3, ?', 4, [0, 1, 2, 3], []],
      ['SELECT ?2, ?1', 2, [0, 1], []],
      ['SELECT ?, ?1', 1, [0], []],
      ['SELECT ?01', 1, [0], []],
      ['SELECT $1', 1, [], [['$1', 0]]],
      ['SELECT $2', 2, [], [['$2', 1]]],
      [
        'SELECT $2, $2, $1',
        2,
        [],
        [
          ['$2', 1],
          ['$1', 0],
        ],
      ],
      // $3 takes SQLite's first number, so ? is the second.
      ['SELECT $3, ?', 3, [1], [['$3', 2]]],
      // Here ?2 is another name of SQLite's second parameter, $1.
      ['SELECT ?, $1, ?2', 1, [0], [['$1', 0]]],
      ['SELECT $32766', 32_766, [], [['$32766', 32_765]]],
    ] as const) {
      assert.deepEqual(slots(sql), { needed, positions, named, refused: undefined }, sql);
    }
  });

  test('with a name are refused', () => {
    for (const name of [
      ':name',
      '@name',
      '$name',
      '#name',
      ':1',
      '@1',
      '$0',
      '$01',
      '$1a',
      '$1::x',
      '$a(b c)',
      '$é',
    ])
      assert.equal(slots(`SELECT ?, ${name} , 2`).refused, name, name);
  });

  test('are not in quoted text, remarks, names or numbers', () => {
    for (const sql of [
      "SELECT '?', ':a', '''?'",
      'SELECT "?", "a""?"',
      'SELECT `?`, [?], [:a',
      'SELECT 1 -- ? :a\n, 2 /* ? \n :a */ --?',
      'SELECT 1 /* ?',
      'SELECT a$1, a$b, é$1 FROM t',
      "SELECT x'3f', 0x1F, 1e5, .5, 1_000",
      "SELECT a->>'$.x', a->'$[0]', a - -1, a/1 FROM t",
    ]) {
      assert.deepEqual(slots(sql).needed, 0, sql);
      assert.equal(slots(sql).refused, undefined, sql);
    }
  });

  test('mean nothing in the arguments of a virtual table', () => {
    const sql = "CREATE VIRTUAL TABLE f USING fts5(a, prefix='?')";
    assert.equal(scanStatement(`${sql} ?`, { parameters: false }).slots.needed, 0);
  });

  test('the first word is found behind blanks, remarks and semicolons', () => {
    for (const [sql, verb] of [
      ['vacuum', 'VACUUM'],
      ['\ufeff ;; /* a */ -- b\n Vacuum main', 'VACUUM'],
      ['(SELECT 1)', 'SELECT'],
      ['', ''],
      ["'vacuum'", ''],
    ] as const) {
      assert.equal(scanStatement(sql, { parameters: true }).verb, verb, sql);
    }
  });

  test('are as many as SQLite has, for whatever it compiles', () => {
    const atoms = `? ? ?1 ?2 ?5 ?007 '?' '' 'a''?' "x?y" [?z] \`:q\` a b 1 0x1f 1.5 .5e3 x'3f' NULL a$1 a->>'$.x' é||?`;
    const longer = [
      'max(?, 1)',
      '(SELECT ?)',
      'CASE WHEN ? THEN ?2 END',
      'a IN (?, ?1)',
      "a LIKE ? ESCAPE '?'",
    ];
    const atom = fc.constantFrom(...atoms.replace('é||?', "'é'||?").split(' '), ...longer);
    const between = fc.constantFrom(
      '+',
      '-',
      '*',
      '/',
      '||',
      ' AND ',
      ',',
      ' - -',
      '->',
      '/*?*/+',
      '+--?\n',
      '\n=',
    );
    const blank = fc.constantFrom('', ' ', '\n', ' /* ? */ ', '--:a\n', '\t/**/');
    const values = fc
      .array(fc.tuple(blank, atom, blank, between), { minLength: 1, maxLength: 6 })
      .map((parts) => `${parts.map((part) => part.join('')).join('')}1`);
    const statement = fc.oneof(
      values.map((list) => `SELECT ${list} FROM t LIMIT ?`),
      values.map((list) => `WITH c(n) AS (SELECT ?) SELECT n, ${list} FROM c, t`),
      values.map((list) => `SELECT * FROM t WHERE (${list.replaceAll(',', '+')}) ORDER BY ?1 -- ?`),
      values.map((list) => `UPDATE t SET a = (${list.replaceAll(',', '+')}) WHERE b = ? RETURNING ?`),
      values.map((list) => `DELETE FROM u WHERE a = (${list.replaceAll(',', '+')});`),
    );
    let compiled = 0;
    fc.assert(
      fc.property(statement, (sql) => {
        let text;
        try {
          text = database.prepare(sql).sourceSQL;
          database.prepare(`EXPLAIN ${text}`);
        } catch {
          return;
        }
        compiled++;
        assert.equal(slots(text).needed, countByBinding(database, text), text);
      }),
      { numRuns: 2000 },
    );
    assert.ok(compiled > 500, `only ${compiled} were statements`);
  });
});
