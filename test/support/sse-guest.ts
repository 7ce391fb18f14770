import assert from 'node:assert/strict';
import { request } from 'node:https';
import { int, map, str } from './msgpack-bytes.ts';
import { pluginFolder } from './plugin-folder.ts';
import { PulpProcess } from './pulp-process.ts';
import { Reader } from '../../runtime/src/abi/msgpack/reader.ts';
import type { Scope } from './scope.ts';
import { all, codes, respond, text, trap, watGuest, type Action, type WatGuest } from './wat-guest.ts';

export interface SseGuest extends WatGuest {
  /** Paths that it registers in its init, as binary strings. */
  readonly paths?: readonly string[];
  /** Data of an event that it sends to each subscriber in the step in which it is told of it. */
  readonly welcome?: string;
  /** Data of an event that it tries to send in the step in which a subscriber is gone. */
  readonly farewell?: string;
  /** What it does first in each step. */
  readonly first?: Action;
}

export interface SseHostOptions {
  /** Lines of the table `[transport.sse]`. */
  readonly options?: string;
  /** Lines above every table. */
  readonly manifest?: string;
  readonly args?: readonly string[];
}

/** Where the guest keeps what it was told: far behind all else. */
const seenAt = 256 * 65_536;
/** Where it puts an answer together: behind that. */
const answerAt = 384 * 65_536;

/** Registers a path, and notes the code. */
export function sseRegister(path: string): Action {
  return (data) => `(call $note (call $sse_register ${data.add(Buffer.from(path, 'latin1'))}))`;
}

export interface SseFields {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
}

/** What `sse_emit` takes. Text is binary strings. */
export function emitMessage(path: string, fields: SseFields): Buffer {
  return map([['path', str(path)], ...pairs(fields)]);
}

/** What `sse_send` takes. */
export function sendMessage(id: number, fields: SseFields): Buffer {
  return map([['sub_id', int(id)], ...pairs(fields)]);
}

function pairs(fields: SseFields): (readonly [string, Buffer])[] {
  return Object.entries(fields).map(([key, value]: [string, string]) => [key, str(value)]);
}

/** Several messages as `POST /emits` takes them. */
export function messages(list: readonly Buffer[]): Buffer {
  return Buffer.concat(
    list.flatMap((message) => {
      const size = Buffer.alloc(4);
      size.writeUInt32LE(message.length);
      return [size, message];
    }),
  );
}

/** Calls an import with the request's body, and notes the code. */
function withBody(name: string): Action {
  return text(
    `(global.set $codes (i32.const 0)) (call $find_body (local.get $at)) (call $note (call $${name} (global.get $body) (global.get $body_length)))`,
  );
}

/**
 * A guest that does with its streams what requests tell it: `POST /emit`, `/send` and `/register` pass their body to
 * the import and answer with its code, `POST /emits` passes on many messages, `GET /seen` answers with what it was
 * told of subscribers.
 */
