import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { isBlank } from './statement-text.ts';

/** What SQLite itself finds in a text. */
function findsNothing(database: DatabaseSync, sql: string): boolean {
  try {
    database.prepare(sql);
  } catch (error) {
    return error instanceof TypeError;
  }
  return false;
}

suite('text without a statement', () => {
  const database = new DatabaseSync(':memory:');
  const agrees = (sql: string): void =>
    assert.equal(isBlank(sql), findsNothing(database, sql), JSON.stringify(sql));

  test('is blanks, semicolons and remarks, as SQLite sees it', () => {
    for (const sql of [
      '',
      ' \t\r\n\f',
      ' \v\v ',
      '\v',
      ';',
      ' ;; ; ',
      '-- a',
      '--',
      '-- a\n;-- b',
      '-- a\nSELECT 1',
      '--\n\v',
      '-',
      '- - a',
      '/* a */',
      '/* a',
      '/*',
      '/* ',
      '/*/',
      '/*/ */',
      '/**/',
      '/* a */ SELECT 1',
      '/',
      '\ufeff',
      '\ufeff;\ufeff-- x',
      '\u00a0',
      '\u2028',
      'SELECT 1',
      "''",
      ';x',
    ]) {
      agrees(sql);
    }
  });

  test('whatever it is put together from', () => {
    const part = fc.constantFrom(
      ' ',
      '\n',
      '\v',
      ';',
      '-',
      '--',
      '/',
      '*',
      '/*',
      '*/',
      'x',
      "'",
      '\ufeff',
      '\f',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => agrees(parts.join(''))),
      { numRuns: 2000 },
    );
  });
});
