import type { NativeDatabase } from './native.ts';
import { nestingOf } from './nesting.ts';
import { endOfToken, isIdentifier } from './token.ts';

/** Views and tables of the database and of the temporary one. */
const objects = ['main', 'temp']
  .map((schema) => `SELECT type, name, sql FROM ${schema}.sqlite_schema WHERE type IN ('view', 'table')`)
  .join(' UNION ALL ');

/** A table has generated columns only with this word. */
const generated = /\bas\b/i;

/** A view, or a table with generated columns. */
interface Node {
  /** What can be nested in it. */
  count: number;
  readonly texts: string[];
}

/**
 * How deep the views and generated columns of a schema are nested: what can be nested on the longest path from one
 * to those that it names. Each is on a path once at most.
 */
export function depthOfSchema(native: NativeDatabase): number {
  const nodes = readNodes(native);
  if (nodes.size === 0) return 0;
  const names = new Map([...nodes].map(([name, { texts }]) => [name, namesIn(texts, nodes)]));
  const depths = new Map<string, number>();
  let waiting = [...nodes.keys()];
  for (let before = -1; waiting.length !== before;) {
    before = waiting.length;
    waiting = waiting.filter((name) => {
      const named = [...(names.get(name) ?? [])];
      if (!named.every((other) => depths.has(other))) return true;
      const deepest = named.reduce((most, other) => Math.max(most, depths.get(other) ?? 0), 0);
      depths.set(name, deepest + (nodes.get(name)?.count ?? 0));
      return false;
    });
  }
  // What names itself in the end is an error when it is used; until SQLite finds it, all may be on the path.
  const circular = waiting.reduce((sum, name) => sum + (nodes.get(name)?.count ?? 0), 0);
  const longest = [...depths.values()].reduce((most, depth) => Math.max(most, depth), 0);
  return longest + circular;
}

function readNodes(native: NativeDatabase): ReadonlyMap<string, Node> {
  const nodes = new Map<string, Node>();
  const statement = native.prepare(objects);
  try {
    const rows = statement.iterate();
    for (let { value } = rows.next(); value !== null; { value } = rows.next()) {
      const [type, name, sql] = value;
      if (typeof name !== 'string' || typeof sql !== 'string') continue;
      if (type === 'table' && !generated.test(sql)) continue;
      const key = name.toLowerCase();
      const node = nodes.get(key) ?? { count: 0, texts: [] };
      nodes.set(key, node);
      // A chain of a thousand that do nothing takes stack, too.
      node.count += 1 + nestingOf(sql).reduce((sum, { count }) => sum + count, 0);
      node.texts.push(sql);
    }
  } finally {
    statement.close();
  }
  return nodes;
}

/** Which of the nodes texts name, as words or quoted. A table's own name in its text leads nowhere. */
function namesIn(texts: readonly string[], nodes: ReadonlyMap<string, Node>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const text of texts) {
    let own = true;
    for (let at = 0; at < text.length;) {
      const unit = text.charCodeAt(at);
      const end = endOfQuoted(text, at, unit);
      const name = (isIdentifier(unit) ? text.slice(at, end) : unquoted(text.slice(at, end))).toLowerCase();
      if (nodes.has(name)) {
        if (!own) found.add(name);
        own = false;
      }
      at = end;
    }
  }
  return found;
}

/** Where a token ends, one with doubled quotes in it as a whole. */
function endOfQuoted(sql: string, at: number, unit: number): number {
  let end = endOfToken(sql, at, unit);
  if (unit !== 0x27 && unit !== 0x22 && unit !== 0x60) return end;
  while (sql.charCodeAt(end) === unit) end = endOfToken(sql, end, unit);
  return end;
}

/** The text in quotes or brackets; anything else is empty. */
function unquoted(token: string): string {
  const [quote = ''] = token;
  if (quote === '[') return token.slice(1, -1);
  if (!`'"\``.includes(quote) || token.length < 2) return '';
  return token.slice(1, -1).replaceAll(quote + quote, quote);
}

/** Statements that use no view and no column, so that a schema which is nested too deep can be mended. */
const mending: ReadonlySet<string> = new Set('BEGIN COMMIT DROP END RELEASE ROLLBACK SAVEPOINT'.split(' '));

/** Whether a statement with this first word may run on a schema that is nested too deep. */
export function mendsSchema(verb: string): boolean {
  return mending.has(verb);
}
