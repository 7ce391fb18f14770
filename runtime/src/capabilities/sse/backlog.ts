import type { Buffer } from 'node:buffer';
import { Fifo } from '../../edge/fifo.ts';
import { Batch } from './batch.ts';

/** Bytes that are put together into one write, at most; a larger frame goes alone. */
const batchBytes = 32 * 1024;

/** Bytes that a frame counts with besides its own while it waits: what many small ones cost the host. */
export const frameOverhead = 64;

interface Kept {
  readonly frame: Buffer;
  /** What all frames that the path ever had before this one counted with. */
  readonly start: number;
}

/** Bytes that wait for subscribers of a plugin, counted by all who keep any. */
export interface Waiting {
  bytes: number;
}

/**
 * The frames of one path that not everybody has been given. There is one copy of each, however many wait for it:
 * a subscriber has a position, which is the number of the first frame that it was not given.
 */
export class Backlog {
  readonly #kept = new Fifo<Kept>();
  readonly #waiting: Waiting;
  #first = 0;
  #total = 0;
  #bytes = 0;
  #last:
    | { readonly from: number; readonly to: number; readonly next: number; readonly batch: Batch }
    | undefined;

  constructor(waiting: Waiting) {
    this.#waiting = waiting;
  }

  /** The position of the oldest frame that is kept. */
  get first(): number {
    return this.#first;
  }

  /** The position of who has been given everything. */
  get end(): number {
    return this.#first + this.#kept.length;
  }

  add(frame: Buffer): void {
    this.#kept.push({ frame, start: this.#total });
    this.#total += frame.length + frameOverhead;
    this.#count(frame.length + frameOverhead);
  }

  /** Bytes that wait for who is at this position. */
  bytesFrom(position: number): number {
    const kept = this.#kept.at(position - this.#first);
    return kept === undefined ? 0 : this.#total - kept.start;
  }

  /** Forgets the oldest frames until so many bytes are left. The newest stays, whatever its size. */
  trim(bytes: number): void {
    while (this.#bytes > bytes && this.#kept.length > 1) this.#shift();
  }

  /** Forgets every frame: everybody has them. */
  clear(): void {
    while (this.#kept.length > 0) this.#shift();
    this.#last = undefined;
  }

  /**
   * The frames from one position on, up to another, as many as go out in one piece; and the position behind them.
   * Most subscribers are at the same position, so that all of them get the same batch.
   */
  batch(from: number, to: number): { readonly next: number; readonly batch: Batch } {
    if (this.#last?.from === from && this.#last.to === to) return this.#last;
    const frames: Buffer[] = [];
    let size = 0;
    for (let position = from; position < to; position++) {
      const kept = this.#kept.at(position - this.#first);
      if (kept === undefined || (size > 0 && size + kept.frame.length > batchBytes)) break;
      frames.push(kept.frame);
      size += kept.frame.length;
    }
    this.#last = { from, to, next: from + frames.length, batch: new Batch(frames) };
    return this.#last;
  }

  #shift(): void {
    const kept = this.#kept.shift();
    if (kept === undefined) return;
    this.#first += 1;
    this.#count(-(kept.frame.length + frameOverhead));
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#waiting.bytes += bytes;
  }
}
