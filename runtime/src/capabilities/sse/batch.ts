import { Buffer } from 'node:buffer';

/** Frames that go out in one piece, the same bytes for everybody who gets them. */
export class Batch {
  readonly #bytes: Buffer;
  readonly #head: number;

  /** @param frames At least one; their bytes are copied. */
  constructor(frames: readonly Buffer[]) {
    let size = 0;
    for (const frame of frames) size += frame.length;
    const head = `${size.toString(16)}\r\n`;
    this.#head = head.length;
    this.#bytes = Buffer.allocUnsafe(head.length + size + 2);
    let at = this.#bytes.write(head, 'latin1');
    for (const frame of frames) {
      this.#bytes.set(frame, at);
      at += frame.length;
    }
    this.#bytes.write('\r\n', at, 'latin1');
  }

  /** The frames as they are. */
  get plain(): Buffer {
    return this.#bytes.subarray(this.#head, -2);
  }

  /** The frames as one chunk of HTTP/1.1 (RFC 9112 section 7.1). */
  get chunk(): Buffer {
    return this.#bytes;
  }
}
