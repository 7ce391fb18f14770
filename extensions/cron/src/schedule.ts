import { Cron } from 'croner';

/** A schedule as a manifest has it. Plain data: options are compared at a reload. */
export interface ScheduleOptions {
  readonly name: string;
  readonly cron: string;
  /** IANA name of a time zone. */
  readonly timezone: string;
}

/** When something runs. Times are milliseconds since 1970, on full seconds. */
export class Schedule {
  readonly name: string;
  readonly #cron: Cron;

  /** Throws an Error, in words for the author of a manifest, when the pattern or the time zone is none. */
  constructor({ name, cron, timezone }: ScheduleOptions) {
    this.name = name;
    try {
      // Without a function it runs nothing by itself.
      this.#cron = new Cron(cron, { timezone, mode: '5-or-6-parts', paused: true });
    } catch (error) {
      throw new Error(reasonOf(error), { cause: error });
    }
  }

  /** The first run after that time; undefined when none ever comes. */
  after(time: number): number | undefined {
    return this.#cron.nextRun(new Date(time))?.getTime();
  }

  /** The last run until that time; undefined when there was none. */
  lastUntil(time: number): number | undefined {
    // A run in the same second counts as earlier than a time within it.
    return this.#cron.previousRuns(1, new Date(time + 1))[0]?.getTime();
  }
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^\w+: /, '');
}
