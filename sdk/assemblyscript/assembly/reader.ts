import { skipValue } from './skip';
import { decodeText } from './utf8';

/** What kind of msgpack value comes next. */
export enum Kind {
  /** Nothing: the bytes are at their end or not msgpack. */
  None,
  Nil,
  Bool,
  Int,
  Float,
  Str,
  Bin,
  Array,
  Map,
  Ext,
}

/**
 * Reads msgpack where it lies in memory. Nothing is copied but what is asked for as a string or array.
 *
 * The first thing that is missing, cut off or of another kind makes `ok` false for good; from then on
 * everything reads as zero or empty. So read all, then look at `ok` once. No bytes, however hostile, make it
 * read outside them, recurse, or do more work than there are bytes.
 */
export class Reader {
  /** False once anything could not be read. */
  ok: bool = true;
  /** Where the content of the `str`, `bin` or `ext` lies that `span` read last. */
  start: usize = 0;
  /** Its length in bytes. */
  size: usize = 0;

  constructor(
    /** Where the next value begins. */
    public at: usize,
    /** The first address that is not to be read. */
    public end: usize,
  ) {}

  /** Starts again on other bytes. */
  reset(at: usize, end: usize): void {
    this.at = at;
    this.end = end;
    this.ok = true;
    this.start = 0;
    this.size = 0;
  }

  /** The kind of the next value, which stays unread. */
  peek(): Kind {
    if (!this.ok || this.at >= this.end) return Kind.None;
    const byte = u32(load<u8>(this.at));
    if (byte <= 0x7f || byte >= 0xe0) return Kind.Int;
    if (byte <= 0x8f) return Kind.Map;
    if (byte <= 0x9f) return Kind.Array;
    if (byte <= 0xbf) return Kind.Str;
    switch (byte) {
      case 0xc0: return Kind.Nil;
      case 0xc1: return Kind.None;
      case 0xc2: case 0xc3: return Kind.Bool;
      case 0xc4: case 0xc5: case 0xc6: return Kind.Bin;
      case 0xca: case 0xcb: return Kind.Float;
      case 0xd9: case 0xda: case 0xdb: return Kind.Str;
      case 0xdc: case 0xdd: return Kind.Array;
      case 0xde: case 0xdf: return Kind.Map;
      case 0xcc: case 0xcd: case 0xce: case 0xcf:
      case 0xd0: case 0xd1: case 0xd2: case 0xd3: return Kind.Int;
      default: return Kind.Ext;
    }
  }

  /** The number of entries of a map; nil is an empty one. */
  map(): u32 {
    const byte = this.next();
    let count: u32 = 0;
    if ((byte & 0xf0) == 0x80) count = byte & 0x0f;
    else if (byte == 0xde) count = u32(this.unsigned(2));
    else if (byte == 0xdf) count = u32(this.unsigned(4));
    else if (byte != 0xc0) return this.fail();
    // An entry is two bytes at least, so this is cut off, or a lie meant to make the reader work.
    return u64(count) * 2 > u64(this.end - this.at) ? this.fail() : count;
  }

  /** The number of elements of an array; nil is an empty one. */
  array(): u32 {
    const byte = this.next();
    let count: u32 = 0;
    if ((byte & 0xf0) == 0x90) count = byte & 0x0f;
    else if (byte == 0xdc) count = u32(this.unsigned(2));
    else if (byte == 0xdd) count = u32(this.unsigned(4));
    else if (byte != 0xc0) return this.fail();
    return usize(count) > this.end - this.at ? this.fail() : count;
  }

  /** Reads a `str` or `bin` (the wire lets one stand for the other; nil is empty) into `start` and `size`. */
  span(): bool {
    const byte = this.next();
    let length: usize = 0;
    if ((byte & 0xe0) == 0xa0) return this.take(byte & 0x1f);
    if (byte == 0xc4 || byte == 0xd9) length = usize(this.unsigned(1));
    else if (byte == 0xc5 || byte == 0xda) length = usize(this.unsigned(2));
    else if (byte == 0xc6 || byte == 0xdb) length = usize(this.unsigned(4));
    else if (byte != 0xc0) return this.fail() != 0;
    return this.take(length);
  }

