import { ModuleError } from './module-error.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What a {@link BinaryReader} says in its errors about where it is. */
export interface BinaryReaderOptions {
  /** The module's name. */
  readonly name: string;
  /** The part being read, such as `the import section`. */
  readonly part: string;
  /** Where the bytes begin in the module. Default 0. */
  readonly base?: number;
}

/**
 * Reads the primitives of the WebAssembly binary format. Every length and count is held against the bytes
 * that are really there before anything is made from it.
 *
 * @see WebAssembly Core Specification, chapter 5
 */
export class BinaryReader {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  readonly #part: string;
  readonly #base: number;
  #offset = 0;

  constructor(bytes: Uint8Array, options: BinaryReaderOptions) {
    this.#bytes = bytes;
    this.#name = options.name;
    this.#part = options.part;
    this.#base = options.base ?? 0;
  }

  /** Position from the beginning of the bytes given, not of the module. */
  get offset(): number {
    return this.#offset;
  }

  get atEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  /** An error at the current position. */
  error(code: 'malformed' | 'feature' | 'limit' | 'truncated', problem: string): ModuleError {
    const at = this.#base + this.#offset;
    return new ModuleError(code, `${this.#name}: ${problem} (${this.#part}, byte ${at})`);
  }

  u8(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw this.#truncated();
    this.#offset += 1;
    return byte;
  }

  /** The next byte, without going past it. */
  peek(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw this.#truncated();
    return byte;
  }

  u32(): number {
    return this.#unsigned(32);
  }

  /** Precise to 2^53. What is beyond is beyond every limit too, so that losing its last bits is harmless. */
  u64(): number {
    return this.#unsigned(64);
  }

  /** A signed 33-bit integer: a heap type, negative for the abstract ones. */
  s33(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte >= 0x80) continue;
      if ((byte & 0x40) !== 0) value -= 2 ** (shift + 7);
      if (value < -(2 ** 32) || value >= 2 ** 32) break;
      return value;
    }
    throw this.error('malformed', 'an integer does not fit into 33 bits');
  }

  /** A count of things that take at least one byte each. */
  count(what: string, most: number): number {
    const count = this.u32();
    if (count > most) throw this.error('limit', `${count} ${what}, more than the ${most} that engines take`);
    if (count > this.#bytes.length - this.#offset) {
      throw this.error('malformed', `${count} ${what} are announced, but there are not as many bytes`);
    }
    return count;
  }

  /** A view of the next bytes. */
  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#offset) throw this.#truncated();
    const taken = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return taken;
  }

  /** A name: UTF-8 with its length before it. */
  text(): string {
    const bytes = this.take(this.u32());
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.error('malformed', 'a name is not UTF-8');
    }
  }

  #truncated(): ModuleError {
    return this.error('truncated', 'the module ends too early');
  }

  /** LEB128, which may be padded up to the number of bytes that its width needs. */
  #unsigned(bits: 32 | 64): number {
    let value = 0;
    for (let shift = 0; shift < bits; shift += 7) {
      const byte = this.u8();
      // The last byte has room for fewer bits than the others.
      if (bits - shift < 7 && byte >> (bits - shift) !== 0) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw this.error('malformed', `an integer does not fit into ${bits} bits`);
  }
}
