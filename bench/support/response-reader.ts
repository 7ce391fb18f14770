import { Buffer } from 'node:buffer';

const empty = Buffer.alloc(0);
const headEnd = Buffer.from('\r\n\r\n');

/**
 * Finds the responses in what a keep-alive HTTP/1.1 connection receives, however it is cut into pieces. It
 * knows `Content-Length` only, since a load generator should cost as little as it can.
 */
export class ResponseReader {
  readonly #found: (status: number, bytes: Buffer) => void;
  #rest: Buffer = empty;

  /** @param found Called once for each response; its bytes, head included, are a view. */
  constructor(found: (status: number, bytes: Buffer) => void) {
    this.#found = found;
  }

  /** Takes what was received. Throws when a response does not say how long it is. */
  push(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (bytes.length > 0) {
      const end = bytes.indexOf(headEnd);
      if (end < 0) break;
      const head = bytes.toString('latin1', 0, end);
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
      if (length === undefined) throw new Error(`a response without Content-Length:\n${head}`);
      const size = end + headEnd.length + Number(length);
      if (bytes.length < size) break;
      this.#found(Number(head.slice(9, 12)), bytes.subarray(0, size));
      bytes = bytes.subarray(size);
    }
    this.#rest = bytes;
  }
}
