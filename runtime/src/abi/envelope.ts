/** Bytes of the header before the payload of a step (contract section 2). */
export const envelopeBytes = 20;

/** The header of what `pulp_step` receives. */
export interface Envelope {
  /** How many steps this instance has had before: 0, 1, 2 … A safe integer. */
  readonly callNumber: number;
  /** Wall-clock time in nanoseconds since 1970, UTC. */
  readonly wallTimeNs: bigint;
  /** Bytes of the payload that follows; 0 makes the step a tick. Less than 2^32. */
  readonly payloadLength: number;
}

/**
 * Writes the 20-byte header, little-endian, at `offset`. The caller makes sure of the room: a `DataView` of
 * the guest's memory throws RangeError beyond its end.
 */
export function writeEnvelope(view: DataView, offset: number, envelope: Envelope): void {
  const { callNumber, wallTimeNs, payloadLength } = envelope;
  view.setUint32(offset, callNumber, true);
  view.setUint32(offset + 4, Math.floor(callNumber / 0x1_0000_0000), true);
  view.setBigUint64(offset + 8, wallTimeNs, true);
  view.setUint32(offset + 16, payloadLength, true);
}
