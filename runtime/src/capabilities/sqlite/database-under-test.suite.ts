/** A plugin's database in a folder of its own, as a guest uses it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guestContext } from '../../../../test/support/guest-context.ts';
import { decode, encode, type Encodable, type Value } from '../../abi/msgpack/value.ts';
import { Failure, type Log, type LogFields } from '../../ext.ts';
import { guest } from './guest.ts';
import { options as shape, type SqliteOptions } from './options.ts';

/** What ends with a test. */
export interface Ends {
  after(end: () => unknown): void;
}

/** A folder that goes with the test. */
export function scratch(t: Ends): string {
  const path = mkdtempSync(join(tmpdir(), 'pulp-test-sqlite-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** What a manifest's table comes to; keys that are left out have their defaults. */
export function optionsOf(table: Readonly<Record<string, unknown>> = {}): SqliteOptions {
  const entries = Object.entries(shape).map(([key, schema]) => {
    const result = schema['~standard'].validate(table[key]);
    assert.ok('value' in result, `${key} is refused: ${JSON.stringify(result)}`);
    return [key, result.value];
  });
  return Object.fromEntries(entries) as SqliteOptions;
}

export interface UnderTest {
  /** The plugin's folder. */
  readonly folder?: string;
  /** What stands in `[storage.sqlite]`. */
  readonly table?: Readonly<Record<string, unknown>>;
  /** How many parameters the guest's `sqlite_exec` takes; 0 when it has none. */
  readonly arity?: number;
}

export interface LogLine {
  readonly level: keyof Log;
  readonly message: string;
  readonly fields: LogFields;
}

type Parameters = readonly Encodable[] | Uint8Array;

/** The guest end, opened. */
export class TestDatabase {
  readonly folder: string;
  readonly logs: LogLine[] = [];
  readonly functions: ReturnType<typeof guest>['functions'];
  readonly #scope = new AsyncDisposableStack();

  constructor(t: Ends, { folder = join(scratch(t), 'plugin'), table = {}, arity = 6 }: UnderTest = {}) {
    this.folder = folder;
    const say =
      (level: keyof Log) =>
      (message: string, fields: LogFields = {}) => {
        this.logs.push({ level, message, fields });
      };
    t.after(() => this.close());
    const context = guestContext({
      folder,
      options: optionsOf(table),
      arity: (name) => (name === 'sqlite_exec' ? arity : 6),
      scope: this.#scope,
      log: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') },
    });
    this.functions = guest(context).functions;
  }

  get path(): string {
    return join(this.folder, 'data.db');
  }

  /** The instance ends in order. */
  close(): Promise<void> {
    return this.#scope.disposeAsync();
  }

  /** `sqlite_exec` with its result. */
  exec(sql: string, parameters?: Parameters): { affected: bigint; lastId: bigint } {
    const result = this.functions.sqlite_exec(Buffer.from(sql), listOf(parameters));
    assert.ok(result instanceof Uint8Array, 'sqlite_exec gives nothing back');
    const value = decode(result);
    assert.ok(value instanceof Map);
    const [affected, lastId] = [value.get('rows_affected'), value.get('last_insert_id')];
    assert.ok(typeof affected === 'bigint' && typeof lastId === 'bigint');
    return { affected, lastId };
  }

  /** `sqlite_query`: the result as bytes, copied. */
  query(sql: string, parameters?: Parameters): Buffer {
    return Buffer.from(this.functions.sqlite_query(Buffer.from(sql), listOf(parameters)));
  }

  /** The rows of a result with names; none are an empty array. */
  rows(sql: string, parameters?: Parameters): readonly Value[][] {
    const value = decode(this.query(sql, parameters));
    assert.ok(value instanceof Map);
    return (value.get('rows') ?? []) as Value[][];
  }

  /** The first value of the first row. */
  one(sql: string, parameters?: Parameters): Value | undefined {
    return this.rows(sql, parameters)[0]?.[0];
  }

  /** The names of the columns of a result. */
  columns(sql: string): Value {
    const value = decode(this.query(sql));
    assert.ok(value instanceof Map);
    return value.get('columns') ?? null;
  }

  /** Asserts that the statements are refused with this code, by `sqlite_exec` and `sqlite_query` alike. */
  refuses(sql: string | Uint8Array, code: number, why: RegExp, parameters?: Parameters): void {
    const bytes = Buffer.from(sql);
    for (const name of ['sqlite_exec', 'sqlite_query'] as const) {
      assert.throws(
        () => this.functions[name](bytes, listOf(parameters)),
        (error) => {
          assert.ok(error instanceof Failure, String(error));
          assert.equal(error.code, code, `${name}: ${error.message}`);
          assert.match(error.message, why);
          return true;
        },
        `${name} takes ${bytes.toString().slice(0, 100)}`,
      );
    }
  }

  /** What `sqlite_error` gives. */
  get lastError(): string {
    return Buffer.from(this.functions.sqlite_error()).toString();
  }
}

function listOf(parameters: Parameters = new Uint8Array(0)): Uint8Array {
  return parameters instanceof Uint8Array ? parameters : encode(parameters);
}
