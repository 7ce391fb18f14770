/**
 * What `proc_exit` throws, to unwind the guest. It is no Error, as nothing went wrong in the host, and so that
 * no stack trace is collected.
 */
export class ProcExit {
  /** The guest's exit code, a u32. */
  readonly code: number;

  constructor(code: number) {
    this.code = code;
  }
}
