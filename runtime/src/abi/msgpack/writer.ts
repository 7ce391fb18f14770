/** A buffer that grew beyond this is let go by `reset`, so that one large message does not pin its memory. */
const keptBytes = 256 * 1024;

/** Up to here a loop is faster than a call into Node (Node 26: they meet between 20 and 30 characters). */
const shortText = 24;

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;
const maxUint64 = 2n ** 64n - 1n;

/**
 * Writes MessagePack into a buffer that grows. The caller says which kind and width each value has; generic
 * values are written by `encode` in value.ts.
 *
 * One writer is reused for many messages: `reset`, write, `view` or `take`. The writer does not check that as
 * many entries follow an array or map header as it announced.
 */
export class Writer {
  #bytes: Buffer;
  #view: DataView;
  #length = 0;

  /** @param capacity Bytes to begin with; 1,024 unless given. */
  constructor(capacity = 1024) {
    this.#bytes = Buffer.allocUnsafe(capacity);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, capacity);
  }

  /** Bytes written since the last reset. */
  get length(): number {
    return this.#length;
  }

  /** Begins a new message. What `view` returned before is overwritten. */
  reset(): void {
    this.#length = 0;
    if (this.#bytes.length > keptBytes) this.#resize(1024);
  }

  /** What was written, without a copy: valid until the next write or reset. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written. From 4 KiB on it has an ArrayBuffer of its own and can be transferred. */
  take(): Uint8Array {
    const copy =
      this.#length < 4096 ? Buffer.allocUnsafe(this.#length) : Buffer.allocUnsafeSlow(this.#length);
    this.#bytes.copy(copy, 0, 0, this.#length);
    return copy;
  }

  nil(): void {
    this.#byte(0xc0);
  }

  boolean(value: boolean): void {
    this.#byte(value ? 0xc3 : 0xc2);
  }

  /**
   * An integer in its smallest form: unsigned where it is not negative, as other encoders do.
   *
   * Throws TypeError for a number with a fraction, RangeError outside −2^63 to 2^64−1.
   */
  integer(value: number | bigint): void {
    if (typeof value === 'bigint') {
      if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) this.integer(Number(value));
      else if (value > maxInt64) this.uint64(value);
      else this.int64(value);
    } else if (!Number.isInteger(value)) {
      throw new TypeError(`${value} is not an integer; write it as a float`);
    } else if (value >= 0) {
      if (value < 0x80) this.#byte(value);
      else if (value < 0x100) this.uint8(value);
      else if (value < 0x1_0000) this.uint16(value);
      else if (value < 0x1_0000_0000) this.uint32(value);
      else this.uint64(value);
    } else if (value >= -0x20) this.#byte(value);
    else if (value >= -0x80) this.#head8(0xd0, value);
    else if (value >= -0x8000) this.#head16(0xd1, value);
    else if (value >= -0x8000_0000) this.#head32(0xd2, value);
    else this.int64(value);
  }

  /** Always `d3` and 8 bytes, the width that Go guests type-assert on (contract section 3). */
  int64(value: number | bigint): void {
    const exact = typeof value === 'bigint' ? value : BigInt(value);
    if (exact < minInt64 || exact > maxInt64) throw new RangeError(`${value} does not fit into int64`);
    const at = this.#head(0xd3, 8);
    this.#view.setBigInt64(at, exact);
  }

  /** Always `cf` and 8 bytes: ids. A number MUST be a non-negative integer. */
  uint64(value: number | bigint): void {
    if (typeof value === 'bigint' || value > Number.MAX_SAFE_INTEGER) {
      const exact = BigInt(value);
      if (exact < 0n || exact > maxUint64) throw new RangeError(`${value} does not fit into uint64`);
      const wide = this.#head(0xcf, 8);
      this.#view.setBigUint64(wide, exact);
      return;
    }
    const at = this.#head(0xcf, 8);
    this.#view.setUint32(at, Math.floor(value / 0x1_0000_0000));
    this.#view.setUint32(at + 4, value);
  }

  /** Always `ce` and 4 bytes. */
  uint32(value: number): void {
    this.#head32(0xce, value);
  }

  /** Always `cd` and 2 bytes. */
  uint16(value: number): void {
    this.#head16(0xcd, value);
  }

  /** Always `cc` and 1 byte. */
  uint8(value: number): void {
    this.#head8(0xcc, value);
  }

  /** Always `cb` and 8 bytes. */
  float64(value: number): void {
    const at = this.#head(0xcb, 8);
    this.#view.setFloat64(at, value);
  }

  /**
   * A `str` from a binary string: each UTF-16 unit is one byte, 0 to 255. HTTP text travels so, because it
   * need not be UTF-8. Hot: a dozen calls for each HTTP request.
   *
   * The string MUST be binary. Of a unit above 255 only the low byte is written: text such as U+010D would
   * become a carriage return. Use {@link utf8} for text of any other source.
   */
  text(binary: string): void {
    const size = binary.length;
    this.#reserve(size + 5);
    this.#textHeader(size);
    const bytes = this.#bytes;
    const at = this.#length;
    if (size <= shortText) {
      for (let index = 0; index < size; index++) bytes[at + index] = binary.charCodeAt(index);
    } else {
      bytes.write(binary, at, size, 'latin1');
    }
    this.#length = at + size;
  }