export function sseGuest({ paths = [], welcome, farewell, first = text(''), ...guest }: SseGuest): WatGuest {
  const send = (data: string, at: number): Action => {
    const message = sendMessage(0, { data });
    const id = message.indexOf(int(0));
    return (constants) => `
      (memory.copy (i32.const ${answerAt}) ${constants.add(message)})
      (memory.copy (i32.const ${answerAt + id}) (i32.add (local.get $at) (i32.const ${at})) (i32.const 9))
      (call $note (call $sse_send (i32.const ${answerAt}) (i32.const ${message.length})))`;
  };
  const nothing = text('');
  return {
    ...guest,
    imports: `
      (import "pulp" "sse_register" (func $sse_register (param i32 i32) (result i32)))
      (import "pulp" "sse_emit" (func $sse_emit (param i32 i32) (result i32)))
      (import "pulp" "sse_send" (func $sse_send (param i32 i32) (result i32)))
      ${guest.imports ?? ''}`,
    init: all(
      text('(drop (memory.grow (i32.const 640)))'),
      guest.init ?? nothing,
      ...paths.map((path) => sseRegister(path)),
    ),
    // The length of the kind says which it is: sse.open has 8 characters, sse.close 9, http.request 12.
    step: all(
      first,
      (data) => `
        (if (i32.eq (i32.load8_u offset=26 (local.get $at)) (i32.const 0xa8)) (then
          (call $saw (local.get $at) (local.get $length) (i32.const 43))
          ${(welcome === undefined ? nothing : send(welcome, 51))(data)}
          (return (i32.const 0))))
        (if (i32.eq (i32.load8_u offset=26 (local.get $at)) (i32.const 0xa9)) (then
          (call $saw (local.get $at) (local.get $length) (i32.const 44))
          ${(farewell === undefined ? nothing : send(farewell, 52))(data)}
          (return (i32.const 0))))`,
      guest.step ?? nothing,
    ),
    routes: {
      'POST /emits': all(text('(global.set $codes (i32.const 0)) (call $emit_all (local.get $at))'), codes()),
      'POST /emit': all(withBody('sse_emit'), codes()),
      'POST /send': all(withBody('sse_send'), codes()),
      'POST /register': all(withBody('sse_register'), codes()),
      'GET /seen': text('(call $tell_seen)'),
      'GET /codes': codes(),
      'GET /trap': trap(),
      'GET /ok': respond({ body: 'ok' }),
      ...guest.routes,
    },
    fields: `
      (global $body (mut i32) (i32.const 0))
      (global $body_length (mut i32) (i32.const 0))
      (global $seen (mut i32) (i32.const ${seenAt}))
      ;; The body is where "body" stands as a key. None of the tests' paths and headers has that in it.
      (func $find_body (param $at i32) (local $head i32)
        (loop $next
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $next (i32.ne (i32.load (local.get $at)) (i32.const 0x79646f62))))
        (local.set $head (i32.load8_u offset=4 (local.get $at)))
        (if (i32.eq (local.get $head) (i32.const 0xc4)) (then
          (global.set $body_length (i32.load8_u offset=5 (local.get $at)))
          (global.set $body (i32.add (local.get $at) (i32.const 6))) (return)))
        (if (i32.eq (local.get $head) (i32.const 0xc5)) (then
          (global.set $body_length (i32.or
            (i32.shl (i32.load8_u offset=5 (local.get $at)) (i32.const 8))
            (i32.load8_u offset=6 (local.get $at))))
          (global.set $body (i32.add (local.get $at) (i32.const 7))) (return)))
        (global.set $body_length (i32.or
          (i32.or
            (i32.shl (i32.load8_u offset=5 (local.get $at)) (i32.const 24))
            (i32.shl (i32.load8_u offset=6 (local.get $at)) (i32.const 16)))
          (i32.or
            (i32.shl (i32.load8_u offset=7 (local.get $at)) (i32.const 8))
            (i32.load8_u offset=8 (local.get $at)))))
        (global.set $body (i32.add (local.get $at) (i32.const 9))))
      (func $emit_all (param $at i32) (local $end i32) (local $from i32) (local $code i32)
        (call $find_body (local.get $at))
        (local.set $from (global.get $body))
        (local.set $end (i32.add (local.get $from) (global.get $body_length)))
        (block $over (loop $next
          (br_if $over (i32.ge_u (local.get $from) (local.get $end)))
          (local.set $code (call $sse_emit
            (i32.add (local.get $from) (i32.const 4)) (i32.load (local.get $from))))
          (if (local.get $code) (then (call $note (local.get $code))))
          (local.set $from (i32.add (i32.add (local.get $from) (i32.const 4)) (i32.load (local.get $from))))
          (br $next))))
      ;; Each is a length of 4 bytes and the event's map.
      (func $saw (param $at i32) (param $length i32) (param $skip i32)
        (local.set $length (i32.sub (local.get $length) (local.get $skip)))
        (i32.store (global.get $seen) (local.get $length))
        (memory.copy (i32.add (global.get $seen) (i32.const 4))
          (i32.add (local.get $at) (local.get $skip)) (local.get $length))
        (global.set $seen (i32.add (global.get $seen) (i32.add (local.get $length) (i32.const 4)))))
      (func $tell_seen (local $size i32)
        (local.set $size (i32.sub (global.get $seen) (i32.const ${seenAt})))
        (memory.copy (i32.const ${answerAt}) (i32.const 1024) (i32.const 4))
        (memory.copy (i32.const ${answerAt + 4}) (global.get $id) (i32.const 9))
        (memory.copy (i32.const ${answerAt + 13}) (i32.const 1028) (i32.const 5))
        (i32.store8 (i32.const ${answerAt + 18}) (i32.const 0xc6))
        (i32.store8 (i32.const ${answerAt + 19}) (i32.shr_u (local.get $size) (i32.const 24)))
        (i32.store8 (i32.const ${answerAt + 20}) (i32.shr_u (local.get $size) (i32.const 16)))
        (i32.store8 (i32.const ${answerAt + 21}) (i32.shr_u (local.get $size) (i32.const 8)))
        (i32.store8 (i32.const ${answerAt + 22}) (local.get $size))
        (memory.copy (i32.const ${answerAt + 23}) (i32.const ${seenAt}) (local.get $size))
        (drop (call $http_respond (i32.const ${answerAt}) (i32.add (local.get $size) (i32.const 23)))))
      (data (i32.const 1024) "\\82\\a2id\\a4body")
      ${guest.fields ?? ''}`,
  };
}

