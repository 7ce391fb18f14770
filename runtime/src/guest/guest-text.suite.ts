/** The parts of a guest for tests, as WebAssembly text. All may be left out. */
export interface GuestParts {
  /** Imports, such as those of {@link imports}. */
  readonly imports?: string;
  /** The memory: exported, one page, unless given. */
  readonly memory?: string;
  /** Functions, data and exports of the guest's own. */
  readonly fields?: string;
  /** Bodies of the exports. `start` and `initialize` are there only when they are given. */
  readonly start?: string;
  readonly initialize?: string;
  /** Parameter `$size`; gives 1024 unless it says otherwise. */
  readonly alloc?: string;
  /** Parameters `$at` and `$size`. */
  readonly free?: string;
  /** Parameters `$at` and `$length`; gives 0 unless it says otherwise. */
  readonly init?: string;
  /** Parameters `$at` and `$length`; gives 0 unless it says otherwise. */
  readonly step?: string;
  readonly shutdown?: string;
}

const optional = (name: string, head: string, body: string | undefined): string =>
  body === undefined ? '' : `(func ${name} ${head} ${body})`;

/** The text of a module that has every export of the contract. */
export function guestText(parts: GuestParts): string {
  const { imports: given = '', memory = '(memory (export "memory") 1)', fields = '' } = parts;
  return `(module ${given} ${memory} ${fields}
    ${optional('$start', '', parts.start)} ${parts.start === undefined ? '' : '(start $start)'}
    ${optional('(export "_initialize")', '', parts.initialize)}
    (func (export "pulp_alloc") (param $size i32) (result i32) ${parts.alloc ?? '(i32.const 1024)'})
    ${optional('(export "pulp_free")', '(param $at i32) (param $size i32)', parts.free)}
    (func (export "pulp_init") (param $at i32) (param $length i32) (result i32) ${parts.init ?? '(i32.const 0)'})
    (func (export "pulp_step") (param $at i32) (param $length i32) (result i32) ${parts.step ?? '(i32.const 0)'})
    (func (export "pulp_shutdown") (result i32) ${parts.shutdown ?? '(i32.const 0)'}))`;
}

/** An import of module `pulp` as `$name`; all of them give a code. */
export function pulpImport(name: string, params: string): string {
  return `(import "pulp" "${name}" (func $${name} (param ${params}) (result i32)))`;
}

export const sleepImport =
  '(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))';

export const printImport =
  '(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))';

/** `$sleep`, for so many nanoseconds. Uses the memory from 256 to 400. */
export const sleepFunction = `
  (func $sleep (param $ns i64)
    (i32.store (i32.const 272) (i32.const 1))
    (i64.store (i32.const 280) (local.get $ns))
    (drop (call $poll_oneoff (i32.const 256) (i32.const 304) (i32.const 1) (i32.const 336))))`;

/** `$print`, which writes this text to standard output. Uses the memory from 512 on. */
export function printFunction(text: string): string {
  const escaped = Buffer.from(text)
    .toString('hex')
    .replaceAll(/../g, String.raw`\$&`);
  return `(data (i32.const 520) "${escaped}")
    (func $print
      (i32.store (i32.const 512) (i32.const 520))
      (i32.store (i32.const 516) (i32.const ${Buffer.byteLength(text)}))
      (drop (call $fd_write (i32.const 1) (i32.const 512) (i32.const 1) (i32.const 508))))`;
}

/** An endless loop. */
export const forever = '(loop $again (br $again)) (unreachable)';
