import type { Clock } from './clock.ts';

/** A clock that goes when it is told to. */
export class FakeClock implements Clock {
  #now: number;
  /** Time that has really passed: settings do not change it. */
  #passed = 0;
  #timers: { readonly at: number; readonly call: () => void }[] = [];

  constructor(now: string) {
    this.#now = Date.parse(now);
  }

  /** How many wait to be called. */
  get timers(): number {
    return this.#timers.length;
  }

  now(): number {
    return this.#now;
  }

  wake(ms: number, call: () => void): Disposable {
    const timer = { at: this.#passed + ms, call };
    this.#timers.push(timer);
    return { [Symbol.dispose]: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  /** Lets time pass, and calls what is due in its order. */
  pass(ms: number): void {
    const end = this.#passed + ms;
    for (;;) {
      const [next] = this.#timers.toSorted((one, other) => one.at - other.at);
      if (next === undefined || next.at > end) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#advance(Math.max(0, next.at - this.#passed));
      next.call();
    }
    this.#advance(end - this.#passed);
  }

  /** Sets the clock, as somebody at the machine does, or passes over a time in which the machine slept. */
  set(now: string): void {
    this.#now = Date.parse(now);
  }

  #advance(ms: number): void {
    this.#now += ms;
    this.#passed += ms;
  }
}

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;