/** Runs a guest with streams behind the real command line. */
export async function startSse(
  t: Scope,
  guest: SseGuest,
  { options = '', manifest: more = '', args = [] }: SseHostOptions = {},
): Promise<PulpProcess> {
  const manifest = await pluginFolder(t, {
    wasm: await watGuest(sseGuest(guest)),
    manifest: `capabilities = ["transport.http.inbound", "transport.sse"]\n${more}\n[transport.sse]\n${options}`,
  });
  return PulpProcess.start(t, { manifest, args });
}

/** Passes a message to an import of the guest by its route; gives its code, of `emits` those that are not 0. */
export async function tell(
  { url }: { readonly url: string },
  route: 'emit' | 'emits' | 'send' | 'register',
  body: Uint8Array | string,
): Promise<readonly number[]> {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : Buffer.from(body);
  return [...(await ask(`${url}/${route}`, bytes))];
}

/** Makes a request of the guest, over HTTPS with any certificate: a POST where there is a body. */
async function ask(url: string, body?: Buffer): Promise<Buffer> {
  if (url.startsWith('http:')) {
    const response = await fetch(
      url,
      body === undefined ? {} : { method: 'POST', body: new Uint8Array(body) },
    );
    const answer = Buffer.from(await response.arrayBuffer());
    assert.equal(response.status, 200, `${url}: ${answer.toString()}`);
    return answer;
  }
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const options = { method: body === undefined ? 'GET' : 'POST', rejectUnauthorized: false, agent: false };
  const sent = request(url, options, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => resolve(Buffer.concat(chunks)));
    response.on('error', reject);
  });
  sent.on('error', reject);
  sent.end(body);
  return promise;
}

/** A notice of a subscriber as the guest saw it: `path`, `query` and `headers` are there when it came. */
export interface Seen {
  readonly id: number;
  readonly path?: string;
  readonly query?: ReadonlyMap<string, string>;
  readonly headers?: ReadonlyMap<string, string>;
}

/** What this instance of the guest was told of subscribers so far, in its order. */
export async function seen({ url }: { readonly url: string }): Promise<readonly Seen[]> {
  const body = await ask(`${url}/seen`);
  const list: Seen[] = [];
  for (let at = 0; at < body.length;) {
    const size = body.readUInt32LE(at);
    list.push(readNotice(body.subarray(at + 4, at + 4 + size)));
    at += 4 + size;
  }
  return list;
}

function readNotice(bytes: Uint8Array): Seen {
  const reader = new Reader(bytes);
  const notice: { -readonly [K in keyof Seen]: Seen[K] } = { id: 0 };
  for (let left = reader.map(); left > 0; left--) {
    const key = reader.text();
    if (key === 'sub_id') notice.id = Number(reader.integer());
    else if (key === 'path') notice.path = reader.text();
    else if (key === 'query') notice.query = readPairs(reader);
    else if (key === 'headers') notice.headers = readPairs(reader);
    else throw new Error(`a notice has no ${key}`);
  }
  return notice;
}

function readPairs(reader: Reader): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (let left = reader.map(); left > 0; left--) found.set(reader.text(), reader.text());
  return found;
}
