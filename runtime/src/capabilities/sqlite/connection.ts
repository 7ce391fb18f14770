import { Buffer, isUtf8 } from 'node:buffer';
import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';
import { type OpenDatabase, close, maxValueBytes, single } from './database.ts';
import { SqlFailure, resultCode, sqlFailure } from './failure.ts';
import type { Bound, Changes, NativeStatement, SqlValue } from './native.ts';
import { checkNesting, maxNesting } from './nesting.ts';
import { scanStatement } from './parameter-slots.ts';
import { decodeParameters } from './parameters.ts';
import { encodeNone, RowEncoder, type RowForm, rowShape } from './rows.ts';
import { depthOfSchema, mendsSchema } from './schema-nesting.ts';
import { ensureStackRoom } from './stack-room.ts';
import { bound, compileFirst, provesSingleRow, type Statement } from './statement.ts';
import { maxKeptStatements, StatementCache } from './statement-cache.ts';
import { isBlank } from './statement-text.ts';

export interface ConnectionOptions {
  /** Bytes of a string of statements. */
  readonly maxSqlBytes: number;
  readonly form: RowForm;
}

/** SQLite's code for a value that is over a limit. */
const tooBig = 18;

/** How often the rows of a statement are fetched before it is worth a proof that it has only one. */
const fetchedBeforeProof = 4;

/** Values of a call up to here stay in the statements that got them, until those get others. */
const keptParameterBytes = 64 * 1024;

/**
 * The one connection of a plugin to its database. Every string of statements goes through here: it is compiled
 * or found, and its statements are bound and run one after the other.
 */
export class Connection {
  readonly #database: OpenDatabase;
  readonly #maxSqlBytes: number;
  readonly #rows: RowEncoder;
  readonly #cache = new StatementCache();
  /** Says what the counters are, and does nothing else. */
  readonly #counters: NativeStatement;
  /** The open transaction has changed the schema: what is compiled meanwhile may be old when it ends. */
  #schemaTouched = false;
  #schemaVersion = '';
  /** How deep views and generated columns are nested. When it is too deep, nothing that could use them is compiled. */
  #schemaDepth = 0;
  #valueBytes = maxValueBytes;
  /** Of the statement that ran last, where it has them. */
  #result: Uint8Array | undefined;
  #changes: Changes | undefined;

  constructor(database: OpenDatabase, { maxSqlBytes, form }: ConnectionOptions) {
    this.#database = database;
    this.#maxSqlBytes = maxSqlBytes;
    this.#rows = new RowEncoder(form);
    this.#counters = database.native.prepare('SELECT 1');
    this.#readSchema();
  }

  /** Whether a transaction is open. */
  get inTransaction(): boolean {
    return this.#database.native.isTransaction;
  }

  /**
   * Runs all statements of a string. `?` counts from 1 in each. Throws a {@link Failure}: code 3 for what
   * cannot be decoded, otherwise code 5; what ran before stays.
   */
  execute(sql: Uint8Array, parameters: Uint8Array): void {
    this.#run(sql, parameters, false);
  }

  /** As {@link execute}, and gives the rows of the last statement. They are valid until the next call. */
  query(sql: Uint8Array, parameters: Uint8Array): Uint8Array {
    this.#run(sql, parameters, true);
    const result = this.#result;
    this.#result = undefined;
    return result ?? this.#rows.none();
  }

  /** What the connection's counters say; statements that are not theirs leave them as they are. */
  get changes(): Changes {
    return this.#changes ?? this.#counters.run();
  }

  /** Closes the database. An open transaction is rolled back. */
  close(): void {
    close(this.#database.native);
  }

  /** Hot: bench/storage.ts. */
  #run(sql: Uint8Array, parameters: Uint8Array, fetch: boolean): void {
    if (sql.length > this.#maxSqlBytes) {
      throw new SqlFailure(`SQL of ${sql.length} bytes; max_sql_bytes is ${this.#maxSqlBytes}`);
    }
    const values = decodeParameters(parameters);
    this.#changes = undefined;
    this.#result = undefined;
    const known = this.#cache.get(sql);
    try {
      if (known === undefined) {
        this.#compile(sql, { values, fetch });
      } else {
        const last = known.length - 1;
        for (let index = 0; index <= last; index++) {
          const statement = known[index];
          if (statement !== undefined) this.#step(statement, values, fetch && index === last);
        }
      }
    } finally {
      if (parameters.length > keptParameterBytes) this.#cache.drop(sql);
      if (this.#schemaTouched && !this.inTransaction) {
        this.#schemaTouched = false;
        this.#readSchema();
      }
    }
  }

