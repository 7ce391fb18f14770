/**
 * What every host import returns to the guest, as a u32 (contract section 4).
 *
 * Which of them an import can return, and what exactly it means there, is said in the contract's table: a few
 * codes have one meaning for each subsystem, and those have one name here for each meaning.
 */
export const Code = {
  /** The host did what was asked. */
  ok: 0,
  /** An input that must not be empty has length 0. */
  empty: 1,
  /** A pointer range of an input is outside the guest's memory. */
  range: 2,
  /** An input cannot be decoded: not MessagePack, or not the struct that the import takes. */
  decode: 3,
  /** The subsystem refused: a path, an id, an address or a value that it does not allow. */
  refused: 4,
  /** The subsystem tried and failed: an I/O error, an SQL error, a limit, a result that cannot be encoded. */
  failed: 5,
  /** `storage.fs`: there is nothing at that path. */
  notFound: 6,
  /** `http_fetch`: the guest exports no `pulp_alloc` to place the result with. */
  noAllocator: 6,
  /** The guest's `pulp_alloc` gave null or a range outside its memory. */
  allocation: 7,
  /** An out-pointer is outside the guest's memory, so the result cannot be handed over. */
  write: 8,
  /** `pulp_call`: the target is unknown, or manifest `consumes` and `provides` do not allow the call. */
  notAllowed: 11,
  /** The manifest does not declare the capability. Looked at before anything else. */
  undeclared: 99,
} as const;

/** One of the contract's codes. */
export type Code = (typeof Code)[keyof typeof Code];
