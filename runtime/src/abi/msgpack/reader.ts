import { Failure } from '../failure.ts';
import { Code } from '../codes.ts';
import { type Kind, kinds } from './kind.ts';
import { latin1 } from './latin1.ts';

/** Fatal, so that bytes which are not UTF-8 are refused and never replaced. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Bytes of a `str` or `bin` that is made a binary string: names, addresses, text of events. Bodies are read as bytes and
 * have their own bounds. The string is in the engine's heap, whose end is the thread's.
 */
export const maxTextBytes = 16 * 1024 * 1024;

/** Where floats are put together: to make a view of the input would take longer than to read it. */
const scratch = new DataView(new ArrayBuffer(8));

/**
 * Reads MessagePack that a guest wrote, straight out of its memory, one value at a time.
 *
 * The input is hostile: every length and count is held against the bytes that are left before anything is
 * made of it, so a message cannot make the host allocate more than a small multiple of its own size. Whatever
 * is wrong is a {@link Failure} with code 3 that says what was expected, what was found and at which byte.
 * After one the reader is of no further use.
 *
 * The reader never keeps count of nesting: who reads arrays and maps recursively MUST bound the depth.
 */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #view: DataView | undefined;
  #offset: number;

  /** @param offset Where the first value begins; 0 unless given. */
  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#end = bytes.length;
    this.#offset = offset;
  }

  /** The input. */
  get input(): Uint8Array {
    return this.#bytes;
  }

  /** Where the next value begins: the bytes read so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes that were not read yet. */
  get remaining(): number {
    return this.#end - this.#offset;
  }

  /** What the next value is. It is not read. */
  kind(): Kind {
    return kinds[this.#peek()] ?? 'invalid';
  }

  /** Reads the next value if it is nil, and says whether it was. */
  isNil(): boolean {
    if (this.#peek() !== 0xc0) return false;
    this.#offset++;
    return true;
  }

  nil(): void {
    if (!this.isNil()) throw this.#unexpected('nil');
  }

  boolean(): boolean {
    const first = this.#peek();
    if (first !== 0xc2 && first !== 0xc3) throw this.#unexpected('a boolean');
    this.#offset++;
    return first === 0xc3;
  }

  /** An integer of any width: a number where that is exact, otherwise a bigint. */
  integer(): number | bigint {
    const start = this.#offset;
    const rounded = this.roundedInteger();
    if (Number.isSafeInteger(rounded)) return rounded;
    // Only values of 64 bits come here.
    const view = this.#dataView();
    return this.#bytes[start] === 0xcf ? view.getBigUint64(start + 1) : view.getBigInt64(start + 1);
  }

  /** An integer of any width as a number: exact between −2^53 and 2^53, beyond that the nearest. */
  roundedInteger(): number {
    const first = this.#peek();
    if (first < 0x80) {
      this.#offset++;
      return first;
    }
    if (first >= 0xe0) {
      this.#offset++;
      return first - 0x100;
    }
    switch (first) {
      case 0xcc:
        return this.#big(1);
      case 0xcd:
        return this.#big(2);
      case 0xce:
        return this.#big(4);
      case 0xcf:
        return this.#big(4) * 0x1_0000_0000 + this.#bigRest();
      case 0xd0:
        return (this.#big(1) << 24) >> 24;
      case 0xd1:
        return (this.#big(2) << 16) >> 16;
      case 0xd2:
        return this.#big(4) | 0;
      case 0xd3:
        return (this.#big(4) | 0) * 0x1_0000_0000 + this.#bigRest();
      default:
        throw this.#unexpected('an integer');
    }
  }

  /** A float of either width. Integers are not taken for floats. */
  float(): number {
    const first = this.#peek();
    if (first !== 0xca && first !== 0xcb) throw this.#unexpected('a float');
    const size = first === 0xca ? 4 : 8;
    const at = this.#take(1 + size) + 1;
    const bytes = this.#bytes;
    for (let index = 0; index < size; index++) scratch.setUint8(index, bytes[at + index] ?? 0);
    return size === 4 ? scratch.getFloat32(0) : scratch.getFloat64(0);
  }

  /**
   * Reads a `str` or a `bin`, either where the other is expected (contract section 2), and gives its size. Its
   * bytes are then the ones before {@link offset}.
   */
  span(): number {
    const first = this.#peek();
    let size: number;
    if (first >= 0xa0 && first < 0xc0) {
      size = first & 0x1f;
      this.#offset++;
    } else if (first === 0xd9 || first === 0xc4) size = this.#big(1);
    else if (first === 0xda || first === 0xc5) size = this.#big(2);
    else if (first === 0xdb || first === 0xc6) size = this.#big(4);
    else throw this.#unexpected('a str or bin');
    this.#take(size);
    return size;
  }

  /**
   * The bytes of a `str` or `bin`: a view of the input, which dies with it. Copy it to keep it.
   */
  bytes(): Uint8Array {
    const size = this.span();
    return this.#bytes.subarray(this.#offset - size, this.#offset);
  }

  /**
   * A `str` or `bin` as a binary string: one UTF-16 unit, 0 to 255, for each byte. One of more than
   * {@link maxTextBytes} is a Failure.
   */
  text(): string {
    const size = this.span();
    if (size > maxTextBytes) {
      throw new Failure(Code.decode, `text of ${size} bytes; at most ${maxTextBytes} are taken here`);
    }
    return latin1(this.#bytes, this.#offset - size, this.#offset);
  }

  /** A `str` or `bin` as text. Bytes that are not UTF-8 are a Failure. */
  utf8(): string {
    const start = this.#offset;
    const size = this.span();
    const bytes = this.#bytes;
    const end = this.#offset;
    let units = 0;
    if (size > 24) units = 0x80;
    else for (let at = end - size; at < end; at++) units |= bytes[at] ?? 0;
    if (units < 0x80) return latin1(bytes, end - size, end);
    try {
      return utf8.decode(bytes.subarray(end - size, end));
    } catch {
      throw new Failure(Code.decode, `text at byte ${start} is not UTF-8; send other bytes as bin`);
    }
  }

  /** The header of an array. Gives the number of values that follow, at least one byte each. */
  array(): number {
    const first = this.#peek();
    let count: number;
    if (first >= 0x90 && first < 0xa0) {
      count = first & 0x0f;
      this.#offset++;
    } else if (first === 0xdc) count = this.#big(2);
    else if (first === 0xdd) count = this.#big(4);
    else throw this.#unexpected('an array');
    if (count > this.remaining) throw this.#truncated(`an array of ${count}`);
    return count;
  }

  /** The header of a map. Gives the number of keys that follow, each with its value behind it. */
  map(): number {
    const first = this.#peek();
    let count: number;
    if (first >= 0x80 && first < 0x90) {
      count = first & 0x0f;
      this.#offset++;
    } else if (first === 0xde) count = this.#big(2);
    else if (first === 0xdf) count = this.#big(4);
    else throw this.#unexpected('a map');
    if (count * 2 > this.remaining) throw this.#truncated(`a map of ${count}`);
    return count;
  }

  /** An extension. Its data is a view of the input; copy it to keep it. */
  extension(): { readonly type: number; readonly data: Uint8Array } {
    const first = this.#peek();
    let size: number;
    if (first >= 0xd4 && first <= 0xd8) {
      size = 1 << (first - 0xd4);
      this.#offset++;
    } else if (first === 0xc7) size = this.#big(1);
    else if (first === 0xc8) size = this.#big(2);
    else if (first === 0xc9) size = this.#big(4);
    else throw this.#unexpected('an extension');
    const at = this.#take(1 + size);
    const type = ((this.#bytes[at] ?? 0) << 24) >> 24;
    return { type, data: this.#bytes.subarray(at + 1, at + 1 + size) };
  }

  /** Reads a value of any kind and forgets it. Not recursive: no nesting is too deep for it. */
  skip(): void {
    for (let pending = 1; pending > 0; pending--) {
      // Each value that is due takes a byte or more, so deep nests of large counts end here at once.
      if (pending > this.remaining) throw this.#truncated(`${pending} more values`);
      switch (this.kind()) {
        case 'nil':
        case 'boolean':
          this.#offset++;
          break;
        case 'integer':
          this.roundedInteger();
          break;
        case 'float':
          this.float();
          break;
        case 'text':
        case 'binary':
          this.span();
          break;
        case 'array':
          pending += this.array();
          break;
        case 'map':
          pending += this.map() * 2;
          break;
        case 'extension':
          this.extension();
          break;
        case 'invalid':
          throw this.#unexpected('a value');
      }
    }
  }

  #peek(): number {
    if (this.#offset >= this.#end) throw this.#truncated('a value');
    return this.#bytes[this.#offset] ?? 0;
  }

  /** Moves over `size` bytes and gives where they began. */
  #take(size: number): number {
    if (size > this.remaining) throw this.#truncated(`${size} bytes`);
    const at = this.#offset;
    this.#offset = at + size;
    return at;
  }

  /** Reads the first byte of a value and the big-endian unsigned integer behind it. */
  #big(size: 1 | 2 | 4): number {
    const bytes = this.#bytes;
    const at = this.#take(1 + size) + 1;
    if (size === 1) return bytes[at] ?? 0;
    const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    if (size === 2) return high;
    return high * 0x1_0000 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
  }

  /** Reads the lower half of an integer of 64 bits. */
  #bigRest(): number {
    this.#offset--;
    return this.#big(4);
  }

  #dataView(): DataView {
    const bytes = this.#bytes;
    return (this.#view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  #unexpected(expected: string): Failure {
    const first = this.#bytes[this.#offset] ?? 0;
    const found = kinds[first] ?? 'invalid';
    return new Failure(
      Code.decode,
      `expected ${expected} at byte ${this.#offset}, found ${found} (0x${first.toString(16).padStart(2, '0')})`,
    );
  }

  #truncated(expected: string): Failure {
    return new Failure(
      Code.decode,
      `expected ${expected} at byte ${this.#offset}, but the message ends at byte ${this.#end}`,
    );
  }
}
