/**
 * Freezes a value with all that it consists of, and gives it back. Only lists and plain objects are frozen:
 * bytes cannot be, and objects of a class have state of their own to keep.
 */
export function deepFreeze<T>(value: T, seen = new Set<unknown>()): T {
  if (typeof value !== 'object' || value === null || seen.has(value)) return value;
  seen.add(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  const plain = prototype === null || prototype === Object.prototype;
  if (value instanceof Map) {
    for (const entry of value.values()) deepFreeze(entry, seen);
  } else if (plain || Array.isArray(value)) {
    for (const entry of Object.values(value)) deepFreeze(entry, seen);
    Object.freeze(value);
  }
  return value;
}
