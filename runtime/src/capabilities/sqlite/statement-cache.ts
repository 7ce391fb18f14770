import type { Statement } from './statement.ts';

/** Strings of statements that are kept compiled. */
export const maxKept = 256;
/** Bytes that they take, as SQLite counts them, their texts included. */
export const maxKeptBytes = 16 * 1024 * 1024;
/** Statements of one string; a longer one is compiled each time. */
export const maxKeptStatements = 16;

interface Entry {
  readonly statements: readonly Statement[];
  readonly bytes: number;
  /** Whether it was asked for since it was last considered. */
  used: boolean;
}

/**
 * Compiled statements by the text they came from. What was not used lately makes room; a hit only sets a mark,
 * so that it costs no more than the look-up.
 */
export class StatementCache {
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(text: string): readonly Statement[] | undefined {
    const entry = this.#entries.get(text);
    if (entry === undefined) return undefined;
    entry.used = true;
    return entry.statements;
  }

  /** Keeps the statements of a text that is not here yet. False: they are too many or too large, and NOT kept. */
  add(text: string, statements: readonly Statement[]): boolean {
    if (statements.length > maxKeptStatements) return false;
    let bytes = text.length;
    for (const { native, length } of statements) bytes += native.stat('memused') + length;
    if (bytes > maxKeptBytes / 4) return false;
    this.#makeRoom(bytes);
    this.#entries.set(text, { statements, bytes, used: false });
    this.#bytes += bytes;
    return true;
  }

  /** Forgets a text, and frees its statements. */
  drop(text: string): void {
    const entry = this.#entries.get(text);
    if (entry === undefined) return;
    this.#entries.delete(text);
    this.#bytes -= entry.bytes;
    for (const { native } of entry.statements) native.close();
  }

  /** Forgets all: the tables are not what they were. */
  clear(): void {
    for (const text of this.#entries.keys()) this.drop(text);
  }

  /** Entries that were used get a second chance, behind the others. */
  #makeRoom(bytes: number): void {
    for (const [text, entry] of this.#entries) {
      if (this.#entries.size < maxKept && this.#bytes + bytes <= maxKeptBytes) return;
      if (entry.used) {
        entry.used = false;
        this.#entries.delete(text);
        this.#entries.set(text, entry);
      } else {
        this.drop(text);
      }
    }
  }
}
