/**
 * Error numbers of WASI preview 1, as far as they are given here.
 *
 * @see wasi_snapshot_preview1.witx, `$errno`
 */
export const errno = {
  success: 0,
  badf: 8,
  fault: 21,
  inval: 28,
  nosys: 52,
  notdir: 54,
  notsock: 57,
  notsup: 58,
  spipe: 70,
  notcapable: 76,
} as const;
