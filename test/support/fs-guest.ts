import assert from 'node:assert/strict';
import type { PulpProcess } from './pulp-process.ts';
import { all, remember, text, type Action, type WatGuest } from './wat-guest.ts';

/** How the functions of `storage.fs` take their parameters: so many inputs, and a result or none. */
const functions = {
  fs_read: { inputs: 1, result: true },
  fs_write: { inputs: 2, result: false },
  fs_append: { inputs: 2, result: false },
  fs_delete: { inputs: 1, result: false },
  fs_list: { inputs: 1, result: true },
  fs_stat: { inputs: 1, result: true },
  fs_rename: { inputs: 1, result: false },
  fs_remove_all: { inputs: 1, result: false },
  fs_mkdir_all: { inputs: 1, result: false },
  fs_chmod: { inputs: 1, result: false },
  fs_create_temp: { inputs: 1, result: true },
  fs_mkdir_temp: { inputs: 1, result: true },
} as const;

export type FsFunction = keyof typeof functions;

/** Where the host writes pointer and length of a result. */
const outAt = 464;
/** Bytes of the answer before its body. */
const headBytes = 42;

export interface FsGuestOptions {
  /** Whether `fs_write` takes options, too, as newer guests import it. */
  readonly newer?: boolean;
}

/**
 * A guest with a route for each function of `storage.fs`, `POST /fs_read` and so on: the request's body has the
 * inputs, each behind its length as a u32; the answer's status is 200 and the code, its body the result.
 */
export function fsGuest({ newer = false }: FsGuestOptions = {}): WatGuest {
  const routes: Record<string, Action> = {};
  const imports: string[] = [];
  for (const [name, { inputs: known, result }] of Object.entries(functions)) {
    const inputs = name === 'fs_write' && newer ? 3 : known;
    const params = 'i32 '.repeat((inputs + (result ? 1 : 0)) * 2);
    imports.push(`(import "pulp" "${name}" (func $${name} (param ${params}) (result i32)))`);
    const given = Array.from(
      { length: inputs },
      (_, index) => `(global.get $a${index}) (global.get $l${index})`,
    );
    if (result) given.push(`(i32.const ${outAt}) (i32.const ${outAt + 4})`);
    routes[`POST /${name}`] = all(remember(), fsCall(`(call $${name} ${given.join(' ')})`));
  }
  return { imports: imports.join('\n'), routes, fields: library };
}

/** Answers with the code that these instructions give, and the result that they placed. */
export function fsCall(instructions: string): Action {
  return text(
    `(call $inputs) (i64.store (i32.const ${outAt}) (i64.const 0)) (call $outcome ${instructions})`,
  );
}

/** What a call gave. */
export interface FsOutcome {
  readonly code: number;
  readonly result: Buffer;
}

/** Makes the guest behind a host call a function. Text is binary strings. */
export async function fsRequest(
  pulp: PulpProcess,
  name: string,
  ...inputs: readonly (string | Uint8Array)[]
): Promise<FsOutcome> {
  const parts = inputs.flatMap((input) => {
    const bytes = typeof input === 'string' ? Buffer.from(input, 'latin1') : input;
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return [length, bytes];
  });
  const response = await fetch(`${pulp.url}/${name}`, { method: 'POST', body: Buffer.concat(parts) });
  const result = Buffer.from(await response.arrayBuffer());
  assert.ok(response.status < 400, `${name} gave ${response.status} ${result.toString()}\n${pulp.dump()}`);
  return { code: response.status - 200, result };
}

/** Instructions that give the number in so many bytes behind an address, the first the highest. */
function bigEndian(address: string, count: number): string {
  let sum = '(i32.const 0)';
  for (let index = 0; index < count; index++) {
    sum = `(i32.or (i32.shl ${sum} (i32.const 8)) (i32.load8_u offset=${index + 1} ${address}))`;
  }
  return sum;
}

/** Instructions that write bytes behind `$to`. */
function put(at: number, bytes: Uint8Array): string {
  const stores = Array.from(
    bytes,
    (byte, index) => `(i32.store8 offset=${at + index} (local.get $to) (i32.const ${byte}))`,
  );
  return stores.join('\n');
}

const ascii = (string: string): Buffer => Buffer.from(string, 'latin1');

/** Gives the address behind a str whose header has so many bytes of length, when it has this first byte. */
function skipping(first: number, bytes: number): string {
  const length = bigEndian('(local.get $at)', bytes);
  return `(if (i32.eq (local.get $kind) (i32.const ${first})) (then
    (return (i32.add (i32.add (local.get $at) (i32.const ${bytes + 1})) ${length}))))`;
}