  /** A `str` of the string's UTF-8. A lone surrogate becomes U+FFFD. */
  utf8(text: string): void {
    if (text.length <= shortText && this.#ascii(text)) return;
    const size = Buffer.byteLength(text);
    this.#reserve(size + 5);
    this.#textHeader(size);
    this.#bytes.write(text, this.#length, size, 'utf8');
    this.#length += size;
  }

  /** A `str` from bytes, whatever they are. */
  textBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length + 5);
    this.#textHeader(bytes.length);
    this.#append(bytes);
  }

  /** A `bin`. */
  binary(bytes: Uint8Array): void {
    this.binaryHeader(bytes.length);
    this.raw(bytes);
  }

  /** The header of a `bin` of `length` bytes, which the caller writes next. */
  binaryHeader(length: number): void {
    if (length < 0x100) this.#head8(0xc4, length);
    else if (length < 0x1_0000) this.#head16(0xc5, length);
    else this.#head32(0xc6, size32(length));
  }

  /** The header of an array; `count` values follow. */
  array(count: number): void {
    if (count < 0x10) this.#byte(0x90 | count);
    else if (count < 0x1_0000) this.#head16(0xdc, count);
    else this.#head32(0xdd, size32(count));
  }

  /** The header of a map; `count` keys, each with its value behind it, follow. */
  map(count: number): void {
    if (count < 0x10) this.#byte(0x80 | count);
    else if (count < 0x1_0000) this.#head16(0xde, count);
    else this.#head32(0xdf, size32(count));
  }

  /** An extension value, `fixext` where its size is 1, 2, 4, 8 or 16. */
  extension(type: number, bytes: Uint8Array): void {
    const size = bytes.length;
    if (size > 0 && size <= 16 && (size & (size - 1)) === 0) this.#byte(0xd4 + Math.log2(size));
    else if (size < 0x100) this.#head8(0xc7, size);
    else if (size < 0x1_0000) this.#head16(0xc8, size);
    else this.#head32(0xc9, size32(size));
    this.#byte(type);
    this.raw(bytes);
  }

  /** A timestamp extension in the smallest of its three forms: 4, 8 or 12 bytes. */
  timestamp(time: { readonly seconds: bigint; readonly nanoseconds: number }): void {
    const { seconds, nanoseconds } = time;
    if (seconds < 0n || seconds >= 2n ** 34n) {
      const at = this.#head(0xc7, 14);
      this.#view.setUint16(at, 0x0cff);
      this.#view.setUint32(at + 2, nanoseconds);
      this.#view.setBigInt64(at + 6, seconds);
    } else if (nanoseconds > 0 || seconds >= 2n ** 32n) {
      const at = this.#head(0xd7, 9);
      this.#view.setInt8(at, -1);
      this.#view.setBigUint64(at + 1, (BigInt(nanoseconds) << 34n) | seconds);
    } else {
      const at = this.#head(0xd6, 5);
      this.#view.setInt8(at, -1);
      this.#view.setUint32(at + 1, Number(seconds));
    }
  }

  /** Bytes that are MessagePack already. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#append(bytes);
  }

  /** Writes the text if it is ASCII; false, and nothing written, if it is not. */
  #ascii(text: string): boolean {
    const size = text.length;
    this.#reserve(size + 5);
    const start = this.#length;
    this.#textHeader(size);
    const bytes = this.#bytes;
    const at = this.#length;
    let units = 0;
    for (let index = 0; index < size; index++) {
      const unit = text.charCodeAt(index);
      units |= unit;
      bytes[at + index] = unit;
    }
    const isAscii = units < 0x80;
    this.#length = isAscii ? at + size : start;
    return isAscii;
  }

  /** The caller has reserved 5 bytes more than the text takes. */
  #textHeader(size: number): void {
    const bytes = this.#bytes;
    if (size < 0x20) bytes[this.#length++] = 0xa0 | size;
    else if (size < 0x100) {
      bytes[this.#length++] = 0xd9;
      bytes[this.#length++] = size;
    } else if (size < 0x1_0000) this.#head16(0xda, size);
    else this.#head32(0xdb, size32(size));
  }

  #append(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /**
   * Writes the first byte, makes room for `size` more, counts them as written, and says where they go. It may
   * replace buffer and view: look at either only after it has returned.
   */
  #head(first: number, size: number): number {
    this.#reserve(size + 1);
    const at = this.#length;
    this.#bytes[at] = first;
    this.#length = at + 1 + size;
    return at + 1;
  }

  /** Writes the first byte and the low 8 bits of a value. */
  #head8(first: number, value: number): void {
    const at = this.#head(first, 1);
    this.#bytes[at] = value;
  }

  /** Writes the first byte and the low 16 bits of a value. */
  #head16(first: number, value: number): void {
    const at = this.#head(first, 2);
    this.#view.setUint16(at, value);
  }

  /** Writes the first byte and the low 32 bits of a value. */
  #head32(first: number, value: number): void {
    const at = this.#head(first, 4);
    this.#view.setUint32(at, value);
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed > this.#bytes.length) this.#resize(Math.max(needed, this.#bytes.length * 2));
  }

  #resize(capacity: number): void {
    const bytes = Buffer.allocUnsafe(capacity);
    this.#bytes.copy(bytes, 0, 0, this.#length);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, capacity);
  }
}

function size32(size: number): number {
  if (size > 0xffff_ffff)
    throw new RangeError(`${size} entries or bytes do not fit into one MessagePack value`);
  return size;
}
