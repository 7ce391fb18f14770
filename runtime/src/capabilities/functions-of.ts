import type { Capability, GuestEnd } from '../ext.ts';
import type { AnyHostFunction } from '../guest/bind.ts';

/** The functions of a guest end, by import. Throws, with the capability's name, when they are not those of its imports. */
export function functionsOf(
  { name, imports }: Capability,
  end: GuestEnd | undefined,
): ReadonlyMap<string, AnyHostFunction> {
  const given: Readonly<Record<string, unknown>> = end?.functions ?? {};
  const functions = new Map<string, AnyHostFunction>();
  for (const wanted of Object.keys(imports)) {
    const fn = Object.hasOwn(given, wanted) ? given[wanted] : undefined;
    if (typeof fn !== 'function') throw new Error(`${name}: its guest end has no function ${wanted}`);
    functions.set(wanted, fn as AnyHostFunction);
  }
  for (const extra of Object.keys(given)) {
    if (!functions.has(extra))
      throw new Error(`${name}: its guest end has a function ${extra}, which is none of its imports`);
  }
  return functions;
}
