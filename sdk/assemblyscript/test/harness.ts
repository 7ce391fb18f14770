/**
 * The host's side of the contract at the level of wasm imports, and no more: enough to run a compiled plugin
 * and see every byte that crosses.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { decode, encode, type Encodable, type Value } from '../../../runtime/src/abi/msgpack/value.ts';
import { FakeHost, type HostFunction } from './fake-host.ts';

const scratch = join(import.meta.dirname, '..', 'build');
const asc = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'));

/**
 * Compiles a plugin from source, as `asc` does in a plugin's folder. It is put below the SDK's folder, so that
 * the package is found by its name.
 */
export async function compile(source: string): Promise<WebAssembly.Module> {
  await mkdir(scratch, { recursive: true });
  const folder = await mkdtemp(join(scratch, 'plugin-'));
  try {
    await writeFile(join(folder, 'index.ts'), source);
    const config = {
      extends: 'pulp-sdk-assemblyscript/asconfig.json',
      entries: ['./index.ts'],
      // Not optimized, which takes half the time; the example plugins are tested as they ship.
      options: { outFile: 'plugin.wasm', optimizeLevel: 0 },
    };
    await writeFile(join(folder, 'asconfig.json'), JSON.stringify(config));
    const { stderr } = await promisify(execFile)(process.execPath, [asc], { cwd: folder });
    assert.equal(stderr, '', 'the compiler has something to say');
    return new WebAssembly.Module(await readFile(join(folder, 'plugin.wasm')));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What a plugin answered, decoded. */
export interface Answer {
  readonly id: bigint;
  readonly status: bigint;
  readonly headers: ReadonlyMap<string, Value>;
  readonly body: Uint8Array;
}

export interface GuestOptions {
  /** The code that an import returns; 0 unless given. */
  readonly code?: (name: string) => number;
  /** What imports beside those for requests answer; 0 and nothing unless given. */
  readonly host?: Readonly<Record<string, HostFunction>>;
  /** Bytes that one call of fd_write takes at most. */
  readonly maxWrite?: number;
  /** Told what is printed: needed for an instance that traps in `_initialize` and so never is. */
  readonly print?: (text: string) => void;
}

/** One instance of a compiled plugin. */
export class Guest {
  /** Everything that was given to `http_register`, decoded. */
  readonly routes: { method: string; path: string }[] = [];
  /** Everything that was given to `http_respond`, decoded. */
  readonly answers: Answer[] = [];
  /** What was called of the imports beside those. */
  readonly host: FakeHost;
  stdout = '';
  stderr = '';
  readonly memory: WebAssembly.Memory;
  readonly #exports: WebAssembly.Exports;
  #calls = 0n;

  constructor(
    module: WebAssembly.Module,
    { code = () => 0, host = {}, maxWrite = Infinity, print }: GuestOptions = {},
  ) {
    this.host = new FakeHost(this, host);
    const bytes = (pointer: number, length: number) => new Uint8Array(this.memory.buffer, pointer, length);
    const decoder = new TextDecoder();
    const { exports } = new WebAssembly.Instance(module, {
      pulp: {
        ...this.host.imports,
        http_register: (pointer: number, length: number) => {
          const route = record(decode(bytes(pointer, length)));
          this.routes.push({ method: string(route.get('method')), path: string(route.get('path')) });
          return code('http_register');
        },
        http_respond: (pointer: number, length: number) => {
          this.answers.push(toAnswer(decode(bytes(pointer, length))));
          return code('http_respond');
        },
      },
      wasi_snapshot_preview1: {
        fd_write: (fd: number, vectors: number, count: number, written: number) => {
          assert.equal(count, 1);
          const view = new DataView(this.memory.buffer);
          const length = Math.min(view.getUint32(vectors + 4, true), maxWrite);
          const printed = decoder.decode(bytes(view.getUint32(vectors, true), length));
          print?.(printed);
          if (fd === 1) this.stdout += printed;
          else this.stderr += printed;
          view.setUint32(written, length, true);
          return 0;
        },
        random_get: (pointer: number, length: number) => {
          crypto.getRandomValues(bytes(pointer, length));
          return 0;
        },
      },
    });
    assert(exports['memory'] instanceof WebAssembly.Memory);
    this.memory = exports['memory'];
    this.#exports = exports;
    this.call('_initialize');
  }

  /** Calls an export; one without a result gives 0. */
  call(name: string, ...args: (number | bigint)[]): number | bigint {
    const entry = this.#exports[name];
    assert(typeof entry === 'function', `the plugin does not export ${name}`);
    const result: unknown = Reflect.apply(entry, undefined, args);
    return typeof result === 'number' || typeof result === 'bigint' ? result : 0;
  }

  /** Passes bytes to an export as pointer and length, and frees them afterwards. */
  pass(name: string, bytes: Uint8Array): number {
    const pointer = this.place(bytes);
    const result = Number(this.call(name, pointer, bytes.length));
    this.call('pulp_free', pointer, bytes.length);
    return result;
  }

  /** Puts bytes into the plugin's memory. */
  place(bytes: Uint8Array): number {
    const pointer = Number(this.call('pulp_alloc', bytes.length)) >>> 0;
    new Uint8Array(this.memory.buffer).set(bytes, pointer);
    return pointer;
  }

  init(config: Encodable = {}): number {
    return this.pass('pulp_init', encode(config, { integers: 'int64' }));
  }

  /** The reason that the plugin gives for a failed init. */
  get initError(): string {
    const pointer = Number(this.call('pulp_init_error_ptr'));
    return Buffer.from(this.memory.buffer, pointer, Number(this.call('pulp_init_error_len'))).toString();
  }

  tick(wallTime = 0n): number {
    return this.pass('pulp_step', envelope(this.#calls++, wallTime, new Uint8Array(0)));
  }

  /** Makes a step with an event. */
  event(kind: string, payload: Encodable): number {
    return this.step(encode({ kind, payload }));
  }

  /** Makes a step with any bytes for an event. */
  step(payload: Uint8Array, wallTime = 0n): number {
    return this.pass('pulp_step', envelope(this.#calls++, wallTime, payload));
  }

  /** Makes a step with a request, and gives the answer to it. */
  request(fields: { readonly [key: string]: Encodable }): Answer | undefined {
    this.answers.length = 0;
    assert.equal(this.event('http.request', { ...request, ...fields }), 0);
    return this.answers[0];
  }
}

/** A request as the host sends it, to be changed field by field. */
export const request: { readonly [key: string]: Encodable } = {
  id: 1n,
  method: 'GET',
  path: '/',
  params: {},
  query: {},
  headers: {},
  body: new Uint8Array(0),
  host: 'localhost:8080',
  remote_addr: '127.0.0.1:50000',
  proto: 'HTTP/1.1',
};

/** The envelope of a step (contract section 2). */
export function envelope(callNumber: bigint, wallTime: bigint, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(20 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, callNumber, true);
  view.setBigUint64(8, wallTime, true);
  view.setUint32(16, payload.length, true);
  bytes.set(payload, 20);
  return bytes;
}

/** The imports of a module that are not WASI's, sorted. */
export function hostImports(module: WebAssembly.Module): string[] {
  return WebAssembly.Module.imports(module)
    .filter((entry) => entry.module === 'pulp')
    .map(({ name }) => name)
    .toSorted();
}

/** The body of an answer as text. */
export function text(answer: Answer | undefined): string {
  assert(answer, 'the plugin did not answer');
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(answer.body);
}

function record(value: Value): ReadonlyMap<Value, Value> {
  assert(value instanceof Map);
  return value;
}

function string(value: Value | undefined): string {
  assert(typeof value === 'string');
  return value;
}

function toAnswer(value: Value): Answer {
  const fields = record(value);
  const [id, status, body] = [fields.get('id'), fields.get('status'), fields.get('body')];
  assert(typeof id === 'bigint' && typeof status === 'bigint' && body instanceof Uint8Array);
  const headers = new Map<string, Value>();
  for (const [name, header] of record(fields.get('headers') ?? null)) headers.set(string(name), header);
  return { id, status, headers, body };
}
