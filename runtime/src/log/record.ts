import type { LogFields } from '../ext.ts';
import type { Level } from './level.ts';

/** One thing that happened, as formats are given it. */
export interface LogRecord {
  /** Unix time in milliseconds. */
  readonly time: number;
  readonly level: Level;
  readonly message: string;
  readonly fields: LogFields;
}

/** The value of a field that is there. */
export type FieldValue = NonNullable<LogFields[string]>;

/**
 * Writes a record as one line, newline included. A format MUST make control characters harmless: messages
 * and values can come from guests and from the network, and a line is often shown on a terminal.
 */
export type Format = (record: LogRecord) => string;

/** The fields that are there, in the order in which they were given. */
export function* presentFields(fields: LogFields): Generator<[key: string, value: FieldValue]> {
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) yield [key, value];
  }
}
