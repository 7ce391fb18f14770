/** A log line's keys and values, as text. `msg`, `level` and `time` are among them. */
export type LogLine = Readonly<Record<string, string>>;

const pair = /([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))/g;

/** Reads a line of the log format `text`. Escapes that the host writes for unprintable bytes stay as they are. */
export function parseLogfmt(line: string): LogLine {
  const fields: Record<string, string> = {};
  for (const [, key = '', quoted, bare = ''] of line.matchAll(pair)) {
    fields[key] = quoted === undefined ? bare : quoted.replace(/\\(["\\])/g, '$1');
  }
  return fields;
}
