import { Buffer } from 'node:buffer';
import { latin1 } from '../../abi/msgpack/latin1.ts';
import type { Statement } from './statement.ts';

/** Strings of statements that are kept compiled. */
export const maxKept = 256;
/** Bytes that they take, as SQLite counts them, their texts included. */
export const maxKeptBytes = 16 * 1024 * 1024;
/** Statements of one string; a longer one is compiled each time. */
export const maxKeptStatements = 16;

interface Entry {
  readonly sql: Uint8Array;
  readonly statements: readonly Statement[];
  readonly bytes: number;
  /** Whether it was asked for since it was last considered. */
  used: boolean;
}

/**
 * Compiled statements by the text they came from, which has to be UTF-8. What was not used lately makes room; a
 * hit only sets a mark, so that it costs no more than the look-up. Hot: bench/storage.ts.
 */
export class StatementCache {
  /** By binary strings: bytes are looked up faster than characters. */
  readonly #entries = new Map<string, Entry>();
  /** What was asked for last, which is often asked for again. */
  #last: Entry | undefined;
  #bytes = 0;

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(sql: Uint8Array): readonly Statement[] | undefined {
    if (this.#last === undefined || !equal(this.#last.sql, sql)) this.#last = this.#entries.get(keyOf(sql));
    const entry = this.#last;
    if (entry === undefined) return undefined;
    entry.used = true;
    return entry.statements;
  }

  /** Keeps the statements of a text that is not here yet. False: they are too many or too large, and NOT kept. */
  add(sql: Uint8Array, statements: readonly Statement[]): boolean {
    if (statements.length > maxKeptStatements) return false;
    let bytes = sql.length * 2;
    for (const { native, length } of statements) bytes += native.stat('memused') + length;
    if (bytes > maxKeptBytes / 4) return false;
    this.#makeRoom(bytes);
    this.#entries.set(keyOf(sql), { sql: Uint8Array.from(sql), statements, bytes, used: false });
    this.#bytes += bytes;
    return true;
  }

  /** Forgets a text, and frees its statements. */
  drop(sql: Uint8Array): void {
    this.#drop(keyOf(sql));
  }

  /** Forgets all: the tables are not what they were. */
  clear(): void {
    for (const key of this.#entries.keys()) this.#drop(key);
  }

  /** Entries that were used get a second chance, behind the others. */
  #makeRoom(bytes: number): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size < maxKept && this.#bytes + bytes <= maxKeptBytes) return;
      if (entry.used) {
        entry.used = false;
        this.#entries.delete(key);
        this.#entries.set(key, entry);
      } else {
        this.#drop(key);
      }
    }
  }
  #drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    if (entry === this.#last) this.#last = undefined;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    for (const { native } of entry.statements) native.close();
  }
}

function keyOf(sql: Uint8Array): string {
  return latin1(sql, 0, sql.length);
}

/** Up to here a loop is faster than a call into Node. */
const shortText = 200;

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  if (a.length > shortText) return Buffer.compare(a, b) === 0;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
