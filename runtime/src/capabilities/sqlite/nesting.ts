/**
 * How deep SQL is nested. SQLite compiles by recursion, on the stack of the plugin's thread, and a stack that
 * overflows there ends the process with every plugin in it. SQLite bounds each expression, each chain of views
 * and each chain of triggers by itself, but not their products: twenty subqueries, each around the one before
 * with an expression of 900 operators, are enough.
 *
 * So what can be nested is counted before it is compiled: parentheses, operators, and words that take an
 * operand. No path through a statement is longer than their number.
 */
import { SqlFailure } from './failure.ts';
import { sqlStackMib } from './stack-room.ts';
import { endOfToken, isIdentifier } from './token.ts';

/** How much may be counted for each MiB of stack. A level takes up to 600 bytes; half of them are the schema's. */
const countPerMib = 800;
/** MiB of stack that are for other things: 1,000 triggers in one another, and one deep expression. */
const reservedMib = 2;

/** How much may be counted in a statement, and as much again on a path through the schema. */
export const maxNesting: number = countPerMib * Math.max(1, sqlStackMib - reservedMib);

/** Words that take an operand, so that they can be nested. */
const nestingWords: ReadonlySet<string> = new Set(
  (
    'AND BETWEEN CASE COLLATE ESCAPE EXCEPT EXISTS GLOB IN INTERSECT IS ISNULL JOIN LIKE MATCH NOT NOTNULL OR ' +
    'REGEXP SELECT UNION WHEN'
  ).split(' '),
);

/** Parentheses and operators. */
const signs: ReadonlySet<number> = new Set(Array.from('(+-*/%|&<>=!~', (sign) => sign.charCodeAt(0)));

/** What a piece of SQL between two semicolons has. */
export interface Nesting {
  /** What can be nested. */
  count: number;
  selects: number;
  /** Whether it has the word AS, without which there is no generated column. */
  named: boolean;
  /** Its first word, in upper case. */
  verb: string;
}

/** Counts what can be nested in each piece of SQL: in statements, and in those of a trigger each by itself. */
export function nestingOf(sql: string): readonly Nesting[] {
  const pieces: Nesting[] = [];
  let piece: Nesting | undefined;
  for (let at = 0; at < sql.length;) {
    piece ??= { count: 0, selects: 0, named: false, verb: '' };
    const unit = sql.charCodeAt(at);
    const end = endOfToken(sql, at, unit);
    if (unit === 0x3b) {
      pieces.push(piece);
      piece = undefined;
    } else if (isIdentifier(unit)) {
      countWord(piece, sql.slice(at, Math.min(end, at + 10)).toUpperCase());
    } else if (end === at + 1 && signs.has(unit)) {
      piece.count++;
    }
    at = end;
  }
  if (piece !== undefined) pieces.push(piece);
  return pieces;
}

function countWord(piece: Nesting, word: string): void {
  if (piece.verb === '') piece.verb = word;
  if (nestingWords.has(word)) piece.count++;
  if (word === 'SELECT') piece.selects++;
  if (word === 'AS') piece.named = true;
}

/** What nothing can be wrong with: there are no two SELECTs, and no column that could be generated. */
const perhapsNested = /select[^]*?select|(?:create|alter)[^]*?as/i;

/** What can be nested, in a statement and the schema together, without any need to look for room on the stack. */
const shallow = 100;

/** Whether a statement may need more of the stack than there always is, with a schema that is nested so deep. */
export function isDeep(sql: string, schemaDepth: number): boolean {
  if (sql.length <= shallow && schemaDepth === 0) return false;
  return nestingOf(sql).reduce((sum, { count }) => sum + count, schemaDepth) > shallow;
}

/**
 * Refuses a string that has a statement which is nested too deep, with code 5. One with a single SELECT or none,
 * such as an INSERT of many rows, is bounded by SQLite itself, unless it makes generated columns.
 */
export function checkNesting(sql: string): void {
  if (!perhapsNested.test(sql)) return;
  for (const { count, selects, named, verb } of nestingOf(sql)) {
    if (count <= maxNesting) continue;
    if (selects > 1 || (named && (verb === 'CREATE' || verb === 'ALTER'))) {
      throw new SqlFailure(
        `a statement has ${count} operators, parentheses and SELECTs; at most ${maxNesting} may be nested`,
      );
    }
  }
}
