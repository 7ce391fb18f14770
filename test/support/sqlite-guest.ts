import assert from 'node:assert/strict';
import { decode, encode, type Encodable, type Value } from '../../runtime/src/abi/msgpack/value.ts';
import { pluginFolder } from './plugin-folder.ts';
import { PulpProcess } from './pulp-process.ts';
import { wat } from './wat.ts';
import type { Scope } from './scope.ts';

export interface SqliteGuestOptions {
  /** How many parameters the guest's `sqlite_exec` takes; 6 unless given. */
  readonly arity?: 4 | 6;
  /** Lines of `[storage.sqlite]` in the manifest. */
  readonly options?: string;
  /** Lines of the manifest before any table. */
  readonly manifest?: string;
}

/** What a call of an import gave. */
export interface Outcome {
  readonly code: number;
  /** The bytes that it gave back, at most {@link shownBytes} of them. */
  readonly bytes: Buffer;
  /** How many it gave back. */
  readonly length: number;
}

/** Bytes of a result that the guest passes on. */
const shownBytes = 1024 * 1024;

/**
 * A plugin behind the real command line that runs what its requests say: `POST /exec`, `/query` and `/trap`
 * (exec, then a trap) take SQL and parameters, `/last` asks for the last error. The storage root outlives the
 * process, so that a second one finds what the first one left.
 */
export class SqliteGuest {
  readonly pulp: PulpProcess;

  constructor(pulp: PulpProcess) {
    this.pulp = pulp;
  }

  /** Starts it; `root` is the storage root. */
  static async start(t: Scope, root: string, options: SqliteGuestOptions = {}): Promise<SqliteGuest> {
    const manifest = await sqlitePlugin(t, options);
    return new SqliteGuest(await PulpProcess.start(t, { manifest, args: ['-storage-root', root] }));
  }

  /** Runs `sqlite_exec`. Without parameters it passes none at all. */
  exec(sql: string | Uint8Array, parameters?: readonly Encodable[] | Uint8Array): Promise<Outcome> {
    return this.call('exec', sql, parameters);
  }

  /** Runs `sqlite_query`. */
  query(sql: string | Uint8Array, parameters?: readonly Encodable[] | Uint8Array): Promise<Outcome> {
    return this.call('query', sql, parameters);
  }

  /** Runs a query that has to succeed, and gives what its bytes say. */
  async rows(sql: string, parameters?: readonly Encodable[]): Promise<Value> {
    const { code, bytes } = await this.query(sql, parameters);
    assert.equal(code, 0, `${sql}: ${await this.lastError()}`);
    return decode(bytes);
  }

  /** Runs statements that have to succeed. */
  async run(sql: string, parameters?: readonly Encodable[]): Promise<Value> {
    const { code, bytes } = await this.exec(sql, parameters);
    assert.equal(code, 0, `${sql}: ${await this.lastError()}`);
    return bytes.length === 0 ? null : decode(bytes);
  }

  /** What `sqlite_error` gives. */
  async lastError(): Promise<string> {
    const { code, bytes } = await this.call('last', '');
    assert.equal(code, 0);
    return bytes.toString();
  }

  /** Sends a request that the plugin is going to run. Rejects when there is no answer. */
  async call(
    what: 'exec' | 'query' | 'last' | 'trap' | 'alloc',
    sql: string | Uint8Array,
    parameters: readonly Encodable[] | Uint8Array = new Uint8Array(0),
  ): Promise<Outcome> {
    const text = Buffer.from(typeof sql === 'string' ? Buffer.from(sql) : sql);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(text.length);
    const list = parameters instanceof Uint8Array ? parameters : encode(parameters);
    const response = await fetch(`${this.pulp.url}/${what}`, {
      method: 'POST',
      body: Buffer.concat([size, text, list]),
    });
    const body = Buffer.from(await response.arrayBuffer());
    if (response.status !== 200) throw new Error(`${response.status}: ${body.toString()}`);
    return { code: body.readUInt8(0), length: body.readUInt32LE(1), bytes: body.subarray(5) };
  }
}

/** The plugin's module. */
export function sqliteModule(arity: 4 | 6 = 6): Promise<Uint8Array> {
  return wat(moduleText(arity));
}

/** The plugin's folder. Gives the manifest's path. */
export async function sqlitePlugin(t: Scope, given: SqliteGuestOptions = {}): Promise<string> {
  const { arity = 6, options = '', manifest = '' } = given;
  return pluginFolder(t, {
    wasm: await sqliteModule(arity),
    manifest: `${manifest}
capabilities = ["transport.http.inbound", "storage.sqlite"]
[storage.sqlite]
${options}`,
  });
}

