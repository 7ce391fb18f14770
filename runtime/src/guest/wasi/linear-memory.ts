/** A range of bytes of the guest, checked to lie in its memory. */
export interface Range {
  readonly pointer: number;
  readonly length: number;
}

/**
 * The guest's memory as WASI functions use it. Numbers from the guest are u32 that arrive as signed i32. They
 * are made unsigned here and added up as doubles, so that no sum wraps around. The buffer is asked for anew in
 * every call, because it detaches when the memory grows.
 */
export class LinearMemory {
  readonly #memory: () => WebAssembly.Memory;
  #view = new DataView(new ArrayBuffer(0));

  constructor(memory: () => WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** The whole memory. The view MUST NOT be kept longer than the call that asked for it. */
  get view(): DataView {
    const { buffer } = this.#memory();
    if (this.#view.buffer !== buffer) this.#view = new DataView(buffer);
    return this.#view;
  }

  /** Whether all of the range lies in the memory. An empty range may begin right behind its end. */
  holds(pointer: number, length: number): boolean {
    return (pointer >>> 0) + length <= this.view.byteLength;
  }

  /** A view of a range that {@link holds} is true for; it MUST NOT be kept either. */
  bytes(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#memory().buffer, pointer >>> 0, length);
  }

  /**
   * Reads `count` iovecs until they hold `most` bytes together: what is beyond is left out, and the last range
   * is shortened, as reads and writes may always be partial. Without that bound a guest could have each of
   * thousands of iovecs name all of its memory.
   *
   * @returns the ranges, or undefined if the table or one of them is not in the memory
   */
  vectors(table: number, count: number, most: number): Range[] | undefined {
    const entries = count >>> 0;
    if (!this.holds(table, entries * 8)) return undefined;
    const { view } = this;
    const ranges: Range[] = [];
    let room = most;
    for (let entry = 0; entry < entries && room > 0; entry += 1) {
      const at = (table >>> 0) + entry * 8;
      const pointer = view.getUint32(at, true);
      const length = view.getUint32(at + 4, true);
      if (!this.holds(pointer, length)) return undefined;
      if (length === 0) continue;
      ranges.push({ pointer, length: Math.min(length, room) });
      room -= length;
    }
    return ranges;
  }
}