  /** A `str` or `bin` as text; what is not UTF-8 becomes U+FFFD. */
  text(): string {
    return this.span() ? decodeText(this.start, this.size) : "";
  }

  /** A `str` or `bin` as a copy of its bytes. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.span() ? i32(this.size) : 0);
    if (this.ok) memory.copy(bytes.dataStart, this.start, this.size);
    return bytes;
  }

  /** An integer of any width. One above 2^63-1 comes out as its bits. */
  i64(): i64 {
    const byte = this.next();
    if (byte <= 0x7f) return i64(byte);
    if (byte >= 0xe0) return i64(byte) - 256;
    switch (byte) {
      case 0xcc: return i64(this.unsigned(1));
      case 0xcd: return i64(this.unsigned(2));
      case 0xce: return i64(this.unsigned(4));
      case 0xcf: case 0xd3: return i64(this.unsigned(8));
      case 0xd0: return i64(i8(this.unsigned(1)));
      case 0xd1: return i64(i16(this.unsigned(2)));
      case 0xd2: return i64(i32(this.unsigned(4)));
      default: return this.fail();
    }
  }

  /** The same, for values that are never negative, such as ids. */
  // @ts-ignore: a decorator of the AssemblyScript compiler, which TypeScript does not know
  @inline
  u64(): u64 {
    return u64(this.i64());
  }

  /** A float, or an integer as one. */
  f64(): f64 {
    const kind = this.peek();
    if (kind == Kind.Int) return load<u8>(this.at) == 0xcf ? f64(this.u64()) : f64(this.i64());
    const byte = this.next();
    if (byte == 0xca) return f64(reinterpret<f32>(u32(this.unsigned(4))));
    if (byte == 0xcb) return reinterpret<f64>(this.unsigned(8));
    return f64(this.fail());
  }

  bool(): bool {
    const byte = this.next();
    if (byte == 0xc2 || byte == 0xc3) return byte == 0xc3;
    return this.fail() != 0;
  }

  /** A timestamp extension as milliseconds since 1970-01-01 UTC, rounded down. */
  time(): i64 {
    const byte = this.next();
    const size = byte == 0xd6 ? 4 : byte == 0xd7 ? 8 : byte == 0xc7 ? u32(this.unsigned(1)) : 0;
    if (i8(this.unsigned(1)) != -1) return this.fail();
    let seconds: i64 = 0;
    let nanoseconds: u64 = 0;
    if (size == 4) {
      seconds = i64(this.unsigned(4));
    } else if (size == 8) {
      const both = this.unsigned(8);
      seconds = i64(both & 0x3_ffff_ffff);
      nanoseconds = both >> 34;
    } else if (size == 12) {
      nanoseconds = this.unsigned(4);
      seconds = i64(this.unsigned(8));
    } else {
      return this.fail();
    }
    return this.ok ? seconds * 1000 + i64(nanoseconds / 1_000_000) : 0;
  }

  /** Passes over the next value with all that is in it. */
  skip(): void {
    const next = this.ok ? skipValue(this.at, this.end) : 0;
    if (next != 0) this.at = next;
    else this.fail();
  }

  private take(length: usize): bool {
    if (!this.ok || length > this.end - this.at) return this.fail() != 0;
    this.start = this.at;
    this.size = length;
    this.at += length;
    return true;
  }

  /** The next byte; the never used 0xc1, which no caller takes, when there is none. */
  // @ts-ignore: a decorator of the AssemblyScript compiler, which TypeScript does not know
  @inline
  private next(): u32 {
    if (!this.ok || this.at >= this.end) {
      this.ok = false;
      return 0xc1;
    }
    return u32(load<u8>(this.at++));
  }

  private unsigned(width: usize): u64 {
    if (!this.ok || width > this.end - this.at) return this.fail();
    const at = this.at;
    this.at += width;
    switch (i32(width)) {
      case 1: return load<u8>(at);
      case 2: return bswap<u16>(load<u16>(at));
      case 4: return bswap<u32>(load<u32>(at));
      default: return bswap<u64>(load<u64>(at));
    }
  }

  private fail(): u32 {
    this.ok = false;
    this.at = this.end;
    this.start = 0;
    this.size = 0;
    return 0;
  }
}
