import assert from 'node:assert/strict';
import { bin, int, map, str } from './msgpack-bytes.ts';
import { wat } from './wat.ts';

/** Instructions for a guest, as WebAssembly text. The data they name is put into the guest's memory. */
export type Action = (data: Data) => string;

/** What a guest is made of. All of it may be left out. */
export interface WatGuest {
  /**
   * What a step does for a request, by `METHOD /pattern`. A request belongs to the first route whose path it
   * has; a pattern counts up to its first `:` or `*`. Requests that belong to none are not answered.
   */
  readonly routes?: Readonly<Record<string, Action>>;
  /** What a tick does. */
  readonly tick?: Action;
  /** What the exports do before anything else. In `shutdown`, too, which then returns 0. */
  readonly start?: Action;
  readonly initialize?: Action;
  readonly alloc?: Action;
  readonly free?: Action;
  readonly init?: Action;
  readonly step?: Action;
  readonly shutdown?: Action;
  /** Imports behind the guest's own, such as `(import "pulp" "fs_read" …)`. */
  readonly imports?: string;
  /** Functions and exports of the guest's own. */
  readonly fields?: string;
}

/** Where codes that the guest noted are: at most 256 of them. */
const codesAt = 512;
/** Where an id that the guest remembered is: its msgpack bytes. */
const savedAt = 480;
/** Where the guest's clock is read to. */
const clockAt = 496;
const dataAt = 4096;
/** Bytes of an id as the host writes it: `cf` and 8 more. */
const idBytes = 9;

/** The guest's constants. */
class Data {
  readonly #parts: Buffer[] = [];
  #end = dataAt;
  /** The longest message that the guest puts together, without its id. */
  longest = 64;

  get end(): number {
    return this.#end;
  }

  /** Gives address and length as two constants. */
  add(bytes: Uint8Array): string {
    const at = this.#end;
    this.#parts.push(Buffer.from(bytes));
    this.#end += bytes.length;
    return `(i32.const ${at}) (i32.const ${bytes.length})`;
  }

