import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';

/** Result codes of SQLite that say that the file is not what it should be: CORRUPT and NOTADB. */
const damaged: ReadonlySet<number> = new Set([11, 26]);

/** The code for a database that cannot grow: FULL. */
const full = 13;

/** What went wrong in SQLite, as the guest is told it: code 5 and the text. */
export class SqlFailure extends Failure {
  /** Whether the database file is damaged: no fault of the statement. */
  readonly damaged: boolean;

  constructor(message: string, options: { readonly damaged?: boolean; readonly cause?: unknown } = {}) {
    super(Code.failed, message, { cause: options.cause });
    this.damaged = options.damaged ?? false;
  }
}

/** SQLite's own code of an error that `node:sqlite` threw, without its extension; undefined for other errors. */
export function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined;
  return error.errcode & 0xff;
}

/** An error that `node:sqlite` threw for a statement, as a failure; what is no error of SQLite's stays as it is. */
export function sqlFailure(error: unknown): unknown {
  const code = resultCode(error);
  if (code === undefined || !(error instanceof Error)) return error;
  const where = code === full ? ' (max_bytes and max_temp_bytes of the manifest bound it)' : '';
  return new SqlFailure(`${error.message}${where}`, { damaged: damaged.has(code), cause: error });
}
