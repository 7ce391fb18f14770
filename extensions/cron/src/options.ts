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
  .refine((text) => /^@\w+$/.test(text) || /^\S+(?: \S+){4,5}$/.test(text), {
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
    .record(z.string(), z.unknown(), {
      error: 'expected a table of schedules: [cron.schedules] with name = "0 3 * * *"',
    })
    .transform((table, context): readonly GivenSchedule[] => {
      const names = Object.keys(table);
      if (names.length === 0) context.addIssue('has no schedule; add one, such as nightly = "0 3 * * *"');
      if (names.length > maxSchedules) {
        context.addIssue(`has ${names.length} schedules; at most ${maxSchedules} are possible`);
        return [];
      }
      return names.flatMap((name) => {
        const { value, fault } = readEntry(name, table[name]);
        if (fault !== undefined) context.addIssue({ code: 'custom', message: fault, path: [name] });
        return value === undefined ? [] : [value];
      });
    }),
};

interface Read {
  readonly value?: GivenSchedule;
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
    const schedule = new Schedule({ ...value, timezone: value.timezone ?? 'UTC' });
    if (schedule.after(Date.now()) === undefined) return { fault: 'never comes: no date is like that' };
  } catch (error) {
    return { fault: (error as Error).message };
  }
  return { value };
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
