/**
 * What the two ends of this capability tell each other. The guest end has checked everything in the effects, so
 * reading them cannot fail and the edge parses nothing hostile.
 */
import { Buffer } from 'node:buffer';
import { Writer } from '../../abi/msgpack/writer.ts';
import type { Pairs } from '../../abi/events.ts';

/**
 * Kinds of effects: a path is claimed (an ask), an event goes to all subscribers of a path, an event goes to the
 * subscriber whose id the effect has.
 */
export const Effect = { register: 0, emit: 1, send: 2 } as const;

/** Kinds of events, as the capability lists them. */
export const Kind = { open: 0, close: 1 } as const;

/** Bytes of a path. */
export const maxPathBytes = 4096;
/** Bytes of one event as it is written into a stream. */
export const maxFrameBytes = 16 * 1024 * 1024;
/** Bytes before the frame of an emit: the path's number. */
export const numberBytes = 4;

/** A path as the guest end has checked it, a binary string, and the number that stands for it from then on. */
export interface PathClaim {
  readonly number: number;
  readonly path: string;
}

export function encodeClaim({ number, path }: PathClaim): Uint8Array {
  const bytes = Buffer.allocUnsafe(numberBytes + path.length);
  bytes.writeUInt32LE(number);
  bytes.write(path, numberBytes, 'latin1');
  return bytes;
}

export function decodeClaim(payload: Uint8Array): PathClaim {
  const bytes = asBuffer(payload);
  return { number: bytes.readUInt32LE(), path: bytes.toString('latin1', numberBytes) };
}

/** Unpacks an emit, which `encodeFrame` packs. The frame is a copy, to be kept. */
export function decodeEmit(payload: Uint8Array): { readonly number: number; readonly frame: Buffer } {
  return { number: asBuffer(payload).readUInt32LE(), frame: Buffer.from(payload.subarray(numberBytes)) };
}

/** `sse.open`. All text is binary strings. */
export interface SseOpen {
  readonly subId: number;
  /** Percent-decoded. */
  readonly path: string;
  readonly query: Pairs;
  /** Canonical names, without `Host`. */
  readonly headers: Pairs;
}

const writer = new Writer(1024);

/** The payload of an `sse.open` event (contract section 5). */
export function encodeOpen({ subId, path, query, headers }: SseOpen): Uint8Array {
  writer.reset();
  writer.map(4);
  writer.text('sub_id');
  writer.uint64(subId);
  writer.text('path');
  writer.text(path);
  for (const [name, list] of [
    ['query', query],
    ['headers', headers],
  ] as const) {
    writer.text(name);
    writer.map(list.length / 2);
    for (const text of list) writer.text(text);
  }
  return writer.take();
}

/** The payload of an `sse.close` event. */
export function encodeClose(subId: number): Uint8Array {
  writer.reset();
  writer.map(1);
  writer.text('sub_id');
  writer.uint64(subId);
  return writer.take();
}

/** The same bytes as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