const nextInput = (index: number): string => `
  (if (i32.lt_u (local.get $at) (local.get $end)) (then
    (global.set $l${index} (i32.load (local.get $at)))
    (global.set $a${index} (i32.add (local.get $at) (i32.const 4)))
    (local.set $at (i32.add (global.get $a${index}) (global.get $l${index}))))
  (else (global.set $l${index} (i32.const 0))))`;

const library = `
  (global $a0 (mut i32) (i32.const 0)) (global $l0 (mut i32) (i32.const 0))
  (global $a1 (mut i32) (i32.const 0)) (global $l1 (mut i32) (i32.const 0))
  (global $a2 (mut i32) (i32.const 0)) (global $l2 (mut i32) (i32.const 0))
  (func $skip_str (param $at i32) (result i32) (local $kind i32)
    (local.set $kind (i32.load8_u (local.get $at)))
    ${skipping(0xd9, 1)}
    ${skipping(0xda, 2)}
    (i32.add (i32.add (local.get $at) (i32.const 1)) (i32.and (local.get $kind) (i32.const 31))))
  ;; A map of texts to texts.
  (func $skip_map (param $at i32) (result i32) (local $left i32)
    (local.set $left (i32.and (i32.load8_u (local.get $at)) (i32.const 15)))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (loop $next
      (if (i32.eqz (local.get $left)) (then (return (local.get $at))))
      (local.set $at (call $skip_str (call $skip_str (local.get $at))))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $next))
    (unreachable))
  ;; Finds the inputs in the request's body, which comes behind path, params, query and headers.
  (func $inputs (local $at i32) (local $end i32) (local $kind i32) (local $skipped i32)
    (local.set $at (i32.add (global.get $path) (global.get $path_length)))
    (loop $next
      (local.set $at (call $skip_map (call $skip_str (local.get $at))))
      (local.set $skipped (i32.add (local.get $skipped) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $skipped) (i32.const 3))))
    (local.set $at (call $skip_str (local.get $at)))
    (local.set $kind (i32.load8_u (local.get $at)))
    (if (i32.eq (local.get $kind) (i32.const 0xc4)) (then
      (local.set $end ${bigEndian('(local.get $at)', 1)})
      (local.set $at (i32.add (local.get $at) (i32.const 2)))))
    (if (i32.eq (local.get $kind) (i32.const 0xc5)) (then
      (local.set $end ${bigEndian('(local.get $at)', 2)})
      (local.set $at (i32.add (local.get $at) (i32.const 3)))))
    (if (i32.eq (local.get $kind) (i32.const 0xc6)) (then
      (local.set $end ${bigEndian('(local.get $at)', 4)})
      (local.set $at (i32.add (local.get $at) (i32.const 5)))))
    (local.set $end (i32.add (local.get $end) (local.get $at)))
    ${[0, 1, 2].map(nextInput).join('\n')})
  ;; Answers with a code and the result, in whose front the answer's head is written.
  (func $outcome (param $code i32) (local $to i32) (local $length i32)
    (local.set $to (i32.load (i32.const ${outAt})))
    (local.set $length (i32.load offset=4 (i32.const ${outAt})))
    (if (i32.eqz (local.get $to)) (then (local.set $to (call $room))))
    (local.set $to (i32.sub (local.get $to) (i32.const ${headBytes})))
    ${put(0, Buffer.concat([Buffer.of(0x84, 0xa2), ascii('id')]))}
    (memory.copy (i32.add (local.get $to) (i32.const 4)) (i32.const 480) (i32.const 9))
    ${put(13, Buffer.concat([Buffer.of(0xa6), ascii('status'), Buffer.of(0xcd)]))}
    (i32.store8 offset=21 (local.get $to)
      (i32.shr_u (i32.add (local.get $code) (i32.const 200)) (i32.const 8)))
    (i32.store8 offset=22 (local.get $to) (i32.add (local.get $code) (i32.const 200)))
    ${put(23, Buffer.concat([Buffer.of(0xa7), ascii('headers'), Buffer.of(0x80, 0xa4), ascii('body'), Buffer.of(0xc6)]))}
    ${[24, 16, 8, 0]
      .map(
        (shift, index) =>
          `(i32.store8 offset=${38 + index} (local.get $to) (i32.shr_u (local.get $length) (i32.const ${shift})))`,
      )
      .join('\n')}
    (drop (call $http_respond (local.get $to) (i32.add (local.get $length) (i32.const ${headBytes})))))
  ;; Any address with room for the head before it.
  (func $room (result i32) (i32.const 4096))`;