  /** Compiles and runs a string of statements, each when those before it have run, and keeps them if it may. */
  #compile(sql: Uint8Array, call: { readonly values: SqlValue[]; readonly fetch: boolean }): void {
    const compiled: Statement[] = [];
    let keep = !this.#schemaTouched;
    try {
      let rest = decodeSql(sql);
      checkNesting(rest);
      for (;;) {
        this.#allow(maxValueBytes);
        if (this.#schemaDepth > maxNesting) checkMending(rest);
        const statement = compileFirst(this.#database, rest, {
          form: this.#rows.form,
          schemaDepth: this.#schemaDepth,
        });
        if (statement === undefined) break;
        compiled.push(statement);
        if (statement.schemaChange || compiled.length > maxKeptStatements) keep = false;
        rest = rest.slice(statement.length);
        this.#step(statement, call.values, call.fetch && isBlank(rest));
        if (!keep) free(compiled);
      }
      keep &&= this.#cache.add(sql, compiled);
    } catch (error) {
      keep = false;
      throw this.#failure(error);
    } finally {
      if (!keep) free(compiled);
    }
  }

  /** Runs one statement to its end. */
  #step(statement: Statement, values: readonly SqlValue[], fetch: boolean): void {
    const { native } = statement;
    const { authorizer } = this.#database;
    if (statement.deep) ensureStackRoom();
    const args = bound(statement, values);
    this.#allow(statement.valueBytes);
    if (statement.verb === 'VACUUM') authorizer.vacuuming = true;
    try {
      if (statement.oneStep) {
        this.#changes = native.run(...args);
      } else {
        this.#changes = undefined;
        if (fetch && statement.shape.width > 0) {
          this.#result = this.#fetch(statement, args);
          return;
        }
        for (const rows = native.iterate(...args); !rows.next().done;);
      }
      if (fetch) this.#result = encodeNone(statement.shape, this.#rows.form);
    } catch (error) {
      throw this.#failure(error);
    } finally {
      authorizer.vacuuming = false;
      if (statement.schemaChange) this.#schemaChanged();
    }
  }

  /** Sets how many bytes a value may have. */
  #allow(bytes: number): void {
    if (bytes === this.#valueBytes) return;
    this.#valueBytes = bytes;
    this.#database.native.limits.length = bytes;
  }

  /** Runs a statement that has rows, and encodes them. */
  #fetch(statement: Statement, args: readonly Bound[]): Uint8Array {
    const { native } = statement;
    if (statement.fetched === fetchedBeforeProof) {
      statement.singleRow = provesSingleRow(this.#database, statement);
    }
    statement.fetched++;
    if (statement.singleRow) {
      const row = native.get(...args);
      if (native.stat('reprepare') === statement.shape.compiled) return this.#rows.one(row, statement.shape);
      // What was proved was about the program that this one has replaced.
      statement.singleRow = false;
    }
    const rows = native.iterate(...args);
    const first = rows.next();
    // The schema was changed by another process: SQLite has compiled the statement anew with the first row.
    if (native.stat('reprepare') !== statement.shape.compiled) {
      statement.shape = rowShape(native, this.#rows.form);
    }
    return this.#rows.encode(rows, first, statement.shape);
  }

  /** A statement that may change the schema has run: what was compiled before is forgotten if it did. */
  #schemaChanged(): void {
    if (!this.#readSchema()) return;
    this.#schemaTouched = this.inTransaction;
    this.#cache.clear();
  }

  /** Looks at the schema if it is another one than before, and says whether it is. */
  #readSchema(): boolean {
    const { native } = this.#database;
    // A schema may be longer than what a wide row leaves to each of its values.
    this.#allow(maxValueBytes);
    const version = ['main', 'temp']
      .map((name) => String(single(native, `PRAGMA ${name}.schema_version`)))
      .join(' ');
    if (version === this.#schemaVersion) return false;
    this.#schemaVersion = version;
    this.#schemaDepth = depthOfSchema(native);
    return true;
  }

  /** An error as the guest is told it, with the reason when it was the host that refused. */
  #failure(error: unknown): unknown {
    if (error instanceof Failure) return error;
    const { refused } = this.#database.authorizer.begin();
    if (refused !== undefined) return new SqlFailure(refused, { cause: error });
    if (resultCode(error) === tooBig) {
      return new SqlFailure(`a value or row has more than ${this.#valueBytes} bytes`, { cause: error });
    }
    return sqlFailure(error);
  }
}

/** Frees statements, and empties the list of them. */
function free(statements: Statement[]): void {
  for (const { native } of statements.splice(0)) native.close();
}

/** Refuses to go on with a statement that could use a schema which is nested too deep. */
function checkMending(sql: string): void {
  const { verb } = scanStatement(sql, { parameters: false });
  if (isBlank(sql) || mendsSchema(verb)) return;
  throw new SqlFailure(
    'the views and generated columns of the database are nested too deep: drop some, or roll back',
  );
}

/** The text of a string of statements. */
function decodeSql(sql: Uint8Array): string {
  if (!isUtf8(sql)) throw new Failure(Code.decode, 'the SQL is not UTF-8');
  if (sql.includes(0)) throw new SqlFailure('the SQL has a NUL in it');
  return Buffer.from(sql.buffer, sql.byteOffset, sql.length).toString();
}
