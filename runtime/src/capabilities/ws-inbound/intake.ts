import type { Budget } from '../../edge/budget.ts';

/** Bytes that a piece of an unfinished message counts with besides its own: it may come a byte at a time. */
const pieceOverhead = 256;

/** Bytes of a frame besides its payload, at least: two of head and four of mask (RFC 6455 section 5.2). */
const frameBytes = 6;

/** Bytes that are read from a socket at once, at most. */
const chunkBytes = 64 * 1024;

/** Pieces that a message of any size may come in. */
const manyPieces = 16_384;

/**
 * How many frames, or reads from the socket, one message may come in; more close the connection with 1008. Pieces of
 * 64 bytes are good enough for a message of any size.
 */
export function mostPieces(maxMessageBytes: number): number {
  return Math.max(manyPieces, Math.ceil(maxMessageBytes / 64));
}

/**
 * What a connection holds of messages that are not complete, counted from what came in and what came out of it,
 * since `ws` does not tell. It is never less than what is held, and nearly exact for messages of one frame.
 */
export class Intake {
  readonly #budget: Budget;
  readonly #most: number;
  #held = 0;
  /** Wire bytes of the frames that came out of the chunk that is being read. */
  #taken = 0;
  #messages = 0;

  /** @param budget What the connections of all plugins share. */
  constructor(budget: Budget, maxMessageBytes: number) {
    this.#budget = budget;
    // What is counted too much must not add up: nobody takes from the others what it could not fill.
    this.#most = maxMessageBytes + mostPieces(maxMessageBytes) * pieceOverhead + chunkBytes;
  }

  /** A message came out, of so many bytes. Hot. */
  message(size: number): void {
    this.#messages += 1;
    this.#taken += size + frameBytes;
  }

  /** A ping or a pong came out. */
  control(size: number): void {
    this.#taken += size + frameBytes;
  }

  /** A chunk has been read, and what was complete came out. False: there is no memory for the rest. Hot. */
  chunk(size: number): boolean {
    const before = this.#held;
    const more = size - this.#taken;
    let held = before + more;
    // Behind a message that is complete nothing is left of the chunks before this one.
    if (this.#messages > 0) held = Math.min(held, size);
    else if (more > 0) held += pieceOverhead;
    held = Math.min(Math.max(held, 0), this.#most);
    this.#messages = 0;
    this.#taken = 0;
    if (held === before) return true;
    if (held > before && !this.#budget.take(held - before)) return false;
    if (held < before) this.#budget.give(before - held);
    this.#held = held;
    return true;
  }

  /** Nothing is held any more. */
  clear(): void {
    this.#budget.give(this.#held);
    this.#held = 0;
  }
}
