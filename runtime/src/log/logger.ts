import type { Log, LogFields } from '../ext.ts';
import { formatJson } from './json.ts';
import { reaches, type Level } from './level.ts';
import { Output, type Destination } from './output.ts';
import { prettyFormat } from './pretty.ts';
import type { Format, LogRecord } from './record.ts';
import { formatText } from './text.ts';

/** How log lines look: for people, for machines, or as the Go host writes them. */
export const LOG_FORMATS = ['pretty', 'json', 'text'] as const;

export type LogFormat = (typeof LOG_FORMATS)[number];

export interface LoggerOptions {
  /** Default: `pretty` when the destination is a terminal, otherwise `text`. */
  readonly format?: LogFormat | undefined;
  /** Records below it are not written. Default `info`. */
  readonly level?: Level | undefined;
  /** Default: standard output. */
  readonly destination?: Destination;
  /** Environment: `NO_COLOR` with any value turns colours off (https://no-color.org). Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Told every record that is written, before its line is. MUST NOT throw. */
  readonly tap?: (record: LogRecord) => void;
  /** Unix time in milliseconds. Default `Date.now`. */
  readonly clock?: () => number;
}

/** A log that can be emptied before the process ends. */
export interface Logger extends Log {
  readonly format: LogFormat;
  /** Whether records of this level are written: for fields that are dear to collect. */
  enabled(level: Level): boolean;
  /** Settles when everything was written, or after `timeoutMs` (default 2,000): false if something is left. */
  flush(timeoutMs?: number): Promise<boolean>;
  /** The same, blocking: for the last moment of a process only. Default 500 ms. */
  flushSync(timeoutMs?: number): void;
}

/**
 * Makes a log. Writing to it never blocks and never throws: a reader that is too slow costs lines, which
 * are counted and told of in a line `log lines dropped` once there is room.
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const threshold = options.level ?? 'info';
  const clock = options.clock ?? Date.now;
  const env = options.env ?? process.env;
  const destination =
    options.destination ??
    new Output({
      droppedLine: (count) =>
        format({ time: clock(), level: 'warn', message: 'log lines dropped', fields: { count } }),
      failed: ({ message }) => {
        // It may be the same terminal, and gone as well.
        process.stderr.once('error', () => {});
        process.stderr.write(`pulp: cannot write the log to stdout: ${message}\n`);
      },
    });
  const name = options.format ?? (destination.isTerminal ? 'pretty' : 'text');
  const format = formatNamed(name, destination.isTerminal && (env['NO_COLOR'] ?? '') === '');

  const write = (level: Level, message: string, fields: LogFields = {}): void => {
    if (!reaches(level, threshold)) return;
    const record = { time: clock(), level, message, fields };
    options.tap?.(record);
    destination.write(format(record));
  };
  return {
    format: name,
    debug: (message, fields) => write('debug', message, fields),
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
    enabled: (level) => reaches(level, threshold),
    flush: (timeoutMs = 2_000) => destination.flush(timeoutMs),
    flushSync: (timeoutMs = 500) => destination.flushSync(timeoutMs),
  };
}

/** The format of a name; colours are for `pretty` alone. */
export function formatNamed(name: LogFormat, colour: boolean): Format {
  if (name === 'pretty') return prettyFormat({ colour });
  return name === 'json' ? formatJson : formatText;
}
