/** Kinds of flag values: how their text is read, and how help shows them. */
export interface ValueKind<T> {
  /** Stands for the value in help, such as `PORT`. */
  readonly placeholder: string;
  /** What the flag means when it stands alone; a flag without this needs a value. */
  readonly alone?: string;
  /** Reads the text of a flag or variable. Throws a {@link ValueError} that says what would have done. */
  readonly parse: (text: string) => T;
}

/** A text that cannot be such a value. The message completes `it must be …`. */
export class ValueError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ValueError';
  }
}

/** Any text but none. */
export function text(placeholder: string): ValueKind<string> {
  return {
    placeholder,
    parse(value) {
      if (value === '') throw new ValueError('a text that is not empty');
      return value;
    },
  };
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** A whole number from `min` to `max`. */
export function count(placeholder: string, { min, max }: Range): ValueKind<number> {
  return {
    placeholder,
    parse(value) {
      const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= min && number <= max) return number;
      throw new ValueError(`a whole number from ${min} to ${max}`);
    },
  };
}

/** Yes or no: the flag alone is yes, and its value, if any, comes after `=`, as Go's flags have it. */
export function toggle(): ValueKind<boolean> {
  return {
    placeholder: '',
    alone: 'true',
    parse(value) {
      if (/^(?:true|1|yes|on)$/i.test(value)) return true;
      if (/^(?:false|0|no|off)$/i.test(value)) return false;
      throw new ValueError('true or false');
    },
  };
}

/** One of a few words. */
export function choice<const C extends readonly string[]>(choices: C): ValueKind<C[number]> {
  return {
    placeholder: choices.join('|'),
    parse(value) {
      const found = choices.find((known) => known === value.toLowerCase());
      if (found !== undefined) return found;
      throw new ValueError(`one of ${choices.join(', ')}`);
    },
  };
}

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** The longest time that a timer of Node can wait: 2^31-1 ms, close to 25 days. */
const LONGEST_MS = 2 ** 31 - 1;

/** A time, read into milliseconds: `500ms`, `8s`, `1.5s`, `1m30s`, or milliseconds without a unit. */
export function duration({ min }: { readonly min: number }): ValueKind<number> {
  return {
    placeholder: 'TIME',
    parse(value) {
      const ms = readDuration(value.trim());
      if (ms >= min && ms <= LONGEST_MS) return ms;
      const least = min === 0 ? '' : ` of at least ${min}ms`;
      throw new ValueError(`a time${least} such as 500ms, 8s, 2m or plain milliseconds, 24 days at most`);
    },
  };
}

function readDuration(value: string): number {
  if (/^\d{1,10}$/.test(value)) return Number(value);
  if (!/^(?:\d{1,10}(?:\.\d{1,10})?(?:ms|s|m|h))+$/.test(value)) return Number.NaN;
  let ms = 0;
  for (const [, number = '', unit = ''] of value.matchAll(/([\d.]+)(ms|s|m|h)/g)) {
    ms += Number(number) * (MILLISECONDS[unit] ?? Number.NaN);
  }
  return Math.round(ms);
}

const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/** A size, read into bytes: `10MiB`, `512KiB`, `1.5MB`, or bytes without a unit. */
export function size({ min, max }: Range): ValueKind<number> {
  return {
    placeholder: 'SIZE',
    parse(value) {
      const [, number = '', unit = ''] = /^(\d{1,16}(?:\.\d{1,10})?) ?([a-z]*)$/i.exec(value.trim()) ?? [];
      const bytes =
        number === '' ? Number.NaN : Math.round(Number(number) * (BYTES[unit.toLowerCase()] ?? Number.NaN));
      if (bytes >= min && bytes <= max) return bytes;
      throw new ValueError(
        `a size such as 10MiB, 512KiB or plain bytes, from ${showSize(min)} to ${showSize(max)}`,
      );
    },
  };
}

/** A time as a flag takes it, in the largest unit that leaves a whole number: `8s`, `1500ms`. */
export function showDuration(ms: number): string {
  for (const unit of ['h', 'm', 's']) {
    const factor = MILLISECONDS[unit] ?? 1;
    if (ms >= factor && ms % factor === 0) return `${ms / factor}${unit}`;
  }
  return `${ms}ms`;
}

/** A size as a flag takes it, in the largest unit that leaves a whole number: `10MiB`. */
export function showSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB']) {
    const factor = BYTES[unit.toLowerCase()] ?? 1;
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return `${bytes}`;
}
