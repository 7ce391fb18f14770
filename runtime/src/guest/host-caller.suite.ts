/** Guests that call one host function, and host functions that remember their calls. */
import type { AnyHostFunction } from './bind.ts';
import type { HostImport } from './bound-guest.suite.ts';
import { type GuestParts, guestText, pulpImport } from './guest-text.suite.ts';

export const end = 65_536;

export interface Call {
  readonly args: readonly (readonly number[] | number | bigint)[];
}

/** A host function that remembers what it was called with. */
export function remembers(fn: AnyHostFunction = () => undefined): { calls: Call[]; fn: AnyHostFunction } {
  const calls: Call[] = [];
  return {
    calls,
    fn: (...args) => {
      calls.push({ args: args.map((arg) => (arg instanceof Uint8Array ? [...arg] : arg)) });
      return fn(...args);
    },
  };
}

/** The parameters of an import of module `pulp`, by its host signature. */
export function paramsOf({ params, optional = [] }: HostImport): string {
  const wasm = {
    in: 'i32 i32',
    'in?': 'i32 i32',
    out: 'i32 i32',
    u32: 'i32',
    u64: 'i64',
    f64: 'f64',
  } as const;
  return [...params, ...optional].map((param) => wasm[param]).join(' ');
}

/** A guest that calls `f` with these arguments in each of its exports `call0`, `call1` … */
export function caller(
  host: HostImport,
  calls: readonly (readonly string[])[],
  parts: GuestParts = {},
): string {
  const exports = calls.map(
    (args, index) => `(func (export "call${index}") (result i32) (call $f ${args.join(' ')}))`,
  );
  return guestText({
    ...parts,
    imports: `${pulpImport('f', paramsOf(host))} ${parts.imports ?? ''}`,
    fields: `(data (i32.const 16) "hello") ${exports.join(' ')} ${parts.fields ?? ''}`,
  });
}

/** Needs some stack of its own. */
export function work(): Uint8Array {
  return Buffer.from(JSON.stringify({ some: ['work', 1, 2, 3] }));
}

/** Pointers and lengths as constants. */
export function i32s(...values: readonly number[]): string[] {
  return values.map((value) => `(i32.const ${value})`);
}
