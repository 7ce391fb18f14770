/**
 * Effects between the two ends of this capability. The guest end has checked everything in them, so reading
 * them cannot fail and the edge parses nothing hostile.
 */
import { Buffer } from 'node:buffer';
import { inlineBytes } from '../../link/link.ts';

/** Kinds of effects. */
export const Effect = { register: 0, respond: 1 } as const;

/** A route as the guest end has checked it: an upper-case method and a pattern, as binary strings. */
export interface RouteClaim {
  readonly method: string;
  readonly pattern: string;
}

export function encodeClaim({ method, pattern }: RouteClaim): Uint8Array {
  return Buffer.from(`${method} ${pattern}`, 'latin1');
}

export function decodeClaim(payload: Uint8Array): RouteClaim {
  const text = latin1(payload, 0, payload.length);
  const space = text.indexOf(' ');
  return { method: text.slice(0, space), pattern: text.slice(space + 1) };
}

/** A response ready to be written: header names and values are binary strings, one after the other. */
export interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

/** Bytes of all header names and values of a response that a guest may send. */
export const maxAnswerHeaderBytes = 64 * 1024 - 1;
/** Bytes of a route's method, with the blanks around it. */
export const maxMethodBytes = 256;
/** Bytes of a route pattern. */
export const maxPatternBytes = 4096;
/** Header lines of a response that a guest may send. */
export const maxAnswerHeaders = 1000;
const fixed = 8;

const scratch = Buffer.allocUnsafeSlow(inlineBytes);

/**
 * Packs an answer: `u16 status | u16 strings | u32 bytes of text | u16 length of each string | text | body`.
 * A small one is packed into a buffer that the next call uses again; a large one into its own, which can be
 * transferred.
 */
export function encodeAnswer({ status, headers, body }: Answer): Uint8Array {
  let text = 0;
  for (const part of headers) text += part.length;
  const size = fixed + headers.length * 2 + text + body.length;
  const target = size <= inlineBytes ? scratch : Buffer.allocUnsafeSlow(size);
  target.writeUInt16LE(status, 0);
  target.writeUInt16LE(headers.length, 2);
  target.writeUInt32LE(text, 4);
  let at = fixed;
  for (const part of headers) at = target.writeUInt16LE(part.length, at);
  for (const part of headers) at += target.write(part, at, 'latin1');
  target.set(body, at);
  return target.subarray(0, size);
}

/** Unpacks an answer. The body is a view of the payload. */
export function decodeAnswer(payload: Uint8Array): Answer & { headers: string[] } {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const strings = view.getUint16(2, true);
  const text = view.getUint32(4, true);
  const start = fixed + strings * 2;
  const all = latin1(payload, start, start + text);
  const headers: string[] = [];
  let at = 0;
  for (let index = 0; index < strings; index++) {
    const end = at + view.getUint16(fixed + index * 2, true);
    headers.push(all.slice(at, end));
    at = end;
  }
  return { status: view.getUint16(0, true), headers, body: payload.subarray(start + text) };
}

/** Bytes as a binary string: one UTF-16 unit a byte. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  const buffer =
    bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('latin1', start, end);
}
