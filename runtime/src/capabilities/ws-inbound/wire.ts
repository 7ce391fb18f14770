/**
 * Effects between the two ends of this capability. The guest end has checked everything in them, so reading them
 * cannot fail. The payload of a message is the message, so that it is copied once: out of the guest into the ring.
 */
import { Buffer } from 'node:buffer';

/** Kinds of effects. All but `register` belong to the connection whose id they have. */
export const Effect = {
  /** Claims a path: asked, so that it can be refused. The payload is the path. */
  register: 0,
  /** The payload is a text message. */
  text: 1,
  /** The payload is a binary message. */
  binary: 2,
  /** Begins the closing handshake. */
  close: 3,
} as const;

/** Bytes of a path that a plugin may register. */
export const maxPathBytes = 4096;

/** How a plugin closes a connection. */
export interface Farewell {
  /** A code that may be sent: see `mayBeSent`. */
  readonly code: number;
  /** At most {@link maxReasonBytes}, as the plugin gave them. */
  readonly reason: Uint8Array;
}

/** Bytes of a close frame's reason: what a control frame has room for behind the code (RFC 6455 section 5.5). */
export const maxReasonBytes = 123;

/** Packs a path: its bytes. */
export function encodePath(path: string): Uint8Array {
  return Buffer.from(path, 'latin1');
}

/** Unpacks a path, as a binary string. */
export function decodePath(payload: Uint8Array): string {
  return latin1(payload);
}

/** Packs a farewell: `u16 code | reason`. The reason is a binary string. */
export function encodeFarewell(code: number, reason: string): Uint8Array {
  const target = Buffer.allocUnsafe(2 + reason.length);
  target.writeUInt16LE(code, 0);
  target.write(reason, 2, 'latin1');
  return target;
}

/** Unpacks a farewell; the reason is a copy. */
export function decodeFarewell(payload: Uint8Array): Farewell {
  return {
    code: (payload[0] ?? 0) | ((payload[1] ?? 0) << 8),
    reason: Uint8Array.prototype.slice.call(payload, 2),
  };
}

/** Bytes as a binary string: one UTF-16 unit a byte. */
export function latin1(bytes: Uint8Array): string {
  const buffer =
    bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('latin1');
}
