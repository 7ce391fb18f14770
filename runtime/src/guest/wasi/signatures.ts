import { ModuleError } from '../module-error.ts';
import type { ModuleInfo } from '../module.ts';

/** The module that WASI preview 1 is imported from. */
export const wasiModule = 'wasi_snapshot_preview1';

/** The functions that may give a promise: in a suspendable guest they are bound as `WebAssembly.Suspending`. */
export const waitingWasi: ReadonlySet<string> = new Set(['poll_oneoff']);

/**
 * The parameters of every function of WASI preview 1: `i` for i32, `I` for i64. All of them give an i32 errno,
 * but `proc_exit` gives nothing.
 *
 * @see wasi_snapshot_preview1.witx
 */
export const wasiSignatures: Readonly<Record<string, string>> = {
  args_get: 'ii',
  args_sizes_get: 'ii',
  clock_res_get: 'ii',
  clock_time_get: 'iIi',
  environ_get: 'ii',
  environ_sizes_get: 'ii',
  fd_advise: 'iIIi',
  fd_allocate: 'iII',
  fd_close: 'i',
  fd_datasync: 'i',
  fd_fdstat_get: 'ii',
  fd_fdstat_set_flags: 'ii',
  fd_fdstat_set_rights: 'iII',
  fd_filestat_get: 'ii',
  fd_filestat_set_size: 'iI',
  fd_filestat_set_times: 'iIIi',
  fd_pread: 'iiiIi',
  fd_prestat_dir_name: 'iii',
  fd_prestat_get: 'ii',
  fd_pwrite: 'iiiIi',
  fd_read: 'iiii',
  fd_readdir: 'iiiIi',
  fd_renumber: 'ii',
  fd_seek: 'iIii',
  fd_sync: 'i',
  fd_tell: 'ii',
  fd_write: 'iiii',
  path_create_directory: 'iii',
  path_filestat_get: 'iiiii',
  path_filestat_set_times: 'iiiiIIi',
  path_link: 'iiiiiii',
  path_open: 'iiiiiIIii',
  path_readlink: 'iiiiii',
  path_remove_directory: 'iii',
  path_rename: 'iiiiii',
  path_symlink: 'iiiii',
  path_unlink_file: 'iii',
  poll_oneoff: 'iiii',
  proc_exit: 'i',
  proc_raise: 'i',
  random_get: 'ii',
  sched_yield: '',
  sock_accept: 'iii',
  sock_recv: 'iiiiii',
  sock_send: 'iiiii',
  sock_shutdown: 'ii',
};

/**
 * Holds a module's imports from `wasi_snapshot_preview1` against the real functions. The engine would link any
 * signature to a JavaScript function, and its conversions would then throw inside it.
 *
 * @throws {ModuleError} `unknown-import` or `import-signature`
 */
export function checkWasiImports(info: ModuleInfo): void {
  for (const { module, name, kind, params = [], results = [] } of info.imports) {
    if (module !== wasiModule) continue;
    const signature = Object.hasOwn(wasiSignatures, name) ? wasiSignatures[name] : undefined;
    if (signature === undefined || kind !== 'func') {
      throw new ModuleError('unknown-import', `${info.name}: WASI preview 1 has no ${kind} ${name}`);
    }
    const expected = describe(
      Array.from(signature, (letter) => (letter === 'i' ? 'i32' : 'i64')),
      name === 'proc_exit' ? [] : ['i32'],
    );
    const found = describe(params, results);
    if (found === expected) continue;
    throw new ModuleError(
      'import-signature',
      `${info.name}: import ${wasiModule}.${name} is ${found}, but WASI preview 1 has it as ${expected}`,
    );
  }
}

function describe(params: readonly string[], results: readonly string[]): string {
  return `(${params.join(', ')}) -> (${results.join(', ')})`;
}
