import type { PassedOver, Seen } from './authorizer.ts';
import { type OpenDatabase, maxValueBytes, single } from './database.ts';
import { resultCode, SqlFailure, sqlFailure } from './failure.ts';
import type { Bound, NativeStatement, SqlValue } from './native.ts';
import { isDeep } from './nesting.ts';
import { type Slots, scanStatement } from './parameter-slots.ts';
import { type RowForm, type RowShape, rowShape } from './rows.ts';
import { ensureStackRoom } from './stack-room.ts';
import { hasWord } from './token.ts';

/** A statement that SQLite has compiled, and all that is known about it. */
export interface Statement {
  readonly native: NativeStatement;
  readonly slots: Slots;
  /** Its first word, in upper case. */
  readonly verb: string;
  /** Whether a single step runs it: it has no rows. Some pragmas do a part of their work for each row of none. */
  readonly oneStep: boolean;
  /** Whether other statements may be compiled to something old once it has run. */
  readonly schemaChange: boolean;
  /** UTF-16 units of the text that it takes, its semicolon included. */
  readonly length: number;
  /** Bytes that a value may have while it runs. */
  readonly valueBytes: number;
  /** Whether it may need more of the stack than there always is, also because SQLite compiles it anew. */
  readonly deep: boolean;
  shape: RowShape;
  /** How often its rows were fetched. */
  fetched: number;
  /** Whether it is proved to have one row or none. */
  singleRow: boolean;
}

/** Bytes of a compiled statement, its triggers included, up to which few of them can be in one another. */
const maxShallowBytes = 64 * 1024;

/** How much of a long text is given to SQLite at first, in UTF-16 units. */
const firstWindow = 4096;

/**
 * Compiles the first statement of a text; undefined when there is none, only blanks, remarks and semicolons.
 * Where a statement ends is for SQLite to say: it knows quoted text, remarks and the bodies of triggers.
 *
 * SQLite reads, and `node:sqlite` converts, all that it is given, so a string of many statements would be read
 * as often as it has statements. It is given a window instead. A statement that ends before the window does
 * was ended by a semicolon: the same one that ends it in the whole text. Everything else in a window proves
 * nothing, and a larger one is tried, up to the whole text.
 */
export function compileFirst(
  database: OpenDatabase,
  sql: string,
  options: CompileOptions,
): Statement | undefined {
  ensureStackRoom();
  for (let size = firstWindow; size < sql.length; size *= 2) {
    const found = tryWindow(database, sql.slice(0, size));
    if (found !== undefined) return finish(database, found, options);
  }
  const found = prepare(database, sql);
  return found === undefined ? undefined : finish(database, found, options);
}

export interface CompileOptions {
  readonly form: RowForm;
  /** How deep views and generated columns are nested. */
  readonly schemaDepth: number;
}

interface Prepared {
  readonly native: NativeStatement;
  readonly seen: Seen;
}

function tryWindow(database: OpenDatabase, window: string): Prepared | undefined {
  try {
    const found = prepare(database, window);
    if (found === undefined || found.native.sourceSQL.length < window.length) return found;
    found.native.close();
  } catch (error) {
    // Perhaps only because the statement goes on.
    if (!(error instanceof SqlFailure)) throw error;
  }
  return undefined;
}

