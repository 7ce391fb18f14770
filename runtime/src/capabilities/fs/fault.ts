import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';

/** An error of the system: what `node:fs` throws when a call fails. */
export interface SystemError extends Error {
  /** Such as `ENOENT`. */
  readonly code: string;
  readonly syscall: string;
}

/** Whether the system said no, and not the arguments or the host. */
export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}

/** Whether an error is this one of the system. */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return isSystemError(error) && codes.includes(error.code);
}

/**
 * Errors that say that something which is not a file or folder of the plugin's own stood there: a link that was
 * not followed, a FIFO without a reader, a device, a name that the file system does not take for one.
 */
const refusals: ReadonlySet<string> = new Set(['ELOOP', 'ENXIO', 'ENODEV', 'EILSEQ']);

/** Errors that are the machine's and not the guest's: an operator wants to know of them. */
const troubles: ReadonlySet<string> = new Set([
  'EDQUOT',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ENOSPC',
  'EROFS',
  'ESTALE',
]);

/** Whether an error of the system says that the machine is in trouble. */
export function isTrouble(error: unknown): error is SystemError {
  return isSystemError(error) && troubles.has(error.code);
}

export interface Attempt {
  /** What was being done, such as `reading "a/b"`. */
  readonly doing: string;
  /** Whether the guest asked for something that has to be there already: then what is missing is code 6. */
  readonly existing: boolean;
}

/**
 * What a guest is told of an error: a {@link Failure} as it is, an error of the system as 4, 5 or 6 with its name
 * and without the paths of the host. Everything else is thrown on.
 */
export function failureOf(error: unknown, { doing, existing }: Attempt): Failure {
  if (error instanceof Failure) return error;
  if (!isSystemError(error)) throw error;
  const reason = `${doing}: ${error.code}`;
  if (error.code === 'ENOENT' && existing) return new Failure(Code.notFound, reason, { cause: error });
  return new Failure(refusals.has(error.code) ? Code.refused : Code.failed, reason, { cause: error });
}
