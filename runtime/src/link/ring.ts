/**
 * A single-producer, single-consumer ring of records in shared memory.
 *
 * A record is `u32 length | u8 channel | u8 kind | u16 flags | f64 id | payload`, padded to 8 bytes, and
 * never wraps: what does not fit before the end of the ring is preceded by padding. A record stays in the
 * ring until its consumer has finished with it, so what lies between head and tail after a consumer's death
 * is what it left undone.
 */
import { Buffer } from 'node:buffer';

/** Bytes of records a ring holds. A power of two. */
export const ringBytes = 256 * 1024;

const recordHeader = 16;
const padding = 254;

// Words before the records; head and tail keep off each other's cache line.
const HEAD = 0;
const FINISHED = 1;
const TAIL = 16;
const WAITING = 17;
const preamble = 128;

/** Flags of a record. Producer and consumer set them in place while the record is in the ring. */
export const Flag = {
  /** Set by the producer: the record is no longer wanted. */
  cancelled: 1,
  /** Set by the consumer as it begins. */
  started: 2,
  /** The payload travels beside the ring. */
  aside: 4,
  /** The consumer answers with a code. */
  ask: 8,
} as const;

/** Where a record stands: valid until its producer knows that it is finished. */
export type RecordAt = number;

abstract class RingEnd {
  readonly buffer: SharedArrayBuffer;
  protected readonly words: Int32Array;
  protected readonly bytes: Buffer;
  protected readonly ids: Float64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.bytes = Buffer.from(buffer, preamble, ringBytes);
    this.ids = new Float64Array(buffer, preamble);
  }

  /** Sets a flag in place and gives the flags as they were before. */
  flag(at: RecordAt, bit: number): number {
    return Atomics.or(this.words, preamble / 4 + at / 4 + 1, bit << 16) >>> 16;
  }

  flags(at: RecordAt): number {
    return Atomics.load(this.words, preamble / 4 + at / 4 + 1) >>> 16;
  }
}

export function createRing(): SharedArrayBuffer {
  return new SharedArrayBuffer(preamble + ringBytes);
}

export class RingProducer extends RingEnd {
  // Positions count bytes and wrap at 2^32; differences of them stay right.
  #tail = 0;
  #head = 0;

  /**
   * Writes and publishes a record. `payload` is undefined when it travels aside. Gives its place, or -1 when there is
   * no room before the head that {@link refresh} was given last.
   */
  write(channel: number, kind: number, flags: number, id: number, payload: Uint8Array | undefined): RecordAt {
    const length = payload === undefined ? 0 : payload.length;
    const size = (recordHeader + length + 7) & ~7;
    let at = this.#tail & (ringBytes - 1);
    const toEnd = ringBytes - at;
    const skip = size > toEnd ? toEnd : 0;
    if (size + skip > this.#free()) return -1;
    const words = this.words;
    if (skip > 0) {
      const word = preamble / 4 + at / 4;
      words[word] = skip;
      words[word + 1] = padding;
      at = 0;
    }
    const word = preamble / 4 + at / 4;
    words[word] = length;
    words[word + 1] = channel | (kind << 8) | (flags << 16);
    this.ids[(at + 8) / 8] = id;
    if (payload !== undefined) this.bytes.set(payload, at + recordHeader);
    this.#tail = (this.#tail + skip + size) | 0;
    Atomics.store(words, TAIL, this.#tail);
    return at;
  }

  /** Whether a record with a payload of so many bytes would be written now. */
  hasRoom(length: number): boolean {
    const size = (recordHeader + length + 7) & ~7;
    const toEnd = ringBytes - (this.#tail & (ringBytes - 1));
    return size + (size > toEnd ? toEnd : 0) <= this.#free();
  }

  #free(): number {
    return ringBytes - ((this.#tail - this.#head) >>> 0);
  }

  /** How far the consumer is. */
  get head(): number {
    return Atomics.load(this.words, HEAD);
  }

  /** Gives room to new records up to where the consumer is, or was. */
  refresh(head: number = this.head): void {
    this.#head = head;
  }

  /** How many records the consumer has finished, wrapping at 2^32. */
  get finished(): number {
    return Atomics.load(this.words, FINISHED);
  }

  /** Blocks the calling thread until the consumer has moved on. */
  waitForRoom(): void {
    const words = this.words;
    Atomics.store(words, WAITING, 1);
    Atomics.wait(words, HEAD, this.#head);
    Atomics.store(words, WAITING, 0);
    this.refresh();
  }
}

export class RingConsumer extends RingEnd {
  /** The record that {@link next} took. */
  at: RecordAt = 0;
  channel = 0;
  kind = 0;
  id = 0;
  length = 0;
  #head = 0;
  #size = 0;

  /** Whether a record is there. Cheap enough to spin on. */
  get ready(): boolean {
    return Atomics.load(this.words, TAIL) !== this.#head;
  }

  /** How far the producer is now: the limit for a consumer that must come to an end. */
  get published(): number {
    return Atomics.load(this.words, TAIL);
  }

  /**
   * Takes the next record before `limit`; it stays in the ring until {@link release}. False when there is none.
   */
  next(limit: number = this.published): boolean {
    const words = this.words;
    while (limit !== this.#head) {
      const at = this.#head & (ringBytes - 1);
      const word = preamble / 4 + at / 4;
      const head = Atomics.load(words, word + 1);
      const length = words[word] as number;
      if ((head & 0xff) === padding) {
        this.#head = (this.#head + length) | 0;
        continue;
      }
      this.at = at;
      this.channel = head & 0xff;
      this.kind = (head >>> 8) & 0xff;
      this.id = this.ids[(at + 8) / 8] as number;
      this.length = length;
      this.#size = (recordHeader + length + 7) & ~7;
      return true;
    }
    return false;
  }

  /** The payload of the record taken, as a view of the ring: it MUST NOT be kept after {@link release}. */
  get payload(): Buffer {
    const start = this.at + recordHeader;
    return this.bytes.subarray(start, start + this.length);
  }

  /**
   * A producer that waits is woken when there is room for many records. Woken for each it would fill that room and wait
   * again: two threads that wake each other all the time.
   */
  get #halfEmpty(): boolean {
    return (this.published - this.#head) >>> 0 <= ringBytes / 2;
  }

  #wakeProducer(): void {
    if (Atomics.exchange(this.words, WAITING, 0) !== 0) Atomics.notify(this.words, HEAD);
  }

  /** Finishes the record taken. */
  release(): void {
    this.#head = (this.#head + this.#size) | 0;
    // Finished first: whoever has seen the head has seen everything before it counted as finished.
    Atomics.add(this.words, FINISHED, 1);
    Atomics.store(this.words, HEAD, this.#head);
    if (Atomics.load(this.words, WAITING) !== 0 && this.#halfEmpty) this.#wakeProducer();
  }
}
