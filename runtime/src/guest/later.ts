/** A value that is there now, or later. */
export type Later<T> = T | Promise<T>;

/**
 * Goes on with a value at once when it is there, otherwise when it comes. One text serves guests that are
 * entered directly, for which a promise would cost more than the call, and those that may be suspended.
 */
export function chain<T, R>(value: Later<T>, next: (value: T) => Later<R>): Later<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
