import { escapeUnprintable } from './escape.ts';
import { presentFields, type FieldValue, type LogRecord } from './record.ts';

/** What slog's TextHandler leaves without quotes, as one look at the usual case: visible ASCII but `"` and `=`. */
const BARE_ASCII = /^[!#-<>-~]+$/;

/** The same for all of Unicode. U+FFFD stands for bytes that were not UTF-8, which slog quotes. */
const BARE = /^(?:(?!["=\u{fffd}])[\p{L}\p{M}\p{N}\p{P}\p{S}])+$/u;

/**
 * The format `text`: logfmt as the TextHandler of Go's log/slog writes it, so that what reads the logs of
 * the Go host reads these (contract section 9). Times are UTC, in milliseconds. One difference: slog lets
 * DEL (0x7f) through, which is escaped here.
 */
export function formatText(record: LogRecord): string {
  let line = `time=${new Date(record.time).toISOString()} level=${record.level.toUpperCase()} msg=${quote(record.message)}`;
  for (const [key, value] of presentFields(record.fields)) line += ` ${quote(key)}=${formatValue(value)}`;
  return `${line}\n`;
}

/** A value as slog prints it: quoted only where needed, a list as Go prints one (`[a b]`). */
export function formatValue(value: FieldValue): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'object') return quote(`[${value.join(' ')}]`);
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}

function quote(text: string): string {
  if (BARE_ASCII.test(text) || BARE.test(text)) return text;
  return `"${escapeUnprintable(text.replace(/["\\]/g, String.raw`\$&`))}"`;
}
