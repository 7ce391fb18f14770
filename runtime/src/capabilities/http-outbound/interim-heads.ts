/** `HTTP/1.x 1dd`: `0` stands for any digit, so that a head is an interim one once all of it has matched. */
const statusLine = 'HTTP/1.0 100';
const digits: ReadonlySet<number> = new Set([7, 10, 11]);
const headEnd = '\r\n\r\n';

/**
 * Lets `100 Continue` pass for `102 Processing` in the bytes that a server sends. Every client has to put up with
 * interim answers (RFC 9110 section 15.2), and undici skips them all but 100, which it takes for an error of the
 * server's.
 *
 * It looks at the bytes as they come, wherever they are cut, and only at the heads in front of the real one.
 */
export class InterimHeads {
  /** How much of a status line, or of the end of an interim head, has matched. Undefined: the rest is the answer. */
  #matched: number | undefined;
  #inHead = false;
  #is100 = false;

  /** A request is sent: what comes now begins with a head. */
  begin(): void {
    this.#matched = 0;
    this.#inHead = false;
  }

  /** Looks through bytes, and changes the one digit in them. */
  pass(bytes: Uint8Array): void {
    for (let at = 0; this.#matched !== undefined && at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      if (this.#inHead) this.#toEnd(byte);
      else if (this.#toStatus(byte)) bytes[at] = 0x32;
    }
  }

  /** True for the last digit of 100. */
  #toStatus(byte: number): boolean {
    const at = this.#matched ?? 0;
    const isDigit = byte >= 0x30 && byte <= 0x39;
    if (digits.has(at) ? !isDigit : byte !== statusLine.charCodeAt(at)) {
      this.#matched = undefined;
      return false;
    }
    if (at === 10) this.#is100 = byte === 0x30;
    this.#matched = at + 1;
    if (this.#matched < statusLine.length) return false;
    this.#matched = 0;
    this.#inHead = true;
    return this.#is100 && byte === 0x30;
  }

  #toEnd(byte: number): void {
    const at = this.#matched ?? 0;
    if (byte === headEnd.charCodeAt(at)) this.#matched = at + 1;
    else this.#matched = byte === 0x0d ? 1 : 0;
    if (this.#matched < headEnd.length) return;
    this.begin();
  }
}
