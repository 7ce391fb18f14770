import { Timestamp } from '../../abi/msgpack/timestamp.ts';

/**
 * A time as it is stored in text: SQLite's own forms that have a date, RFC 3339, and what the Go driver made
 * of a time (its zone as `-0500 EST`, perhaps with the monotonic clock behind it).
 */
const form =
  /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,20}))?)?(?: ?(Z|[+-]\d\d:\d\d)| ([+-]\d{4}) \S{1,8}(?: m=[+-]\d{1,20}(?:\.\d{1,20})?)?)?)?$/i;

/** No form is shorter or longer, so that most text is known not to be a time without a look into it. */
const shortest = 'YYYY-MM-DD'.length;
const longest = 96;

/** Declared types whose text is read as times, in lower case. */
const declared: ReadonlySet<string> = new Set(['date', 'datetime', 'timestamp']);

/** Whether text in a column of this declared type may be a time (contract section 8). */
export function isTimeType(type: string | null): boolean {
  return type !== null && declared.has(type.toLowerCase());
}

/** The time that a text stands for; undefined when it is none. A time without a zone is taken as UTC. */
export function parseTime(text: string): Timestamp | undefined {
  if (text.length < shortest || text.length > longest) return undefined;
  const found = form.exec(text);
  if (found === null) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone, goZone] = found;
  const days = daysSince1970(Number(year), Number(month), Number(day));
  if (days === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const offset = offsetSeconds(zone ?? goZone ?? 'Z');
  if (offset === undefined) return undefined;
  const seconds = days * 86_400 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - offset;
  return new Timestamp(BigInt(seconds), Number(fraction.slice(0, 9).padEnd(9, '0')));
}

/** `Z`, `+01:00` or `+0100` in seconds; undefined when it is no offset. */
function offsetSeconds(zone: string): number | undefined {
  if (zone.length === 1) return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(-2));
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60);
}

const monthLengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** Days from 1970-01-01 to a date of the Gregorian calendar; undefined when there is no such date. */
function daysSince1970(year: number, month: number, day: number): number | undefined {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const length = (monthLengths[month - 1] ?? 0) + (leap && month === 2 ? 1 : 0);
  if (day < 1 || day > length) return undefined;
  // Counted from the first of March, so that the leap day is a year's last.
  const shifted = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const leaps = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400);
  return shifted * 365 + leaps + dayOfYear - 719_468;
}

/** The years 0000 to 9999, which four digits can say, in seconds. */
const firstSecond = -62_167_219_200n;
const lastSecond = 253_402_300_799n;

/**
 * A time as it is stored (contract section 8): in UTC, as `2026-01-02 03:04:05.678+00:00`, with as many digits
 * behind the second as it needs. Undefined outside the years 0000 to 9999.
 */
export function formatTime({ seconds, nanoseconds }: Timestamp): string | undefined {
  if (seconds < firstSecond || seconds > lastSecond) return undefined;
  const iso = new Date(Number(seconds) * 1000).toISOString();
  const digits = String(nanoseconds).padStart(9, '0').replace(/0+$/, '');
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${digits === '' ? '' : `.${digits}`}+00:00`;
}
