import { Failure } from './failure.ts';
import { Code } from './codes.ts';
import type { Field } from './field.ts';
import { Reader } from './msgpack/reader.ts';

export type Fields = Readonly<Record<string, Field<unknown>>>;

/** What a struct of these fields decodes to. */
export type Decoded<F extends Fields> = { -readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

export interface StructOptions {
  /** The struct's name in messages. */
  readonly name: string;
  /**
   * How many values an array-encoded struct may have; the number of fields unless given. A struct that grew
   * names the older number, too, since guests of then send as many.
   */
  readonly arrayLengths?: readonly number[];
}

/** One field, as the decoder looks for it. */
interface Plan {
  readonly name: string;
  readonly key: Uint8Array;
  readonly field: Field<unknown>;
}

/**
 * Makes the decoder of a struct that guests send (contract section 2): a map with the fields' names as keys,
 * or an array of all fields in their order here.
 *
 * Fields may be missing or nil (their initial value), in any order, or unknown (skipped); of a key given
 * twice the last counts; bytes behind the message are ignored. Everything else that is not as declared is a
 * {@link Failure} with code 3 that names struct, field and byte.
 *
 * The decoder is hot: one call for each answer of a plugin. Keys are compared as bytes, in the order that
 * encoders of structs write them, and no string is made of them.
 */
export function struct<const F extends Fields>(
  fields: F,
  options: StructOptions,
): (bytes: Uint8Array) => Decoded<F> {
  const plans: readonly Plan[] = Object.entries(fields).map(([name, field]) => ({
    name,
    key: Buffer.from(name),
    field,
  }));
  const initial = Object.fromEntries(plans.map(({ name, field }) => [name, field.initial]));
  const arrayLengths = options.arrayLengths ?? [plans.length];
  return (bytes) => {
    const values: Values = { ...initial };
    const reader = new Reader(bytes);
    const progress: Progress = { field: undefined };
    try {
      const kind = reader.kind();
      if (kind === 'map') readMap(reader, plans, values, progress);
      else if (kind === 'array') readArray(reader, plans, values, progress, arrayLengths);
      else throw new Failure(Code.decode, `expected a map, found ${kind}`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const where = progress.field === undefined ? options.name : `${options.name}.${progress.field}`;
      throw new Failure(error.code, `${where}: ${error.message}`, { cause: error });
    }
    // Each value came from its own field
    return values as Decoded<F>;
  };
}

type Values = Record<string, unknown>;

/** The field being read, for messages. */
interface Progress {
  field: string | undefined;
}

function readMap(reader: Reader, plans: readonly Plan[], values: Values, progress: Progress): void {
  let expected = 0;
  for (let left = reader.map(); left > 0; left--) {
    progress.field = undefined;
    const size = reader.span();
    const found = match(reader.input, reader.offset - size, size, plans, expected);
    const plan = plans[found];
    if (plan === undefined) {
      reader.skip();
      continue;
    }
    expected = found + 1;
    progress.field = plan.name;
    values[plan.name] = reader.isNil() ? plan.field.initial : plan.field.read(reader);
  }
}

function readArray(
  reader: Reader,
  plans: readonly Plan[],
  values: Values,
  progress: Progress,
  lengths: readonly number[],
): void {
  const count = reader.array();
  if (!lengths.includes(count)) {
    throw new Failure(Code.decode, `expected an array of ${lengths.join(' or ')} values, found ${count}`);
  }
  for (const plan of plans.slice(0, count)) {
    progress.field = plan.name;
    values[plan.name] = reader.isNil() ? plan.field.initial : plan.field.read(reader);
  }
}

/** Which field has this key, beginning with the one that is expected; the number of fields if none. */
function match(
  bytes: Uint8Array,
  start: number,
  size: number,
  plans: readonly Plan[],
  expected: number,
): number {
  const count = plans.length;
  for (let step = 0; step < count; step++) {
    const index = expected + step < count ? expected + step : expected + step - count;
    const plan = plans[index];
    if (plan !== undefined && equal(bytes, start, size, plan.key)) return index;
  }
  return count;
}

function equal(bytes: Uint8Array, start: number, size: number, key: Uint8Array): boolean {
  if (size !== key.length) return false;
  for (let index = 0; index < size; index++) {
    if (bytes[start + index] !== key[index]) return false;
  }
  return true;
}
