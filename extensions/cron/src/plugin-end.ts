import { encode, type Event, type Log, type Outcome, type PluginEnd, type Port } from 'pulp-runtime/ext';
import type { Clock } from './clock.ts';
import type { GivenSchedule } from './options.ts';
import { Schedule } from './schedule.ts';
import { type Run, Timetable } from './timetable.ts';

/** Kinds of events, in their order. */
export const events = ['cron.tick'] as const;

/** How soon a run that was not taken is tried again, in milliseconds. */
const retryMs = 1000;

/** How often missed runs of a plugin are logged at most, in milliseconds. */
const logMs = 60_000;

export interface CronOptions {
  readonly timezone: string;
  readonly schedules: readonly GivenSchedule[];
}

/** What is known of a schedule's runs. */
interface Line {
  readonly name: string;
  /** The run that waits: for an instance, for room, or for the end of the one before it. There is one at most. */
  waiting: number | undefined;
  /** Whether an event of this schedule is not finished. */
  busy: boolean;
  /** Runs since the last tick that reached the plugin, which were overtaken by a later one. */
  missed: number;
}

export interface CronPluginOptions {
  readonly port: Port<CronOptions>;
  readonly log: Log;
  readonly clock: Clock;
}

/**
 * The schedules of a plugin. Each has one event unfinished at most and one run waiting: a later one takes its place, and
 * then it was missed. So a run that falls into a restart is not lost, and a slow plugin does not pile them up.
 */
export class CronPlugin implements PluginEnd {
  readonly #port: Port<CronOptions>;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #timetable: Timetable;
  readonly #lines = new Map<string, Line>();
  #retry: Disposable | undefined;
  #nextLog = 0;
  /** Missed runs that were not logged yet. */
  #unsaid = 0;

  constructor({ port, log, clock }: CronPluginOptions) {
    this.#port = port;
    this.#log = log;
    this.#clock = clock;
    const { schedules, timezone } = port.options;
    for (const { name } of schedules) {
      this.#lines.set(name, { name, waiting: undefined, busy: false, missed: 0 });
    }
    this.#timetable = new Timetable(
      schedules.map((given) => new Schedule({ ...given, timezone: given.timezone ?? timezone })),
      { clock, due: (run) => this.#due(run) },
    );
    port.scope.defer(() => this.#stop());
  }

  /** Nothing is due before the plugin has begun, and what is due while it is restarted waits. */
  ready(): void {
    this.#timetable.start();
  }

  resend(): void {
    this.#pushAll();
  }

  draining(): void {
    this.#stop();
  }

  closed(): void {
    this.#stop();
    for (const line of this.#lines.values()) line.waiting = undefined;
  }

  #stop(): void {
    this.#timetable.stop();
    this.#retry?.[Symbol.dispose]();
    this.#retry = undefined;
  }

  #due({ schedule, at, skipped }: Run): void {
    const line = this.#lines.get(schedule.name);
    if (line === undefined) return;
    this.#miss(line, skipped + (line.waiting === undefined ? 0 : 1));
    line.waiting = at;
    this.#push(line);
  }

  #push(line: Line): void {
    const { waiting: at, missed } = line;
    if (at === undefined || line.busy) return;
    const event: Event = {
      kind: 0,
      id: this.#port.nextId(),
      payload: encode(
        { name: line.name, scheduled_at: BigInt(at) * 1_000_000n, missed: BigInt(missed) },
        { integers: 'int64' },
      ),
      done: (outcome) => this.#done(line, { at, missed }, outcome),
    };
    if (!this.#port.push(event)) {
      this.#tryAgain();
      return;
    }
    line.waiting = undefined;
    line.busy = true;
  }

  #done(
    line: Line,
    { at, missed }: { readonly at: number; readonly missed: number },
    outcome: Outcome,
  ): void {
    line.busy = false;
    if (outcome === 'undelivered') {
      // Its turn comes in `resend`, unless a later run waits already.
      if (line.waiting === undefined) line.waiting = at;
      else this.#miss(line, 1);
      return;
    }
    line.missed -= missed;
    this.#push(line);
  }

  /**
   * `resend` comes with an instance, but not when a plugin takes events again that was only paused; and `drained` may
   * settle while that still takes none.
   */
  #tryAgain(): void {
    this.#retry ??= this.#clock.wake(retryMs, () => {
      this.#retry = undefined;
      this.#pushAll();
    });
  }

  #pushAll(): void {
    for (const line of this.#lines.values()) this.#push(line);
  }

  #miss(line: Line, count: number): void {
    if (count === 0) return;
    line.missed += count;
    this.#unsaid += count;
    const now = this.#clock.now();
    if (now < this.#nextLog && now > this.#nextLog - logMs) return;
    this.#nextLog = now + logMs;
    this.#log.warn('cron runs missed', {
      plugin: this.#port.plugin.name,
      schedule: line.name,
      runs: this.#unsaid,
    });
    this.#unsaid = 0;
  }
}
