/** The time, and how to be woken: tests have one of their own. */
export interface Clock {
  /** Milliseconds since 1970. It may be set, back too. */
  now(): number;
  /** Calls back once after so many milliseconds, which no setting of the clock changes. */
  wake(ms: number, call: () => void): Disposable;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  wake(ms, call) {
    const timer = setTimeout(call, ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
