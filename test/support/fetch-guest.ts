import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { Reader } from '../../runtime/src/abi/msgpack/reader.ts';
import { guestFolder } from './guest-host.ts';
import { array, bin, int, map, str } from './msgpack-bytes.ts';
import { PulpProcess } from './pulp-process.ts';
import type { Scope } from './scope.ts';
import { all, text, type Action, type WatGuest } from './wat-guest.ts';

/** An `HTTPFetchRequest`; what is left out is not in the message. Text is binary strings. */
export interface FetchRequest {
  readonly method?: string;
  readonly url: string;
  readonly headers?: readonly (readonly [name: string, value: string | readonly string[]])[];
  readonly body?: string | Uint8Array;
  /** Nanoseconds. */
  readonly timeout?: number | bigint;
}

/** What a guest got for a fetch. */
export interface FetchResult {
  readonly code: number;
  /** The message as it came; empty when the code is not 0. */
  readonly bytes: Buffer;
}

/** An `HTTPResponse` as a guest gets it. Text is binary strings. */
export interface FetchReply {
  readonly id: number;
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** The message of a request. */
export function fetchRequest({ method, url, headers, body, timeout }: FetchRequest): Buffer {
  const pairs: [string, Buffer][] = [['url', str(url)]];
  if (method !== undefined) pairs.unshift(['method', str(method)]);
  if (headers !== undefined) {
    const values = headers.map(
      ([name, value]) =>
        [name, typeof value === 'string' ? str(value) : array(value.map((each) => str(each)))] as const,
    );
    pairs.push(['headers', map(values)]);
  }
  if (body !== undefined) pairs.push(['body', bin(body)]);
  if (timeout !== undefined) pairs.push(['timeout', int(timeout)]);
  return map(pairs);
}

/** Reads the reply of a fetch that had to succeed. */
export function replyOf({ code, bytes }: FetchResult): FetchReply {
  assert.equal(code, 0, 'the fetch failed');
  const reader = new Reader(bytes);
  const fields = new Map<string, unknown>();
  for (let left = reader.map(); left > 0; left--) {
    const name = reader.text();
    if (name === 'headers') {
      const headers = new Map<string, string>();
      for (let pairs = reader.map(); pairs > 0; pairs--) headers.set(reader.text(), reader.text());
      fields.set(name, headers);
    } else fields.set(name, name === 'body' ? Buffer.from(reader.bytes()) : Number(reader.integer()));
  }
  assert.equal(reader.offset, bytes.length, 'there are bytes behind the reply');
  assert.deepEqual([...fields.keys()], ['id', 'status', 'headers', 'body']);
  return Object.fromEntries(fields) as unknown as FetchReply;
}

/** Where replies are placed: far behind what a request takes. */
const replyAt = 64 * 1024 * 1024 + 256;
const outAt = 400;
const idAt = 416;

/** Fetches this, whatever comes of it, and notes the code. */
export function fetchConstant(request: Uint8Array): Action {
  return (data) => `(call $note (call $fetch ${data.add(request)}))`;
}

/** Calls `http_fetch` with any pointers, as constants, and notes the code. */
export function fetchAt(request: string, out: string): Action {
  return () => `(call $note (call $http_fetch ${request} ${out}))`;
}

/** Does something while `pulp_alloc` has no room for anything. */
export function withoutRoom(action: Action): Action {
  return all(text('(global.set $full (i32.const 1))'), action, text('(global.set $full (i32.const 0))'));
}

/** Fetches what the request's body asks for, and answers with the code, a byte, and the reply's bytes. */
const fetchBody: Action = () => '(call $fetch_body (local.get $at) (local.get $length))';

const imports = `(import "pulp" "http_fetch" (func $http_fetch (param i32 i32 i32 i32) (result i32)))`;

/** A guest that fetches what it is asked for, by `POST /fetch`. */
export function fetchGuest(guest: WatGuest = {}): WatGuest {
  const head = Buffer.from('\xa6status\xcc\xc8\xa7headers\x80\xa4body\xc6', 'latin1');
  return {
    ...guest,
    imports: `${imports} ${guest.imports ?? ''}`,
    routes: { 'POST /fetch': fetchBody, ...guest.routes },
    alloc: text(`(if (global.get $full) (then (return (i32.const 0))))
      (if (global.get $fetching) (then
      (local.set $missing (i32.sub
        (i32.shr_u (i32.add (local.get $size) (i32.const ${replyAt + 65_535})) (i32.const 16)) (memory.size)))
      (if (i32.gt_s (local.get $missing) (i32.const 0)) (then
        (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then (return (i32.const 0))))))
      (return (i32.const ${replyAt}))))`),
    fields: `
      (global $fetching (mut i32) (i32.const 0))
      (global $full (mut i32) (i32.const 0))
      (data (i32.const 432) "${[...head].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')}")
      (func $fetch (param $at i32) (param $length i32) (result i32) (local $code i32)
        (i64.store (i32.const ${outAt}) (i64.const 0))
        (global.set $fetching (i32.const 1))
        (local.set $code (call $http_fetch (local.get $at) (local.get $length)
          (i32.const ${outAt}) (i32.const ${outAt + 4})))
        (global.set $fetching (i32.const 0))
        (local.get $code))
      ;; The body is the first value behind "body" that is a bin.
      (func $fetch_body (param $at i32) (param $length i32) (local $code i32) (local $size i32) (local $to i32)
        (memory.copy (i32.const ${idAt}) (global.get $id) (i32.const 9))
        (loop $look
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $look (i32.ne (i32.load (local.get $at)) (i32.const 0x646f62a4)))
          (br_if $look (i32.ne (i32.load8_u offset=4 (local.get $at)) (i32.const 0x79)))
          (br_if $look (i32.ne (i32.and (i32.load8_u offset=5 (local.get $at)) (i32.const 0xfc)) (i32.const 0xc4))))
        (local.set $code (i32.load8_u offset=5 (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 6)))
        (local.set $to (i32.shl (i32.const 1) (i32.sub (local.get $code) (i32.const 0xc4))))
        (loop $next
          (local.set $size (i32.or (i32.shl (local.get $size) (i32.const 8)) (i32.load8_u (local.get $at))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (local.set $to (i32.sub (local.get $to) (i32.const 1)))
          (br_if $next (local.get $to)))
        (local.set $code (call $fetch (local.get $at) (local.get $size)))
        (call $room)
        (local.set $size (i32.add (i32.load (i32.const ${outAt + 4})) (i32.const 1)))
        (local.set $at (i32.const ${replyAt - 1 - 4 - head.length - 9 - 4}))
        (i32.store (local.get $at) (i32.const 0x6469a284))
        (memory.copy (i32.add (local.get $at) (i32.const 4)) (i32.const ${idAt}) (i32.const 9))
        (memory.copy (i32.add (local.get $at) (i32.const 13)) (i32.const 432) (i32.const ${head.length}))
        (i32.store8 (i32.const ${replyAt - 5}) (i32.shr_u (local.get $size) (i32.const 24)))
        (i32.store8 (i32.const ${replyAt - 4}) (i32.shr_u (local.get $size) (i32.const 16)))
        (i32.store8 (i32.const ${replyAt - 3}) (i32.shr_u (local.get $size) (i32.const 8)))
        (i32.store8 (i32.const ${replyAt - 2}) (local.get $size))
        (i32.store8 (i32.const ${replyAt - 1}) (local.get $code))
        (call $note (call $http_respond (local.get $at)
          (i32.add (i32.sub (i32.const ${replyAt - 1}) (local.get $at)) (local.get $size)))))
      ;; Without a reply nothing has made the room for one.
      (func $room
        (if (i32.lt_u (memory.size) (i32.const ${(replyAt >> 16) + 1})) (then
          (drop (memory.grow (i32.sub (i32.const ${(replyAt >> 16) + 1}) (memory.size)))))))
      ${guest.fields ?? ''}`,
  };
}

/** A host that runs a guest of {@link fetchGuest}. */
export interface FetchHost {
  readonly pulp: PulpProcess;
  /** Lets the guest fetch. */
  fetch(request: FetchRequest): Promise<FetchResult>;
  /** The same with a message of any bytes. */
  fetchBytes(message: Uint8Array): Promise<FetchResult>;
}

export interface FetchHostOptions {
  /** Keys of `[transport.http.outbound]`, a line each. */
  readonly options?: string;
  /** Whether `-allow-private-network` is given; true unless said otherwise. */
  readonly privateNetwork?: boolean;
  readonly args?: readonly string[];
  readonly guest?: WatGuest;
  /** Manifest lines of the top level. */
  readonly manifest?: string;
}

/** Runs a guest of {@link fetchGuest} behind the real command line, with a log of everything. */
export async function startFetchHost(t: Scope, options: FetchHostOptions = {}): Promise<FetchHost> {
  const manifest = [
    'capabilities = ["transport.http.inbound", "transport.http.outbound"]',
    options.manifest ?? '',
    '[transport.http.outbound]',
    options.options ?? '',
  ].join('\n');
  const folder = await guestFolder(t, fetchGuest(options.guest));
  await writeFile(folder, `name = "guest"\nversion = "1.2.3"\n${manifest}\n`);
  const pulp = await PulpProcess.start(t, {
    manifest: folder,
    args: [
      '-log-level',
      'debug',
      ...(options.privateNetwork === false ? [] : ['-allow-private-network']),
      ...(options.args ?? []),
    ],
  });
  const fetchBytes = async (message: Uint8Array): Promise<FetchResult> => {
    const response = await fetch(`${pulp.url}/fetch`, { method: 'POST', body: Buffer.from(message) });
    const answer = Buffer.from(await response.arrayBuffer());
    assert.equal(response.status, 200, `${response.status} ${answer.toString()}\n${pulp.dump()}`);
    return { code: answer.readUInt8(0), bytes: answer.subarray(1) };
  };
  return { pulp, fetchBytes, fetch: (request) => fetchBytes(fetchRequest(request)) };
}
