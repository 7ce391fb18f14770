import { encode, type Encodable } from '../abi/msgpack/value.ts';
import { Timestamp } from '../abi/msgpack/timestamp.ts';
import type { ProblemList } from './manifest-error.ts';
import { type KeyPath, keyOf } from './shown.ts';
import { isList, isTable, isTime, kindOf, type TomlTime, type TomlValue } from './toml.ts';

const nanosecondsPerSecond = 1_000_000_000n;

/**
 * The `[config]` table as `pulp_init` gets it: MessagePack with integers as int64, floats as float64 and
 * datetimes as timestamps, local ones taken as UTC (contract section 3). No table, or one with nothing in it,
 * is no bytes at all.
 *
 * An integer that does not fit into 64 bits and a time without a date are problems: MessagePack has no form
 * for them.
 */
export function encodeConfig(config: TomlValue | undefined, problems: ProblemList): Uint8Array {
  const empty = new Uint8Array();
  if (config === undefined) return empty;
  if (!isTable(config)) {
    problems.add('config', `expected a table, found ${kindOf(config)}`);
    return empty;
  }
  if (Object.keys(config).length === 0) return empty;
  const before = problems.all.length;
  const value = toEncodable(config, ['config'], problems);
  if (problems.all.length > before) return empty;
  // A copy in a buffer of its own: the spec is sent to a thread, and a small Buffer is a view of a shared pool.
  return new Uint8Array(encode(value, { integers: 'int64' }));
}

/** Recursion is bounded by the parser's `maxNesting`. */
function toEncodable(value: TomlValue, path: KeyPath, problems: ProblemList): Encodable {
  if (typeof value === 'bigint') {
    if (BigInt.asIntN(64, value) === value) return value;
    problems.add(keyOf(path), 'the integer does not fit into 64 bits');
    return 0n;
  }
  if (isTime(value)) {
    if (!(value instanceof Temporal.PlainTime)) return toTimestamp(value);
    problems.add(keyOf(path), 'a time needs a date beside it; write it as a string, or add the date');
    return null;
  }
  if (isList(value)) return value.map((entry, index) => toEncodable(entry, [...path, index], problems));
  if (!isTable(value)) return value;
  return new Map(
    Object.entries(value).map(([key, entry]) => [key, toEncodable(entry, [...path, key], problems)]),
  );
}

function toTimestamp(time: Exclude<TomlTime, Temporal.PlainTime>): Timestamp {
  const zoned = time instanceof Temporal.ZonedDateTime ? time : time.toZonedDateTime('UTC');
  const nanoseconds = zoned.epochNanoseconds;
  // The remainder is added to the seconds, so these are rounded down before 1970, too.
  const rest = ((nanoseconds % nanosecondsPerSecond) + nanosecondsPerSecond) % nanosecondsPerSecond;
  return new Timestamp((nanoseconds - rest) / nanosecondsPerSecond, Number(rest));
}
