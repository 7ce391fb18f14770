import { escapeUnprintable } from './escape.ts';
import type { Level } from './level.ts';
import { presentFields, type Format, type LogRecord } from './record.ts';
import { formatValue } from './text.ts';

const RESET = '\x1b[0m';
const DIM = '\x1b[2m';
const COLOURS: Readonly<Record<Level, string>> = {
  debug: '\x1b[35m',
  info: '\x1b[32m',
  warn: '\x1b[33m',
  error: '\x1b[31m',
};

export interface PrettyOptions {
  readonly colour: boolean;
}

/**
 * The format `pretty`, for people: local time, level, message, fields. A field `stack` is shown on lines of
 * its own, each behind a bar, so that no text in it can pass for a record.
 */
export function prettyFormat(options: PrettyOptions): Format {
  const paint = (colour: string, text: string): string =>
    options.colour ? `${colour}${text}${RESET}` : text;

  return (record: LogRecord): string => {
    const level = paint(COLOURS[record.level], record.level.toUpperCase().padEnd(5));
    let line = `${paint(DIM, localTime(record.time))} ${level} ${escapeUnprintable(record.message)}`;
    let stack = '';
    for (const [key, value] of presentFields(record.fields)) {
      if (key === 'stack' && typeof value === 'string') stack = block(value);
      else line += ` ${paint(DIM, `${escapeUnprintable(key)}=${formatValue(value)}`)}`;
    }
    return `${line}\n${stack === '' ? '' : paint(DIM, stack)}`;
  };
}

function block(text: string): string {
  let lines = '';
  for (const line of text.split('\n')) lines += `  | ${escapeUnprintable(line)}\n`;
  return lines;
}

function localTime(time: number): string {
  const date = new Date(time);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) =>
    String(n).padStart(2, '0'),
  );
  return `${clock.join(':')}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
