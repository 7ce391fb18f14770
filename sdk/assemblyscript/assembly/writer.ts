import { encodeText, maxBytes } from './utf8';

/** A buffer that has grown beyond this is given back after use. */
const KEEP_BYTES: usize = 65536;

/** Most bytes before the content of a string, array or map. */
const HEAD_BYTES: usize = 5;

/**
 * Writes msgpack into a buffer of its own, outside the garbage-collected heap, which is reused: `reset`,
 * write, hand `start` and `size` to a host import.
 */
export class Writer {
  /** Where the bytes begin. Changes when the buffer grows. */
  start: usize = 0;
  /** How many bytes have been written. */
  size: usize = 0;
  private capacity: usize = 0;

  /** Forgets what was written. */
  reset(): void {
    this.size = 0;
    if (this.capacity > KEEP_BYTES) this.release();
  }

  /** Frees the buffer. The garbage collector cannot do so: release a writer that isn't kept. */
  release(): void {
    if (this.capacity != 0) heap.free(this.start);
    this.start = 0;
    this.size = 0;
    this.capacity = 0;
  }

  map(count: u32): void {
    this.size += putHead(this.reserve(HEAD_BYTES), count, 0x80, 16, 0, 0xde);
  }

  array(count: u32): void {
    this.size += putHead(this.reserve(HEAD_BYTES), count, 0x90, 16, 0, 0xdc);
  }

  str(text: string): void {
    this.text(text, 0xa0, 32, 0xd9, 0xda);
  }

  /** The UTF-8 of a string as `bin`. */
  binText(text: string): void {
    this.text(text, 0, 0, 0xc4, 0xc5);
  }

  /** A `str` from bytes as they are, whether or not they are UTF-8. */
  strBytes(pointer: usize, length: usize): void {
    this.raw(pointer, length, 0xa0, 32, 0xd9, 0xda);
  }

  bin(pointer: usize, length: usize): void {
    this.raw(pointer, length, 0, 0, 0xc4, 0xc5);
  }

  u64(value: u64): void {
    if (value <= 0x7f) {
      this.byte(u32(value));
    } else {
      const at = this.reserve(9);
      store<u8>(at, 0xcf);
      store<u64>(at, bswap<u64>(value), 1);
      this.size += 9;
    }
  }

  i64(value: i64): void {
    const at = this.reserve(9);
    store<u8>(at, 0xd3);
    store<u64>(at, bswap<u64>(u64(value)), 1);
    this.size += 9;
  }

  f64(value: f64): void {
    const at = this.reserve(9);
    store<u8>(at, 0xcb);
    store<u64>(at, bswap<u64>(reinterpret<u64>(value)), 1);
    this.size += 9;
  }

  /** A point in time as a timestamp extension: milliseconds since 1970-01-01 UTC, negative before. */
  time(milliseconds: i64): void {
    let seconds = milliseconds / 1000;
    let rest = milliseconds % 1000;
    if (rest < 0) {
      rest += 1000;
      seconds--;
    }
    const at = this.reserve(15);
    store<u8>(at, 0xc7);
    store<u8>(at, 12, 1);
    store<u8>(at, 0xff, 2);
    store<u32>(at, bswap<u32>(u32(rest) * 1_000_000), 3);
    store<u64>(at, bswap<u64>(u64(seconds)), 7);
    this.size += 15;
  }

  bool(value: bool): void {
    this.byte(value ? 0xc3 : 0xc2);
  }

  nil(): void {
    this.byte(0xc0);
  }

  private text(text: string, base: u32, fix: u32, tag8: u32, tag16: u32): void {
    const at = this.reserve(HEAD_BYTES + maxBytes(text));
    // The head's width depends on a length that is only known afterwards; guess by the units, which is right
    // for ASCII, and move the text where it was wrong.
    const guess = putHead(at, u32(text.length), base, fix, tag8, tag16);
    const length = encodeText(text, at + guess);
    if (length == usize(text.length)) {
      this.size += guess + length;
      return;
    }
    const width = headBytes(u32(length), fix, tag8);
    if (width != guess) memory.copy(at + width, at + guess, length);
    putHead(at, u32(length), base, fix, tag8, tag16);
    this.size += width + length;
  }

  private raw(pointer: usize, length: usize, base: u32, fix: u32, tag8: u32, tag16: u32): void {
    const at = this.reserve(HEAD_BYTES + length);
    const width = putHead(at, u32(length), base, fix, tag8, tag16);
    memory.copy(at + width, pointer, length);
    this.size += width + length;
  }

  private byte(value: u32): void {
    const at = this.reserve(1);
    store<u8>(at, u8(value));
    this.size++;
  }

  /** Makes room; gives where the next byte goes. */
  private reserve(length: usize): usize {
    const needed = this.size + length;
    if (needed > this.capacity) {
      const capacity = max<usize>(needed, max<usize>(256, this.capacity * 2));
      this.start = this.capacity == 0 ? heap.alloc(capacity) : heap.realloc(this.start, capacity);
      this.capacity = capacity;
    }
    return this.start + this.size;
  }
}

/** Bytes of the head that `putHead` writes. */
function headBytes(count: u32, fix: u32, tag8: u32): usize {
  if (count < fix) return 1;
  if (tag8 != 0 && count <= 0xff) return 2;
  return count <= 0xffff ? 3 : 5;
}

/**
 * Writes a count or length: within the first byte below `fix`, else behind `tag8` (0: there is none) or
 * `tag16`, whose successor is the one for 32 bits. Gives the number of bytes.
 */
function putHead(at: usize, count: u32, base: u32, fix: u32, tag8: u32, tag16: u32): usize {
  const width = headBytes(count, fix, tag8);
  switch (i32(width)) {
    case 1:
      store<u8>(at, u8(base | count));
      break;
    case 2:
      store<u8>(at, u8(tag8));
      store<u8>(at, u8(count), 1);
      break;
    case 3:
      store<u8>(at, u8(tag16));
      store<u16>(at, bswap<u16>(u16(count)), 1);
      break;
    default:
      store<u8>(at, u8(tag16 + 1));
      store<u32>(at, bswap<u32>(count), 1);
  }
  return width;
}
