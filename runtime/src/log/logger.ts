import type { Log, LogFields } from '../ext.ts';
import { formatJson } from './json.ts';
import { reaches, type Level } from './level.ts';
import { Output, type Destination } from './output.ts';
import { prettyFormat } from './pretty.ts';
import type { Format } from './record.ts';
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
  const line = (level: Level, message: string, fields: LogFields): string =>
    format({ time: clock(), level, message, fields });

  const destination =
    options.destination ??
    new Output({
      droppedLine: (count) => line('warn', 'log lines dropped', { count }),
      failed: ({ message }) =>
        void process.stderr.write(`pulp: cannot write the log to stdout: ${message}\n`),
    });
  const name = options.format ?? (destination.isTerminal ? 'pretty' : 'text');
  const format = formatNamed(name, destination.isTerminal && (env['NO_COLOR'] ?? '') === '');

  const write = (level: Level, message: string, fields: LogFields = {}): void => {
    if (reaches(level, threshold)) destination.write(line(level, message, fields));
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

function formatNamed(name: LogFormat, colour: boolean): Format {
  if (name === 'pretty') return prettyFormat({ colour });
  return name === 'json' ? formatJson : formatText;
}
