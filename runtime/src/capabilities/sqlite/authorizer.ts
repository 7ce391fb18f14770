import { constants } from 'node:sqlite';
import { isSmallCache, pragmaRule } from './pragmas.ts';

/** A pragma whose value was passed over: the statement is to be answered with what is in force. */
export interface PassedOver {
  /** In lower case; one of those of pragmas.ts. */
  readonly name: string;
  readonly value: string;
  /** The database it names, such as `main`. */
  readonly schema: string | null;
  /** Whether a value other than the one in force is to be refused. */
  readonly strict: boolean;
}

/** What was seen while a statement was compiled. */
export interface Seen {
  /** It changes tables, indexes, views or triggers, so what other statements were compiled to may be old. */
  schemaChange: boolean;
  /** It makes a virtual table: `?` among its arguments is text. */
  virtualTable: boolean;
  /** It calls a function that recurses as deep as its arguments say. */
  recursion: boolean;
  passedOver: PassedOver | undefined;
  /** Why the statement was refused. SQLite itself says only that it is not authorized. */
  refused: string | undefined;
}

/** Functions that reach what is outside of the database. */
const functions: ReadonlyMap<string, string> = new Map([
  ['load_extension', 'it loads code into the host'],
  // With a bound parameter it takes, and gives, the address of code.
  ['fts3_tokenizer', 'it gives out and takes addresses in the memory of the host'],
  ['sqlite_log', 'the log is the host’s'],
]);

const schemaChanges: ReadonlySet<number> = new Set([
  constants.SQLITE_CREATE_INDEX,
  constants.SQLITE_CREATE_TABLE,
  constants.SQLITE_CREATE_TEMP_INDEX,
  constants.SQLITE_CREATE_TEMP_TABLE,
  constants.SQLITE_CREATE_TEMP_TRIGGER,
  constants.SQLITE_CREATE_TEMP_VIEW,
  constants.SQLITE_CREATE_TRIGGER,
  constants.SQLITE_CREATE_VIEW,
  constants.SQLITE_DROP_INDEX,
  constants.SQLITE_DROP_TABLE,
  constants.SQLITE_DROP_TEMP_INDEX,
  constants.SQLITE_DROP_TEMP_TABLE,
  constants.SQLITE_DROP_TEMP_TRIGGER,
  constants.SQLITE_DROP_TEMP_VIEW,
  constants.SQLITE_DROP_TRIGGER,
  constants.SQLITE_DROP_VIEW,
  constants.SQLITE_ALTER_TABLE,
  constants.SQLITE_CREATE_VTABLE,
  constants.SQLITE_DROP_VTABLE,
]);

const { SQLITE_OK: ok, SQLITE_DENY: deny, SQLITE_IGNORE: ignore } = constants;

/**
 * Says what a guest's SQL may do. SQLite asks it while it compiles, which it also does inside of running
 * statements: for what a VACUUM does, for the pragmas that can be queried as tables, for virtual tables, and
 * when the schema has changed.
 */
export class Authorizer {
  /** What the statement that is being compiled turned out to be. */
  seen: Seen = nothing();
  /** Set while a VACUUM runs, which attaches a temporary database without a name. */
  vacuuming = false;
  /** Bytes of a page, for the bound of the page cache. */
  pageSize = 65_536;

  /** Begins with another statement. Gives what was seen before. */
  begin(): Seen {
    const before = this.seen;
    this.seen = nothing();
    return before;
  }

  /** What SQLite calls. Hot while statements are compiled: mostly it is about a column that is read. */
  readonly check = (action: number, first: string | null, second: string | null, schema: string | null) => {
    switch (action) {
      case constants.SQLITE_READ:
      case constants.SQLITE_SELECT:
        return ok;
      case constants.SQLITE_PRAGMA:
        return this.#pragma(first ?? '', second, schema);
      case constants.SQLITE_FUNCTION:
        return this.#function(second ?? '');
      case constants.SQLITE_ATTACH:
        // The name is null when it is no constant. VACUUM INTO attaches, too, and names the file.
        if (this.vacuuming && first === '') return ok;
        return this.#refuse(
          this.vacuuming ? 'VACUUM INTO writes a file of its own' : 'a plugin has one database: no ATTACH',
        );
      case constants.SQLITE_DETACH:
        return this.#refuse('a plugin has one database: no DETACH');
      default:
        if (schemaChanges.has(action)) this.seen.schemaChange = true;
        if (action === constants.SQLITE_CREATE_VTABLE) this.seen.virtualTable = true;
        return ok;
    }
  };

  #function(name: string): number {
    const lower = name.toLowerCase();
    if (lower === 'like' || lower === 'glob' || lower.startsWith('json')) this.seen.recursion = true;
    const why = functions.get(lower);
    return why === undefined ? ok : this.#refuse(`the function ${name} is not there: ${why}`);
  }

  #pragma(name: string, value: string | null, schema: string | null): number {
    const rule = pragmaRule(name);
    if (rule === undefined) return ignore;
    if (rule === 'refused') return this.#refuse(`PRAGMA ${name} is not there`);
    if (rule === 'free' || value === null) return ok;
    if (rule === 'sized' && isSmallCache(value, this.pageSize)) return ok;
    this.seen.passedOver = { name: name.toLowerCase(), value, schema, strict: rule === 'read' };
    return ignore;
  }

  #refuse(why: string): number {
    this.seen.refused ??= why;
    return deny;
  }
}

function nothing(): Seen {
  return {
    schemaChange: false,
    virtualTable: false,
    recursion: false,
    passedOver: undefined,
    refused: undefined,
  };
}
