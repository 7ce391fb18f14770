import { presentFields, type FieldValue, type LogRecord } from './record.ts';

/** Left raw by JSON.stringify, yet able to steer a terminal or to break a line. Raw line ends are its indentation. */
const UNSAFE = /(?!\n)[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/**
 * The format `json`: one object a line with `time`, `level`, `msg` and the fields, keys as the JSONHandler
 * of Go's log/slog names them. Integers beyond 2^53 stay exact; numbers that JSON lacks become strings.
 */
export function formatJson(record: LogRecord): string {
  let line = `{"time":"${new Date(record.time).toISOString()}","level":"${record.level.toUpperCase()}","msg":${string(record.message)}`;
  for (const [key, value] of presentFields(record.fields)) line += `,${string(key)}:${json(value)}`;
  return `${line}}\n`;
}

function json(value: FieldValue): string {
  if (typeof value === 'string') return string(value);
  if (typeof value === 'object') return `[${value.map(string).join(',')}]`;
  if (typeof value === 'number' && !Number.isFinite(value)) return string(String(value));
  return String(value);
}

/** The usual case, without one look at each character's properties. */
const PLAIN = /^[ -~]*$/;

function string(text: string): string {
  const quoted = JSON.stringify(text);
  return PLAIN.test(quoted) ? quoted : harmless(quoted);
}

/** JSON whose texts cannot steer a terminal: the same JSON, with more escapes. */
export function harmless(text: string): string {
  return text.replace(UNSAFE, escapeUnits);
}

function escapeUnits(character: string): string {
  let escaped = '';
  for (let i = 0; i < character.length; i++) {
    escaped += String.raw`\u` + character.charCodeAt(i).toString(16).padStart(4, '0');
  }
  return escaped;
}
