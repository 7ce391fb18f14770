/** What the head of a request may have: above it the client gets 431. */
export interface HeadLimits {
  readonly maxBytes: number;
  /** Undefined where the bytes alone count. */
  readonly maxLines?: number;
}

/** Bytes of a head while there are few connections. */
export const maxHeaderBytes = 64 * 1024;
/** From so many connections on, further ones may have less. */
export const manyConnections = 256;
/** Bytes of a head on those. */
export const maxHeaderBytesOfMany = 16 * 1024;
/** Lines of a head on those. */
export const maxHeaderLinesOfMany = 128;

const few: HeadLimits = { maxBytes: maxHeaderBytes };
const many: HeadLimits = { maxBytes: maxHeaderBytesOfMany, maxLines: maxHeaderLinesOfMany };

/**
 * The limits of a connection that comes while there are so many others. What has come of a head is held outside of any
 * count until it is whole, and a line takes far more memory than its bytes: not every client may have the most of it.
 */
export function headLimits(connections: number): HeadLimits {
  return connections < manyConnections ? few : many;
}
