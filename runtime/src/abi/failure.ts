/** What tells a failure: the same in every copy of this module that a process may have. */
const brand = Symbol.for('pulp.failure');

/**
 * A refusal with its contract code: thrown by host functions, it becomes what the guest's call returns.
 *
 * `instanceof Failure` holds across copies of this package, since an extension may have brought one of its own.
 */
export class Failure extends Error {
  /** What the guest gets: a code of the contract, section 3, or one of the capability's own. */
  readonly code: number;
  readonly [brand] = true;

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Failure';
    this.code = code;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // Of a class derived from it the usual rule holds.
    if (this !== Failure) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && brand in value;
  }
}
