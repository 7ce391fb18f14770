import { z } from 'zod';
import { Schedule, type ScheduleOptions } from './schedule.ts';

/** Schedules that a plugin may have. */
export const maxSchedules = 100;
/** Characters of a schedule's name. */
export const maxNameLength = 64;
/** Characters of a pattern. */
export const maxPatternLength = 256;

const pattern = z
  .string()
  .max(maxPatternLength)
  .transform((text) => text.trim().replaceAll(/\s+/g, ' '))
  // The library takes what has a colon in it as a date, and would run it once.
  .refine((text) => /^@\w+$/.test(text) || /^[^\s:]+(?: [^\s:]+){4,5}$/.test(text), {
    error:
      'expected five fields (minute, hour, day, month, weekday), six with seconds first, or a name such as @daily',
  });

const timezone = z
  .string()
  .refine(isTimezone, { error: 'is not the name of a time zone, such as "Europe/Berlin"' });

const entry = z.union([pattern, z.strictObject({ cron: pattern, timezone: timezone.optional() })], {
  error: 'expected a pattern such as "0 3 * * *", or { cron = "0 3 * * *", timezone = "Europe/Berlin" }',
});

/** A schedule without the time zone of all. */
export interface GivenSchedule extends Omit<ScheduleOptions, 'timezone'> {
  readonly timezone?: string | undefined;
}

/** The keys of `[cron]`. */
export const options = {
  /** Of schedules that name none of their own. */
  timezone: timezone.default('UTC'),
  schedules: z
    // `z.record` would pass over the name `__proto__` without a word.
    .custom<Readonly<Record<string, unknown>>>(isTable, {
      error: 'expected a table of schedules: [cron.schedules] with name = "0 3 * * *"',
    })
    .transform((table, context): readonly GivenSchedule[] => {
      const names = Object.keys(table);
      if (names.length === 0) context.addIssue('has no schedule; add one, such as nightly = "0 3 * * *"');
      if (names.length > maxSchedules) {
        context.addIssue(`has ${names.length} schedules; at most ${maxSchedules} are possible`);
        return [];
      }
      const read = names.map((name) => readEntry(name, table[name]));
      // Only up to the first: to know that a pattern never comes takes up to 40 ms, in which the host stands still.
      const never = read.findIndex(
        ({ schedule }) => schedule !== undefined && schedule.after(Date.now()) === undefined,
      );
      for (const [index, { fault }] of read.entries()) {
        const message = index === never ? 'never comes: no date is like that' : fault;
        if (message !== undefined) context.addIssue({ code: 'custom', message, path: [names[index] ?? ''] });
      }
      return read.flatMap(({ value = [] }) => value);
    }),
};

interface Read {
  readonly value?: GivenSchedule;
  readonly schedule?: Schedule;
  readonly fault?: string;
}

function readEntry(name: string, given: unknown): Read {
  if (!/^[\w.-]+$/.test(name) || name.length > maxNameLength) {
    return { fault: `a name has letters, digits, "_", "-" and ".", at most ${maxNameLength} of them` };
  }
  const parsed = typeof given === 'string' ? pattern.safeParse(given) : entry.safeParse(given);
  if (!parsed.success) return { fault: parsed.error.issues[0]?.message ?? 'is no schedule' };
  const { data } = parsed;
  const value: GivenSchedule = typeof data === 'string' ? { name, cron: data } : { name, ...data };
  try {
    // The zone of all may be wrong, which is a problem of its own.
    return { value, schedule: new Schedule({ ...value, timezone: value.timezone ?? 'UTC' }) };
  } catch (error) {
    return { fault: (error as Error).message };
  }
}

function isTable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
