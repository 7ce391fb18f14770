import { Kind, Reader } from './reader';
import { decodeText } from './utf8';

/** Shared by all views: each lookup sets it anew, and none keeps it. */
const reader = new Reader(0, 0);

/** Which step's views may be read. */
let current: u32 = 1;

/** For the SDK: names the running step, whose event may be read. */
export function currentViews(): u32 {
  return current;
}

/** For the SDK: a step is over, and what its views look at is freed. */
export function endViews(): void {
  current++;
}

/**
 * A msgpack map, looked at where it lies: nothing is decoded before it is asked for. Of a key given twice the
 * last counts.
 *
 * The views of an event end with its step: from then on they are empty. Copy out what is to be kept.
 */
export class MapView {
  private step: u32;

  /**
   * @param start Where the map begins.
   * @param end The first address that is not to be read.
   * @param foldCase Whether ASCII letters of keys match in either case, as in header names.
   * @param kept Whether the bytes outlive the step. If they don't, saying so reads freed memory later.
   * @param owner What keeps the bytes alive, where the garbage collector would free them.
   */
  constructor(
    private start: usize,
    private end: usize,
    private foldCase: bool = false,
    private kept: bool = false,
    private owner: ArrayBuffer | null = null,
  ) {
    this.step = current;
  }

  /** An empty map. */
  static empty(): MapView {
    return new MapView(0, 0);
  }

  /** Whether the bytes are still there. */
  get live(): bool {
    return this.kept || this.step == current;
  }

  /** Whether it is a map that is there to its last byte. What is cut off reads as if it ended before. */
  get whole(): bool {
    this.enter();
    if (reader.peek() != Kind.Map) return false;
    reader.skip();
    return reader.ok;
  }

  /** The number of entries. */
  get size(): u32 {
    this.enter();
    return reader.map();
  }

  has(key: string): bool {
    return this.kind(key) != Kind.None;
  }

  /** The kind of value under a key; `Kind.None` when there is none. */
  kind(key: string): Kind {
    return this.seek(key) ? reader.peek() : Kind.None;
  }

  /** Text under a key; the fallback when there is none. What is not UTF-8 becomes U+FFFD: see `bytes`. */
  get(key: string, fallback: string = ""): string {
    if (!this.seek(key)) return fallback;
    const text = reader.text();
    return reader.ok ? text : fallback;
  }

  /** A copy of the bytes of a `str` or `bin` as they are; empty when there is none. */
  bytes(key: string): Uint8Array {
    return this.seek(key) ? reader.bytes() : new Uint8Array(0);
  }

  /** An integer; the fallback when there is none, or a value of another kind. */
  i64(key: string, fallback: i64 = 0): i64 {
    if (!this.seek(key)) return fallback;
    const value = reader.i64();
    return reader.ok ? value : fallback;
  }

  /** An integer that is never negative, such as an id; the fallback as with `i64`. */
  u64(key: string, fallback: u64 = 0): u64 {
    return u64(this.i64(key, i64(fallback)));
  }

  /** A float, or an integer as one; the fallback as with `i64`. */
  f64(key: string, fallback: f64 = 0): f64 {
    if (!this.seek(key)) return fallback;
    const value = reader.f64();
    return reader.ok ? value : fallback;
  }

  bool(key: string, fallback: bool = false): bool {
    if (!this.seek(key)) return fallback;
    const value = reader.bool();
    return reader.ok ? value : fallback;
  }

  /** An array of texts; empty when there is none, or one with anything else in it. */
  strings(key: string): string[] {
    const strings: string[] = [];
    if (!this.seek(key)) return strings;
    for (let left = reader.array(); left > 0 && reader.ok; left--) strings.push(reader.text());
    return reader.ok ? strings : [];
  }

  /** The map under a key; an empty one when there is none. `foldCase` for header names, as in the constructor. */
  map(key: string, foldCase: bool = false): MapView {
    return this.seek(key) && reader.peek() == Kind.Map ? this.child(reader.at, foldCase) : MapView.empty();
  }

  /** The same with bytes of its own, which outlive the step. What is cut off becomes empty. */
  copy(): MapView {
    this.enter();
    reader.skip();
    if (!reader.ok) return MapView.empty();
    const size = reader.at - this.start;
    const bytes = new ArrayBuffer(i32(size));
    const start = changetype<usize>(bytes);
    memory.copy(start, this.start, size);
    return new MapView(start, start + size, this.foldCase, true, bytes);
  }

  /** All keys in the order they came in, each once. */
  keys(): string[] {
    const keys: string[] = [];
    this.enter();
    for (let left = reader.map(); left > 0 && reader.ok; left--) {
      const key = reader.text();
      reader.skip();
      if (reader.ok && !keys.includes(key)) keys.push(key);
    }
    return keys;
  }

  private child(start: usize, foldCase: bool): MapView {
    return new MapView(start, this.end, foldCase, this.kept, this.owner);
  }

  /** Puts the reader before the map. */
  private enter(): void {
    if (this.live) reader.reset(this.start, this.end);
    else reader.reset(0, 0);
  }

  /** Puts the reader before the value under a key. */
  private seek(key: string): bool {
    let found: usize = 0;
    this.enter();
    for (let left = reader.map(); left > 0; left--) {
      const matches = reader.span() && sameText(key, reader.start, reader.size, this.foldCase);
      const value = reader.at;
      reader.skip();
      if (!reader.ok) break;
      if (matches) found = value;
    }
    reader.reset(found, this.end);
    return found != 0;
  }
}

/** Whether bytes are the UTF-8 of a text, without making a string of them. */
export function sameText(text: string, start: usize, size: usize, foldCase: bool = false): bool {
  const units = text.length;
  if (size < usize(units)) return false; // no unit is less than a byte
  let i = 0;
  for (; i < units; i++) {
    let unit = u32(load<u16>(changetype<usize>(text) + (usize(i) << 1)));
    let byte = u32(load<u8>(start + i));
    if (unit > 0x7f || byte > 0x7f) return decodeText(start, size) == text;
    if (foldCase) {
      if (unit - 0x41 < 26) unit |= 0x20;
      if (byte - 0x41 < 26) byte |= 0x20;
    }
    if (unit != byte) return false;
  }
  return size == usize(units);
}
