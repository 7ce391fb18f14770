import { formatNamed, type LogFormat } from '../log/logger.ts';
import { LEVELS } from '../log/level.ts';
import type { LogFields } from '../ext.ts';

/** Puts a line of JSON, as the log of a host is kept, into another format; with its line end. */
export function logLine(json: string, format: LogFormat, colour: boolean): string {
  if (format === 'json') return `${json}\n`;
  const { time, level, msg, ...fields } = JSON.parse(json, exactly) as Readonly<Record<string, unknown>>;
  const record = {
    time: Date.parse(String(time)),
    level: LEVELS.find((known) => known === String(level).toLowerCase()) ?? 'info',
    message: String(msg),
    fields: fields as LogFields,
  };
  return formatNamed(format, colour)(record);
}

/** Integers that a number cannot be stay what they are. */
function exactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}
