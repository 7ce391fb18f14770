import type { Clock } from './clock.ts';
import type { Schedule } from './schedule.ts';

/** A run that is due. */
export interface Run {
  readonly schedule: Schedule;
  /** When it was to be, in milliseconds since 1970. */
  readonly at: number;
  /** Runs of the same schedule since the one told before this that were due as well, and are over. */
  readonly skipped: number;
}

/** Longest time without a look at the clock, in milliseconds: it may have been set, or the machine have slept. */
const lookMs = 60_000;

/** How far the clock may be set back without runs being computed anew, in milliseconds: none is told of twice. */
const setBackMs = 60 * 60_000;

/**
 * Runs that are counted when the clock has jumped ahead, shared out evenly among the schedules; what is beyond is not
 * told of. Each takes about 0.1 ms, in which the host stands still.
 */
export const maxCounted = 1000;

interface Entry {
  readonly schedule: Schedule;
  /** The next run; undefined when none comes any more. */
  due: number | undefined;
}

/** Tells which runs are due, each once, also when the clock jumps. */
export class Timetable {
  readonly #clock: Clock;
  readonly #due: (run: Run) => void;
  readonly #entries: readonly Entry[];
  /** Runs of one schedule that are counted at one time. */
  readonly #mostCounted: number;
  #timer: Disposable | undefined;
  #looked = 0;

  constructor(
    schedules: readonly Schedule[],
    { clock, due }: { readonly clock: Clock; readonly due: (run: Run) => void },
  ) {
    this.#clock = clock;
    this.#due = due;
    this.#entries = schedules.map((schedule) => ({ schedule, due: undefined }));
    this.#mostCounted = Math.floor(maxCounted / Math.max(1, schedules.length));
  }

  /** Begins with the runs after now. Again while it runs: nothing changes. */
  start(): void {
    if (this.#timer !== undefined) return;
    const now = this.#clock.now();
    for (const entry of this.#entries) entry.due = entry.schedule.after(now);
    this.#arm(now);
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  readonly #look = (): void => {
    const now = this.#clock.now();
    const setBack = now < this.#looked - setBackMs;
    for (const entry of this.#entries) {
      if (setBack) entry.due = entry.schedule.after(now);
      else if (entry.due !== undefined && entry.due <= now) this.#pass(entry, entry.due, now);
    }
    this.#arm(now);
  };

  /** Tells of the last run until now, and counts those before it. */
  #pass(entry: Entry, first: number, now: number): void {
    const { schedule } = entry;
    let at = first;
    let skipped = 0;
    let next = schedule.after(at);
    while (next !== undefined && next <= now && skipped < this.#mostCounted) {
      at = next;
      skipped += 1;
      next = schedule.after(at);
    }
    if (next !== undefined && next <= now) {
      at = schedule.lastUntil(now) ?? at;
      next = schedule.after(now);
    }
    entry.due = next;
    this.#due({ schedule, at, skipped });
  }

  #arm(now: number): void {
    this.#looked = now;
    const next = this.#entries.reduce((least, { due = Infinity }) => Math.min(least, due), Infinity);
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#clock.wake(Math.max(0, Math.min(next - now, lookMs)), this.#look);
  }
}
