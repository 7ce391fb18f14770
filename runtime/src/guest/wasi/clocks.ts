/** Ids of the clocks of WASI preview 1. */
export const clockId = { realtime: 0, monotonic: 1, processCpu: 2, threadCpu: 3 } as const;

/** Where time comes from. Tests bring their own. */
export interface TimeSource {
  /** Milliseconds since 1970, whole ones. */
  wall(): number;
  /** Nanoseconds since some fixed point. */
  monotonic(): bigint;
  /**
   * What the monotonic clock lacks to the wall clock, in nanoseconds: a first estimate, which is corrected to
   * the millisecond whenever the time is asked for.
   */
  offset(): bigint;
  /** Microseconds of processor time that this thread has used. */
  cpu(): number;
}

export const systemTime: TimeSource = {
  wall: () => Date.now(),
  monotonic: () => process.hrtime.bigint(),
  offset: () => {
    // Measured in microseconds when the thread began, and not followed since.
    const microseconds = Math.round((performance.timeOrigin + performance.now()) * 1000);
    return BigInt(microseconds) * 1000n - process.hrtime.bigint();
  },
  cpu: () => {
    const { user, system } = process.threadCpuUsage();
    return user + system;
  },
};

const millisecond = 1_000_000n;

/** The clocks of a guest, in nanoseconds. */
export class Clocks {
  readonly #source: TimeSource;
  /** What the monotonic clock lacks to the wall clock. */
  #offset: bigint;

  constructor(source: TimeSource) {
    this.#source = source;
    this.#offset = source.offset();
  }

  /** The time of a clock, or undefined if there is none with this id. */
  now(id: number): bigint | undefined {
    switch (id) {
      case clockId.realtime:
        return this.realtime();
      case clockId.monotonic:
        return this.monotonic();
      // A process is what shares a memory: to the guest, that is its own thread.
      case clockId.processCpu:
      case clockId.threadCpu:
        return BigInt(Math.round(this.#source.cpu())) * 1000n;
      default:
        return undefined;
    }
  }

  /** The smallest step of a clock, or undefined if there is none with this id. */
  resolution(id: number): bigint | undefined {
    if (id === clockId.realtime || id === clockId.monotonic) return 1n;
    return id === clockId.processCpu || id === clockId.threadCpu ? 1000n : undefined;
  }

  monotonic(): bigint {
    return this.#source.monotonic();
  }

  /**
   * The system says whole milliseconds only. Guests order and name things by finer ones, so the monotonic clock
   * fills in the rest; the result never leaves the millisecond that the system says, and so follows it when it
   * is set.
   */
  realtime(): bigint {
    const monotonic = this.#source.monotonic();
    const first = BigInt(this.#source.wall()) * millisecond;
    const last = first + millisecond - 1n;
    const now = monotonic + this.#offset;
    if (now < first) this.#offset += first - now;
    else if (now > last) this.#offset -= now - last;
    return monotonic + this.#offset;
  }
}
