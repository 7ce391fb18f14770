import { Writer } from './msgpack/writer.ts';

/**
 * What comes before the per-kind map in a `StepEvent {kind, payload}`: the map header, both keys and the kind.
 * It is the same for every event of a kind, so it is made once. The per-kind map follows as it is, as a nested
 * value (contract section 1): a guest built for the Go host cannot decode anything else.
 */
export function eventPrefix(kind: string): Uint8Array {
  const writer = new Writer(64);
  writer.map(2);
  writer.utf8('kind');
  writer.utf8(kind);
  writer.utf8('payload');
  return writer.take();
}

/**
 * The `bin` header for a payload of `length` bytes, in its smallest form. A plugin with
 * `event_payload = "bin"` in its manifest gets it between {@link eventPrefix} and the per-kind map.
 *
 * Throws RangeError when the length does not fit into 32 bits.
 */
export function binHeader(length: number): Uint8Array {
  const writer = new Writer(8);
  writer.binaryHeader(length);
  return writer.take();
}