/** Compiles the first statement; undefined when there is none. Throws code 5 with what SQLite says. */
function prepare({ native, authorizer }: OpenDatabase, sql: string): Prepared | undefined {
  authorizer.begin();
  try {
    const prepared = native.prepare(sql);
    return { native: prepared, seen: authorizer.begin() };
  } catch (error) {
    const { refused } = authorizer.begin();
    if (error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_ARG_VALUE') return undefined;
    throw refused === undefined ? sqlFailure(error) : new SqlFailure(refused, { cause: error });
  }
}

function finish(
  database: OpenDatabase,
  { native: compiled, seen }: Prepared,
  { form, schemaDepth }: CompileOptions,
): Statement {
  const text = compiled.sourceSQL;
  const { slots, verb } = scanStatement(text, { parameters: !seen.virtualTable });
  let native: NativeStatement | undefined = compiled;
  try {
    // Without a file's name it attaches a database without one, as VACUUM itself does.
    if (verb === 'VACUUM' && hasWord(text, 'INTO')) {
      throw new SqlFailure('VACUUM INTO writes a file of its own');
    }
    if (slots.refused !== undefined) {
      throw new SqlFailure(`the parameter ${slots.refused} has a name; write ? or ?1`);
    }
    if (seen.passedOver !== undefined) {
      compiled.close();
      native = undefined;
      native = inForce(database, seen.passedOver);
    }
    const shape = rowShape(native, form);
    return {
      native,
      slots,
      verb,
      oneStep: shape.width === 0 && verb !== 'PRAGMA',
      schemaChange: seen.schemaChange,
      length: text.length,
      // The values of a row are made at once, in a heap that the whole thread shares.
      valueBytes: Math.floor(maxValueBytes / Math.max(1, shape.width)),
      deep: seen.recursion || native.stat('memused') > maxShallowBytes || isDeep(text, schemaDepth),
      shape,
      fetched: 0,
      singleRow: false,
    };
  } catch (error) {
    native?.close();
    throw error;
  }
}

/** A statement that reads the pragma that another wanted to set. Throws code 5 where only that value will do. */
function inForce({ native }: OpenDatabase, { name, value, schema, strict }: PassedOver): NativeStatement {
  const prefix = schema === null ? '' : `"${schema.replaceAll('"', '""')}".`;
  const read = `PRAGMA ${prefix}${name}`;
  if (strict) {
    const found = String(single(native, read));
    if (found.toLowerCase() !== value.toLowerCase()) {
      throw new SqlFailure(`PRAGMA ${name} is ${found}, and cannot be set`);
    }
  }
  return native.prepare(read);
}

/** What is bound for a call's values. Throws code 5 when there are too few. */
export function bound({ slots }: Statement, values: readonly SqlValue[]): readonly Bound[] {
  const { needed, positions, named } = slots;
  if (values.length < needed) {
    throw new SqlFailure(`parameters: ${needed} are needed, ${values.length} were given`);
  }
  if (named.length === 0) return values.length === positions.length ? values : values.slice(0, needed);
  const given: Record<string, SqlValue> = {};
  for (const [name, index] of named) given[name] = values[index] ?? null;
  return [given, ...positions.map((index) => values[index] ?? null)];
}

/** Bytes of a compiled statement up to which its program is looked at. */
const maxProvedBytes = 64 * 1024;

const readers: ReadonlySet<string> = new Set(['SELECT', 'WITH', 'VALUES']);

/**
 * Whether a statement changes nothing and has one row or none, whatever the tables hold: the one instruction of
 * its program that gives a row is followed by the one that ends it. Such a row can be had by `get`, which takes
 * less than half of the time of `iterate`. The proof holds until SQLite compiles the statement anew.
 */
export function provesSingleRow({ native }: OpenDatabase, statement: Statement): boolean {
  if (!readers.has(statement.verb) || statement.native.stat('memused') > maxProvedBytes) return false;
  let explain: NativeStatement | undefined;
  try {
    explain = native.prepare(`EXPLAIN ${statement.native.sourceSQL}`);
    const rows = explain.iterate();
    let found = 0;
    let before: SqlValue | undefined;
    for (let { value } = rows.next(); value !== null; { value } = rows.next()) {
      const [, opcode, , second] = value;
      // The second is set for a transaction that writes.
      if (opcode === 'Transaction' && second !== 0n) return false;
      if (before === 'ResultRow' && opcode !== 'Halt') return false;
      if (opcode === 'ResultRow') found++;
      before = opcode;
    }
    return found === 1;
  } catch (error) {
    // Nothing is proved, such as for a text that EXPLAIN makes too long.
    if (resultCode(error) === undefined) throw error;
    return false;
  } finally {
    explain?.close();
  }
}
