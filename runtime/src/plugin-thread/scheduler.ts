import type { Bell } from '../link/bell.ts';
import type { Later } from '../guest/later.ts';
import type { Waits } from './waits.ts';

/** What takes turns in a plugin thread. */
export interface Task {
  /** Called when the running turn has to wait for the event loop. */
  parked: (() => void) | undefined;
  readonly ended: boolean;
  /** When it wants a turn even if nothing happens, on the clock of `performance.now()`. */
  readonly nextTick: number;
  due(now: number): boolean;
  /** One step. Never throws or rejects. */
  turn(now: number): Later<void>;
}

export interface SchedulerOptions {
  readonly bell: Bell;
  readonly waits: Waits;
  /** Whether a command waits. Asked in every round. */
  readonly commanded: () => boolean;
  /** Takes the commands that wait. */
  readonly command: () => void;
}

/**
 * How long the thread looks for work before it sleeps, once it has had some, in milliseconds: no longer than
 * that work took, unless it was so little that the client probably waits for it. Waking a thread costs more than
 * most steps, so a moment of looking is cheaper for both sides, but it takes a core from the edge under load;
 * bench/http.ts shows both.
 */
const lookMs = 0.3;
/** Up to so many steps are little work. */
const fewSteps = 2;
/** Looks between two looks at the clock. */
const looksAtOnce = 32;

/** How long the event loop of a thread with something pending may go without a turn, in milliseconds. */
const turnEveryMs = 1;

/**
 * Gives the guests of a thread their turns: one step at a time for each, round and round, so that none waits
 * for more than one step of every other.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  #tasks: Task[] = [];
  /** The task that had its turn last. */
  #last = -1;
  #now = 0;
  #lastTurn = 0;
  /** Steps for events since the thread rested, and when they began. */
  #steps = 0;
  #busySince = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  add(task: Task): void {
    this.#tasks = [...this.#tasks, task];
    this.#last = -1;
  }

  /** Forgets a task that has ended. */
  remove(task: Task): void {
    this.#tasks = this.#tasks.filter((other) => other !== task);
    this.#last = -1;
  }

  /** Runs for as long as the thread lives. */
  async run(): Promise<never> {
    // Node ends a thread whose loop holds nothing, also one that waits in Atomics.waitAsync.
    const alive = setInterval(() => undefined, 2 ** 31 - 1);
    try {
      for (;;) {
        if (this.#options.commanded()) this.#options.command();
        const round = this.#round();
        const ran = round instanceof Promise ? await round : round;
        if (ran) {
          if (this.#options.waits.pending > 0) await this.#turnLoop();
        } else {
          await this.#rest();
        }
      }
    } finally {
      clearInterval(alive);
    }
  }

  /** A turn for each task that is due, beginning behind the one that had its turn last. True when there was one. */
  #round(): Later<boolean> {
    const { waits } = this.#options;
    const tasks = this.#tasks;
    this.#now = performance.now();
    let ran = false;
    for (let count = tasks.length; count > 0; count--) {
      this.#last = this.#last + 1 < tasks.length ? this.#last + 1 : 0;
      const task = tasks[this.#last];
      // What the one before it took is not this one's.
      if (ran) this.#now = performance.now();
      if (task === undefined || !task.due(this.#now)) continue;
      ran = true;
      // A tick says nothing about when the next event comes.
      if (this.#now < task.nextTick) {
        if (this.#steps === 0) this.#busySince = this.#now;
        this.#steps += 1;
      }
      const { begun } = waits;
      const turn = task.turn(this.#now);
      // A wait that began before the promise was there could not park the task.
      if (turn instanceof Promise) return waits.begun === begun ? this.#over(task, turn) : true;
    }
    return ran;
  }

  /** Waits for a turn that gave a promise: until it is over, or until it waits for the event loop. */
  async #over(task: Task, turn: Promise<void>): Promise<true> {
    const { promise, resolve } = Promise.withResolvers<void>();
    task.parked = resolve;
    void turn.then(resolve);
    await promise;
    task.parked = undefined;
    return true;
  }

  /** Lets the event loop turn when it has not for a while. */
  async #turnLoop(): Promise<void> {
    if (this.#now - this.#lastTurn < turnEveryMs) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#lastTurn = performance.now();
  }

  /** Nothing was due: look a moment longer after work, then sleep until the bell or the next tick. */
  async #rest(): Promise<void> {
    if (this.#steps > 0 && this.#look()) return;
    const { bell, waits } = this.#options;
    let next = Number.POSITIVE_INFINITY;
    for (const task of this.#tasks) next = Math.min(next, task.nextTick);
    const timeout = Math.max(0, next - performance.now());
    if (waits.pending === 0) bell.wait(timeout, this.#hasWork);
    else {
      await bell.waitAsync(timeout, this.#hasWork);
      this.#lastTurn = performance.now();
    }
  }

  /** Looks for work for a moment. True when there is some. */
  #look(): boolean {
    const now = performance.now();
    const until = now + (this.#steps <= fewSteps ? lookMs : Math.min(lookMs, now - this.#busySince));
    this.#steps = 0;
    do {
      for (let look = 0; look < looksAtOnce; look++) if (this.#hasWork()) return true;
    } while (performance.now() < until);
    return false;
  }

  /** Ticks are not work: the time they are due at is slept towards. */
  readonly #hasWork = (): boolean => {
    if (this.#options.commanded()) return true;
    for (const task of this.#tasks) if (task.due(0)) return true;
    return false;
  };
}
