/** Type of the extension that MessagePack defines for points in time. */
export const timestampType = -1;

/**
 * A point in time as MessagePack has it: whole seconds since 1970 UTC, negative before, and nanoseconds that
 * are always added to them (0 to 999,999,999).
 */
export class Timestamp {
  readonly seconds: bigint;
  readonly nanoseconds: number;

  /** Throws RangeError when seconds do not fit into int64 or nanoseconds are not 0 to 999,999,999. */
  constructor(seconds: bigint, nanoseconds = 0) {
    if (BigInt.asIntN(64, seconds) !== seconds) {
      throw new RangeError(`timestamp seconds ${seconds} do not fit into 64 bits`);
    }
    if (!Number.isInteger(nanoseconds) || nanoseconds < 0 || nanoseconds > 999_999_999) {
      throw new RangeError(`timestamp nanoseconds ${nanoseconds} are not an integer from 0 to 999999999`);
    }
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
  }

  /** Throws RangeError for an invalid date. */
  static from(date: Date): Timestamp {
    const milliseconds = date.getTime();
    if (Number.isNaN(milliseconds)) throw new RangeError('an invalid Date is not a point in time');
    const seconds = Math.floor(milliseconds / 1000);
    return new Timestamp(BigInt(seconds), (milliseconds - seconds * 1000) * 1_000_000);
  }
}
