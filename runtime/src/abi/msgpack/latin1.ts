/** A method of Node's Buffers that its type declarations leave out; it works on any Uint8Array. */
interface Latin1Slice {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
}

/**
 * Node's own decoder of bytes to characters, which `Buffer.prototype.toString('latin1')` ends in. It is taken
 * without the Buffer around it because the input is a view of guest memory: making a Buffer of that costs more
 * than reading the string.
 */
// The declarations lack it, the tests call it
const node = Buffer.prototype as unknown as Latin1Slice;

/** Up to here building the string in JavaScript is faster than a call into Node (Node 26: they meet at 12). */
const shortText = 12;

/**
 * A binary string: one UTF-16 unit, 0 to 255, for each byte. This is how HTTP text travels through the host,
 * so that bytes which are not UTF-8 arrive as they were sent. The range MUST be inside `bytes`.
 */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > shortText) return node.latin1Slice.call(bytes, start, end);
  let text = '';
  let at = start;
  for (; at + 4 <= end; at += 4) {
    text += String.fromCharCode(bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0);
  }
  for (; at < end; at++) text += String.fromCharCode(bytes[at] ?? 0);
  return text;
}