  /** The segment in the text format. */
  text(): string {
    const hex = Buffer.concat(this.#parts).toString('hex');
    return `(data (i32.const ${dataAt}) "${hex.replace(/../g, String.raw`\$&`)}")`;
  }
}

export type { Data };

export interface Response {
  readonly status?: number;
  readonly headers?: readonly (readonly [name: string, value: string | Buffer])[];
  readonly body?: string | Uint8Array;
}

/** The bytes of an `http_respond` without the id: what comes before and behind it. */
function around({ status = 200, headers = [], body = '' }: Response): readonly [Buffer, Buffer] {
  const head = map(headers.map(([name, value]) => [name, typeof value === 'string' ? str(value) : value]));
  const rest = [str('status'), int(status), str('headers'), head, str('body'), bin(body)];
  return [Buffer.concat([Buffer.from([0x84]), str('id')]), Buffer.concat(rest)];
}

/** Answers the request of this step, and notes the code. */
export function respond(response: Response): Action {
  return respondBytes(...around(response));
}

/** As {@link respond}, with any bytes before and behind the id. */
export function respondBytes(before: Uint8Array, behind: Uint8Array): Action {
  return (data) => `(call $note ${answer(data, '(global.get $id)', before, behind)})`;
}

/** Answers with these bytes as they are, whatever the id in them. */
export function respondRaw(bytes: Uint8Array): Action {
  return (data) => `(call $note (call $http_respond ${data.add(bytes)}))`;
}

/** Answers with an id of the guest's choice. */
export function respondTo(id: number, response: Response): Action {
  const [before, behind] = around(response);
  return respondRaw(Buffer.concat([before, int(id), behind]));
}

/** Calls `http_respond` with any pointer and length. */
export function respondAt(pointer: number, length: number): Action {
  return () => `(call $note (call $http_respond (i32.const ${pointer}) (i32.const ${length})))`;
}

/** Answers the request that {@link remember} kept. */
export function respondLate(response: Response): Action {
  return (data) => `(call $note ${answer(data, `(i32.const ${savedAt})`, ...around(response))})`;
}

/** Keeps the id of this step's request for later. */
export function remember(): Action {
  return () => `(memory.copy (i32.const ${savedAt}) (global.get $id) (i32.const ${idBytes}))`;
}

/** Answers with the whole request as the body: the per-kind msgpack map as it came. */
export function mirror(): Action {
  return () => '(call $mirror (local.get $at) (local.get $length))';
}

/** Answers with the codes that were noted so far, a byte each, and forgets them. */
export function codes(): Action {
  return (data) => {
    const [before, behind] = around({});
    // Up to the body's own header, which the guest writes.
    const head = behind.subarray(0, -2);
    data.longest = Math.max(data.longest, before.length + head.length + 512);
    return `(call $answer_codes ${data.add(before)} ${data.add(head)})`;
  };
}

/** Does nothing but compute for so long, in milliseconds: the guest's thread is busy. */
export function busy(ms: number): Action {
  return () => `(call $busy (i64.const ${ms * 1_000_000}))`;
}

export function forever(): Action {
  return () => '(loop $again (br $again))';
}

export function trap(): Action {
  return () => '(unreachable)';
}

/** From now on {@link whenArmed} with this number acts; 0 is none. */
export function arm(number = 1): Action {
  return () => `(global.set $armed (i32.const ${number}))`;
}

export function whenArmed(action: Action, number = 1): Action {
  return (data) => `(if (i32.eq (global.get $armed) (i32.const ${number})) (then ${action(data)}))`;
}

/** Text of the guest's own. */
export function text(instructions: string): Action {
  return () => instructions;
}

export function all(...actions: readonly Action[]): Action {
  return (data) => actions.map((action) => action(data)).join('\n');
}

function answer(data: Data, id: string, before: Uint8Array, behind: Uint8Array): string {
  data.longest = Math.max(data.longest, before.length + behind.length);
  return `(call $answer ${id} ${data.add(before)} ${data.add(behind)})`;
}

/** The binary of a guest. What its exports do is said in {@link WatGuest}. */
export async function watGuest(guest: WatGuest): Promise<Uint8Array> {
  const data = new Data();
  const run = (action: Action | undefined): string => action?.(data) ?? '';
  const routes = Object.entries(guest.routes ?? {}).map(([route, action]) => {
    const [method = '', path = ''] = route.split(' ');
    assert.ok(path.startsWith('/'), `a route is METHOD /path, not ${route}`);
    const prefix = path.replace(/[:*].*$/s, '');
    return {
      claim: `(call $note (call $http_register ${data.add(
        map([
          ['method', str(method)],
          ['path', str(path)],
        ]),
      )}))`,
      step: `(if (call $path_is ${data.add(Buffer.from(prefix, 'latin1'))} (i32.const ${prefix === path ? 1 : 0}))
        (then ${run(action)} (return (i32.const 0))))`,
    };
  });
  const hooks = {
    start: run(guest.start),
    initialize: run(guest.initialize),
    alloc: run(guest.alloc),
    free: run(guest.free),
    init: run(guest.init),
    step: run(guest.step),
    tick: run(guest.tick),
    shutdown: run(guest.shutdown),
  };
  const out = Math.ceil(data.end / 16) * 16;
  const heap = out + Math.ceil((data.longest + 64) / 16) * 16;
  const pages = Math.ceil(heap / 65_536) + 1;
  return wat(`(module
    (import "pulp" "http_register" (func $http_register (param i32 i32) (result i32)))
    (import "pulp" "http_respond" (func $http_respond (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
    ${guest.imports ?? ''}
    (memory (export "memory") ${pages})
    (global $id (mut i32) (i32.const 0))
    (global $path (mut i32) (i32.const 0))
    (global $path_length (mut i32) (i32.const 0))
    (global $codes (mut i32) (i32.const 0))
    (global $armed (mut i32) (i32.const 0))
    ${data.text()}
    ${guest.start === undefined ? '' : `(func $start ${hooks.start}) (start $start)`}
    ${guest.initialize === undefined ? '' : `(func (export "_initialize") ${hooks.initialize})`}
    ${library(out)}
    (func (export "pulp_alloc") (param $size i32) (result i32) (local $missing i32)
      ${hooks.alloc}
      (local.set $missing (i32.sub
        (i32.add (i32.const ${Math.ceil((heap + 65_535) / 65_536)}) (i32.shr_u (local.get $size) (i32.const 16)))
        (memory.size)))
      (if (i32.gt_s (local.get $missing) (i32.const 0)) (then
        (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then (return (i32.const 0))))))
      (i32.const ${heap}))
    (func (export "pulp_free") (param i32 i32) ${hooks.free})
    (func (export "pulp_init") (param i32 i32) (result i32)
      ${hooks.init}
      ${routes.map(({ claim }) => claim).join('\n')}
      (global.set $codes (i32.const 0))
      (i32.const 0))
    (func (export "pulp_step") (param $at i32) (param $length i32) (result i32)
      (if (i32.eqz (i32.load offset=16 (local.get $at))) (then ${hooks.tick} (return (i32.const 0))))
      (call $read (local.get $at))
      ${hooks.step}
      ${routes.map(({ step }) => step).join('\n')}
      (i32.const 0))
    (func (export "pulp_shutdown") (result i32) ${hooks.shutdown} (i32.const 0))
    ${guest.fields ?? ''})`);
}

/** Writes constant bytes behind `$to`. */
function storeBytes(at: number, bytes: Buffer): string {
  const stores = [...bytes].map(
    (byte, index) => `(i32.store8 offset=${at + index} (local.get $to) (i32.const ${byte}))`,
  );
  return stores.join('\n');
}

/** Functions that every guest has. `out` is where it puts its messages together. */
function library(out: number): string {
  const middle = Buffer.concat([
    str('status'),
    Buffer.from([0xcc, 200]),
    str('headers'),
    Buffer.from([0x80]),
    str('body'),
  ]);
  return `
    (func $note (param $code i32)
      (if (i32.lt_u (global.get $codes) (i32.const 256)) (then
        (i32.store8 (i32.add (i32.const ${codesAt}) (global.get $codes)) (local.get $code))
        (global.set $codes (i32.add (global.get $codes) (i32.const 1))))))
    ;; Where id and path are: behind the envelope's 20 bytes and the 27 of the step event's prefix.
    (func $read (param $at i32) (local $path i32)
      (global.set $id (i32.add (local.get $at) (i32.const 51)))
      (local.set $path (i32.add (i32.add (local.get $at) (i32.const 73))
        (i32.and (i32.load8_u offset=67 (local.get $at)) (i32.const 31))))
      (global.set $path_length (i32.and (i32.load8_u (local.get $path)) (i32.const 31)))
      (if (i32.eq (i32.load8_u (local.get $path)) (i32.const 0xd9)) (then
        (global.set $path_length (i32.load8_u offset=1 (local.get $path)))
        (local.set $path (i32.add (local.get $path) (i32.const 1)))))
      (global.set $path (i32.add (local.get $path) (i32.const 1))))
    (func $path_is (param $text i32) (param $length i32) (param $whole i32) (result i32) (local $i i32)
      (if (i32.lt_u (global.get $path_length) (local.get $length)) (then (return (i32.const 0))))
      (if (i32.and (local.get $whole) (i32.ne (global.get $path_length) (local.get $length)))
        (then (return (i32.const 0))))
      (loop $next
        (if (i32.eq (local.get $i) (local.get $length)) (then (return (i32.const 1))))
        (if (i32.ne (i32.load8_u (i32.add (local.get $text) (local.get $i)))
                    (i32.load8_u (i32.add (global.get $path) (local.get $i)))) (then (return (i32.const 0))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next))
      (unreachable))
    (func $put (param $to i32) (param $from i32) (param $length i32) (result i32)
      (memory.copy (local.get $to) (local.get $from) (local.get $length))
      (i32.add (local.get $to) (local.get $length)))
    (func $answer (param $id i32) (param $before i32) (param $before_length i32)
        (param $behind i32) (param $behind_length i32) (result i32) (local $to i32)
      (local.set $to (call $put (i32.const ${out}) (local.get $before) (local.get $before_length)))
      (local.set $to (call $put (local.get $to) (local.get $id) (i32.const ${idBytes})))
      (local.set $to (call $put (local.get $to) (local.get $behind) (local.get $behind_length)))
      (call $http_respond (i32.const ${out}) (i32.sub (local.get $to) (i32.const ${out}))))
    (func $answer_codes (param $before i32) (param $before_length i32) (param $head i32) (param $head_length i32)
        (local $to i32)
      (local.set $to (call $put (i32.const ${out}) (local.get $before) (local.get $before_length)))
      (local.set $to (call $put (local.get $to) (global.get $id) (i32.const ${idBytes})))
      (local.set $to (call $put (local.get $to) (local.get $head) (local.get $head_length)))
      (i32.store8 (local.get $to) (i32.const 0xc4))
      (i32.store8 offset=1 (local.get $to) (global.get $codes))
      (local.set $to (call $put (i32.add (local.get $to) (i32.const 2)) (i32.const ${codesAt}) (global.get $codes)))
      (global.set $codes (i32.const 0))
      (drop (call $http_respond (i32.const ${out}) (i32.sub (local.get $to) (i32.const ${out})))))
    ;; The answer's head goes right before the request, over the envelope, so that nothing large is copied.
    (func $mirror (param $at i32) (param $length i32) (local $to i32) (local $size i32)
      (local.set $to (i32.add (local.get $at) (i32.const 6)))
      (local.set $size (i32.sub (local.get $length) (i32.const 47)))
      ${storeBytes(0, Buffer.concat([Buffer.from([0x84]), str('id')]))}
      (memory.copy (i32.add (local.get $to) (i32.const 4)) (global.get $id) (i32.const ${idBytes}))
      ${storeBytes(13, Buffer.concat([middle, Buffer.from([0xc6])]))}
      (i32.store8 offset=37 (local.get $to) (i32.shr_u (local.get $size) (i32.const 24)))
      (i32.store8 offset=38 (local.get $to) (i32.shr_u (local.get $size) (i32.const 16)))
      (i32.store8 offset=39 (local.get $to) (i32.shr_u (local.get $size) (i32.const 8)))
      (i32.store8 offset=40 (local.get $to) (local.get $size))
      (call $note (call $http_respond (local.get $to) (i32.add (local.get $size) (i32.const 41)))))
    (func $busy (param $ns i64) (local $end i64)
      (drop (call $clock (i32.const 1) (i64.const 0) (i32.const ${clockAt})))
      (local.set $end (i64.add (i64.load (i32.const ${clockAt})) (local.get $ns)))
      (loop $look
        (drop (call $clock (i32.const 1) (i64.const 0) (i32.const ${clockAt})))
        (br_if $look (i64.lt_u (i64.load (i32.const ${clockAt})) (local.get $end)))))`;
}