/** Where a call's result is written to: pointer and length. */
const resultAt = 16;
/** Where answers are put together, and where the heap begins. */
const answerAt = 64 * 1024;
const heapAt = answerAt + shownBytes + 64 * 1024;

/** Whether the request's path begins with this letter. */
function path(letter: string): string {
  return `(i32.eq (i32.load8_u offset=1 (global.get $path)) (i32.const ${letter.charCodeAt(0)}))`;
}

function moduleText(arity: 4 | 6): string {
  const more = arity === 6 ? 'i32 i32' : '';
  const out = `(i32.const ${resultAt}) (i32.const ${resultAt + 4})`;
  const constants = new Map<string, number>();
  let end = 1024;
  const data: string[] = [];
  const constant = (bytes: Uint8Array): string => {
    const text = Buffer.from(bytes).toString('latin1');
    if (!constants.has(text)) {
      constants.set(text, end);
      data.push(
        `(data (i32.const ${end}) "${Buffer.from(bytes)
          .toString('hex')
          .replace(/../g, String.raw`\$&`)}")`,
      );
      end += bytes.length;
    }
    return `(i32.const ${constants.get(text)}) (i32.const ${bytes.length})`;
  };
  const register = ['/exec', '/query', '/last', '/trap', '/alloc']
    .map((route) => `(drop (call $register ${constant(encode({ method: 'POST', path: route }))}))`)
    .concat(`(drop (call $register ${constant(encode({ method: 'GET', path: '/ok' }))}))`)
    .join('\n');
  const call = (name: string): string =>
    `(call $${name} (local.get $sql) (local.get $size) (local.get $list) (local.get $list_size) ${
      name === 'exec' && arity === 4 ? '' : out
    })`;
  return `(module
    (import "pulp" "http_register" (func $register (param i32 i32) (result i32)))
    (import "pulp" "http_respond" (func $respond (param i32 i32) (result i32)))
    (import "pulp" "sqlite_exec" (func $exec (param i32 i32 i32 i32 ${more}) (result i32)))
    (import "pulp" "sqlite_query" (func $query (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "pulp" "sqlite_error" (func $error (param i32 i32) (result i32)))
    (memory (export "memory") ${Math.ceil(heapAt / 65_536) + 1})
    (global $heap (mut i32) (i32.const ${heapAt}))
    (global $id (mut i32) (i32.const 0))
    (global $path (mut i32) (i32.const 0))
    (global $body (mut i32) (i32.const 0))
    (global $body_size (mut i32) (i32.const 0))
    (global $refuse (mut i32) (i32.const 0))
    (func (export "pulp_alloc") (param $size i32) (result i32) (local $at i32) (local $missing i32)
      (if (global.get $refuse) (then (global.set $refuse (i32.const 0)) (return (i32.const 0))))
      (local.set $at (global.get $heap))
      (global.set $heap (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 15)) (i32.const -16)))
      (local.set $missing (i32.sub (i32.add (i32.shr_u (global.get $heap) (i32.const 16)) (i32.const 1)) (memory.size)))
      (if (i32.gt_s (local.get $missing) (i32.const 0)) (then
        (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then (return (i32.const 0))))))
      (local.get $at))
    (func (export "pulp_init") (param i32 i32) (result i32) ${register} (i32.const 0))
    (func (export "pulp_shutdown") (result i32) (i32.const 0))
    ;; Big-endian, of 1, 2 or 4 bytes.
    (func $big (param $at i32) (param $bytes i32) (result i32) (local $value i32)
      (loop $next
        (local.set $value (i32.or (i32.shl (local.get $value) (i32.const 8)) (i32.load8_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $bytes (i32.sub (local.get $bytes) (i32.const 1)))
        (br_if $next (local.get $bytes)))
      (local.get $value))
    ;; Behind the header of a str, bin or map, and what the header says; integers are cf.
    (global $size (mut i32) (i32.const 0))
    (func $header (param $at i32) (result i32) (local $first i32) (local $bytes i32)
      (local.set $first (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (if (i32.eq (local.get $first) (i32.const 0xcf)) (then
        (global.set $size (i32.const 8)) (return (local.get $at))))
      (if (i32.eq (i32.and (local.get $first) (i32.const 0xe0)) (i32.const 0xa0)) (then
        (global.set $size (i32.and (local.get $first) (i32.const 0x1f))) (return (local.get $at))))
      (if (i32.eq (i32.and (local.get $first) (i32.const 0xf0)) (i32.const 0x80)) (then
        (global.set $size (i32.and (local.get $first) (i32.const 0x0f))) (return (local.get $at))))
      ;; c4 c5 c6, d9 da db: 1, 2 or 4 bytes.
      (local.set $bytes (i32.shl (i32.const 1) (i32.sub (local.get $first)
        (select (i32.const 0xc4) (i32.const 0xd9) (i32.lt_u (local.get $first) (i32.const 0xd9))))))
      (global.set $size (call $big (local.get $at) (local.get $bytes)))
      (i32.add (local.get $at) (local.get $bytes)))
    (func $skip (param $at i32) (result i32) (local $map i32) (local $left i32)
      (local.set $map (i32.eq (i32.and (i32.load8_u (local.get $at)) (i32.const 0xf0)) (i32.const 0x80)))
      (local.set $at (call $header (local.get $at)))
      (if (i32.eqz (local.get $map)) (then (return (i32.add (local.get $at) (global.get $size)))))
      (local.set $left (i32.shl (global.get $size) (i32.const 1)))
      (block $done (loop $next
        (br_if $done (i32.eqz (local.get $left)))
        (local.set $at (call $skip (local.get $at)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $next)))
      (local.get $at))
    ;; Fields come in the order id, method, path, params, query, headers, body.
    (func $read (param $at i32)
      (local.set $at (i32.add (local.get $at) (i32.const 48)))
      (global.set $id (i32.add (local.get $at) (i32.const 3)))
      ${'(local.set $at (call $skip (call $skip (local.get $at))))'.repeat(2)}
      (global.set $path (call $header (call $skip (local.get $at))))
      ${'(local.set $at (call $skip (call $skip (local.get $at))))'.repeat(4)}
      (global.set $body (call $header (call $skip (local.get $at))))
      (global.set $body_size (global.get $size)))
    ;; Answers with the code, the result's length and its first bytes.
    (func $answer (param $code i32) (local $to i32) (local $shown i32)
      (local.set $shown (i32.load offset=4 (i32.const ${resultAt})))
      (if (i32.gt_u (local.get $shown) (i32.const ${shownBytes})) (then (local.set $shown (i32.const ${shownBytes}))))
      (memory.copy (i32.const ${answerAt}) ${constant(Buffer.concat([Buffer.from([0x82]), encode('id')]))})
      (memory.copy (i32.const ${answerAt + 4}) (global.get $id) (i32.const 9))
      (memory.copy (i32.const ${answerAt + 13}) ${constant(Buffer.concat([encode('body'), Buffer.from([0xc6])]))})
      (local.set $to (i32.add (local.get $shown) (i32.const 5)))
      (i32.store8 (i32.const ${answerAt + 19}) (i32.shr_u (local.get $to) (i32.const 24)))
      (i32.store8 (i32.const ${answerAt + 20}) (i32.shr_u (local.get $to) (i32.const 16)))
      (i32.store8 (i32.const ${answerAt + 21}) (i32.shr_u (local.get $to) (i32.const 8)))
      (i32.store8 (i32.const ${answerAt + 22}) (local.get $to))
      (i32.store8 (i32.const ${answerAt + 23}) (local.get $code))
      (i32.store (i32.const ${answerAt + 24}) (i32.load offset=4 (i32.const ${resultAt})))
      (memory.copy (i32.const ${answerAt + 28}) (i32.load (i32.const ${resultAt})) (local.get $shown))
      (drop (call $respond (i32.const ${answerAt}) (i32.add (local.get $to) (i32.const 23)))))
    (func (export "pulp_step") (param $at i32) (param $length i32) (result i32)
        (local $sql i32) (local $size i32) (local $list i32) (local $list_size i32)
      (if (i32.eqz (i32.load offset=16 (local.get $at))) (then
        (global.set $heap (i32.const ${heapAt})) (return (i32.const 0))))
      (call $read (local.get $at))
      (i64.store (i32.const ${resultAt}) (i64.const 0))
      (if (i32.gt_u (global.get $body_size) (i32.const 4)) (then
        (local.set $size (i32.load (global.get $body)))))
      (local.set $sql (i32.add (global.get $body) (i32.const 4)))
      (local.set $list (i32.add (local.get $sql) (local.get $size)))
      (local.set $list_size (i32.sub (i32.add (global.get $body) (global.get $body_size)) (local.get $list)))
      (if ${path('e')} (then (call $answer ${call('exec')})))
      (if ${path('q')} (then (call $answer ${call('query')})))
      (if ${path('l')} (then (call $answer (call $error ${out}))))
      (if ${path('a')} (then (global.set $refuse (i32.const 1)) (call $answer ${call('query')})))
      (if ${path('o')} (then (call $answer (i32.const 0))))
      (if ${path('t')} (then (drop ${call('exec')}) (unreachable)))
      (global.set $heap (i32.const ${heapAt}))
      (i32.const 0))
    ${data.join('\n')})`;
}
