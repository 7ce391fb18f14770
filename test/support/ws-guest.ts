/** A guest for WebSocket tests: it echoes, does what it is told, and prints what it sees of connections. */
import { decode } from '../../runtime/src/abi/msgpack/value.ts';
import { int, map, str, bin } from './msgpack-bytes.ts';
import { patiently } from './patiently.ts';
import { pluginFolder } from './plugin-folder.ts';
import { PulpProcess } from './pulp-process.ts';
import { RawWebSocket } from './raw-websocket.ts';
import type { Scope } from './scope.ts';
import { codes, respond, type WatGuest, watGuest } from './wat-guest.ts';

/** Where the guest writes the line that it prints: up to 1,400 bytes of an event in hexadecimal digits. */
const lineAt = 1024;
const iovecAt = 464;

/** First bytes of binary messages that the guest takes for commands. All else it sends back. */
const commands = { close: 1, send: 2, register: 3, trap: 4, busy: 5, loop: 6, repeat: 7 } as const;

/** Messages that tell the guest what to do. What an import returned is behind `GET /codes`. */
export const command = {
  /** Calls `ws_close` with these bytes. */
  close: (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from([commands.close]), bytes]),
  /** Calls `ws_send` with these bytes. */
  send: (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from([commands.send]), bytes]),
  /** Calls `ws_register` with these bytes. */
  register: (path: string): Buffer =>
    Buffer.concat([Buffer.from([commands.register]), Buffer.from(path, 'latin1')]),
  /** Traps. */
  trap: (): Buffer => Buffer.from([commands.trap]),
  /** Computes for 400 ms. */
  busy: (): Buffer => Buffer.from([commands.busy]),
  /** Never comes back. */
  loop: (): Buffer => Buffer.from([commands.loop]),
  /** Sends this message back so many times, padded to a size in bytes. */
  repeat: (times: number, size: number): Buffer => {
    const message = Buffer.alloc(Math.max(5, size));
    message.writeUInt8(commands.repeat);
    message.writeUInt32LE(times, 1);
    return message;
  },
} as const;

/** What `ws_send` takes. */
export function wsSend(id: number, opcode: number, payload: string | Uint8Array): Buffer {
  return map([
    ['conn_id', int(id)],
    ['opcode', int(opcode)],
    ['payload', bin(payload)],
  ]);
}

/** What `ws_close` takes. */
export function wsClose(id: number, code: number, reason = ''): Buffer {
  return map([
    ['conn_id', int(id)],
    ['code', int(code)],
    ['reason', str(reason)],
  ]);
}

/** The guest. It registers these paths in its init. */
export function wsGuest(paths: readonly string[], more: WatGuest = {}): WatGuest {
  return {
    ...more,
    routes: { 'GET /codes': codes(), 'GET /ok': respond({ body: 'ok' }), ...more.routes },
    imports: `
      (import "pulp" "ws_register" (func $ws_register (param i32 i32) (result i32)))
      (import "pulp" "ws_send" (func $ws_send (param i32 i32) (result i32)))
      (import "pulp" "ws_close" (func $ws_close (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
      ${more.imports ?? ''}`,
    init: (data) =>
      paths
        .map((path) => `(call $note (call $ws_register ${data.add(Buffer.from(path, 'latin1'))}))`)
        .join('\n') + (more.init?.(data) ?? ''),
    step: (data) =>
      `(if (i32.eq (i32.load8_u offset=27 (local.get $at)) (i32.const ${'w'.charCodeAt(0)})) (then
         (call $ws_event (local.get $at) (local.get $length)) (return (i32.const 0))))
       ${more.step?.(data) ?? ''}`,
    fields: `${fields}\n${more.fields ?? ''}`,
  };
}

const is = (name: keyof typeof commands): string =>
  `(i32.eq (local.get $command) (i32.const ${commands[name]}))`;
const rest = '(i32.add (local.get $text) (i32.const 1)) (i32.sub (local.get $size) (i32.const 1))';

/** An event's prefix is `82 a4 kind`, its kind, and `a7 payload`; a frame's map has its fields in a fixed order. */
const fields = `
  (func $ws_event (param $at i32) (param $length i32)
      (local $kind i32) (local $event i32) (local $text i32) (local $size i32) (local $command i32) (local $left i32)
    (local.set $kind (i32.load8_u offset=30 (local.get $at)))
    (local.set $event (i32.add (local.get $at) (select (i32.const 42) (i32.const 43)
      (i32.eq (local.get $kind) (i32.const ${'o'.charCodeAt(0)})))))
    (local.set $length (i32.sub (i32.add (local.get $at) (local.get $length)) (local.get $event)))
    (if (i32.ne (local.get $kind) (i32.const ${'f'.charCodeAt(0)})) (then
      (call $print (local.get $kind) (local.get $event) (local.get $length))
      (return)))
    (local.set $kind (i32.load8_u offset=35 (local.get $event)))
    (local.set $text (i32.add (local.get $event) (select (i32.const 37)
      (select (i32.const 38) (i32.const 40) (i32.eq (local.get $kind) (i32.const 0xc5)))
      (i32.eq (local.get $kind) (i32.const 0xc4)))))
    (local.set $size (i32.sub (i32.add (local.get $event) (local.get $length)) (local.get $text)))
    (if (i32.and (i32.eq (i32.load8_u offset=26 (local.get $event)) (i32.const 2)) (i32.gt_u (local.get $size) (i32.const 0)))
      (then (local.set $command (i32.load8_u (local.get $text)))))
    (if ${is('close')} (then (call $note (call $ws_close ${rest})) (return)))
    (if ${is('send')} (then (call $note (call $ws_send ${rest})) (return)))
    (if ${is('register')} (then (call $note (call $ws_register ${rest})) (return)))
    (if ${is('trap')} (then (unreachable)))
    (if ${is('busy')} (then (call $busy (i64.const 400_000_000)) (return)))
    (if ${is('loop')} (then (loop $again (br $again))))
    (local.set $left (i32.const 1))
    (if ${is('repeat')} (then (local.set $left (i32.load offset=1 (local.get $text)))))
    (loop $next
      (if (local.get $left) (then
        (drop (call $ws_send (local.get $event) (local.get $length)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $next)))))
  (func $digit (param $value i32) (result i32)
    (i32.add (local.get $value) (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $value) (i32.const 10)))))
  (func $print (param $kind i32) (param $from i32) (param $length i32) (local $to i32) (local $end i32)
    (if (i32.gt_u (local.get $length) (i32.const 1400)) (then (unreachable)))
    (i32.store8 (i32.const ${lineAt}) (local.get $kind))
    (i32.store8 (i32.const ${lineAt + 1}) (i32.const 32))
    (local.set $to (i32.const ${lineAt + 2}))
    (local.set $end (i32.add (local.get $from) (local.get $length)))
    (loop $next
      (if (i32.lt_u (local.get $from) (local.get $end)) (then
        (i32.store8 (local.get $to) (call $digit (i32.shr_u (i32.load8_u (local.get $from)) (i32.const 4))))
        (i32.store8 offset=1 (local.get $to) (call $digit (i32.and (i32.load8_u (local.get $from)) (i32.const 15))))
        (local.set $to (i32.add (local.get $to) (i32.const 2)))
        (local.set $from (i32.add (local.get $from) (i32.const 1)))
        (br $next))))
    (i32.store8 (local.get $to) (i32.const 10))
    (i32.store (i32.const ${iovecAt}) (i32.const ${lineAt}))
    (i32.store offset=4 (i32.const ${iovecAt}) (i32.sub (local.get $to) (i32.const ${lineAt - 1})))
    (drop (call $fd_write (i32.const 1) (i32.const ${iovecAt}) (i32.const 1) (i32.const ${iovecAt + 8}))))`;

/** What the guest has seen of connections. All of its text has to be UTF-8. */
export interface SeenOpen {
  readonly kind: 'open';
  readonly id: number;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** There when the instance before knew the connection already. */
  readonly resumed?: boolean;
}

/** Where what the guest prints is to be found. */
interface Printed {
  readonly messages: readonly (string | undefined)[];
}

export interface SeenClose {
  readonly kind: 'close';
  readonly id: number;
  readonly code: number;
  readonly reason: string;
}

/** Everything that the guest has seen so far, in its order. */
export function seen(pulp: Printed): readonly (SeenOpen | SeenClose)[] {
  return pulp.messages.flatMap((message): (SeenOpen | SeenClose)[] => {
    const [, kind, hex = ''] = /^([oc]) ([\da-f]+)$/.exec(message ?? '') ?? [];
    if (kind === undefined) return [];
    const event = new Map(decode(Buffer.from(hex, 'hex')) as ReadonlyMap<string, unknown>);
    const id = Number(event.get('conn_id'));
    if (kind === 'c') {
      return [{ kind: 'close', id, code: Number(event.get('code')), reason: String(event.get('reason')) }];
    }
    const record = (name: string): Readonly<Record<string, string>> =>
      Object.fromEntries(event.get(name) as ReadonlyMap<string, string>);
    return [
      {
        kind: 'open',
        id,
        path: String(event.get('path')),
        query: record('query'),
        headers: record('headers'),
        ...(event.has('resumed') ? { resumed: event.get('resumed') === true } : {}),
      },
    ];
  });
}

/** Waits until the guest has seen the end of a connection like this one. */
export async function seenClose(pulp: Printed, like: Partial<SeenClose>): Promise<SeenClose> {
  return eventually(
    () =>
      seen(pulp)
        .filter((event) => event.kind === 'close')
        .find((event) =>
          Object.entries({ ...event, ...like }).every(([key, value]) => Reflect.get(event, key) === value),
        ),
    () => `no end like ${JSON.stringify(like)} in ${JSON.stringify(seen(pulp))}`,
  );
}

/** Looks until something is there. */
export async function eventually<T>(find: () => T | undefined, otherwise: () => string): Promise<T> {
  let given = false;
  const look = async (): Promise<T> => {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (given) throw new Error('nobody waits any more');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  try {
    return await patiently(look(), otherwise);
  } finally {
    given = true;
  }
}

export interface WsHostOptions {
  /** Lines of `[transport.ws.inbound]`. */
  readonly options?: string;
  /** Manifest lines before the tables. */
  readonly manifest?: string;
  readonly args?: readonly string[];
}

/** Runs a guest with both transports behind the real command line. */
export async function startWsGuest(
  t: Scope,
  guest: WatGuest = wsGuest(['/ws']),
  { options = '', manifest = '', args = [] }: WsHostOptions = {},
): Promise<PulpProcess> {
  const lines = [
    'capabilities = ["transport.http.inbound", "transport.ws.inbound"]',
    manifest,
    '[transport.ws.inbound]',
    options,
  ];
  const file = await pluginFolder(t, { wasm: await watGuest(guest), manifest: lines.join('\n') });
  return PulpProcess.start(t, { manifest: file, args });
}

/** Opens a connection with a name, and finds out its id. */
export async function open(
  t: Scope,
  pulp: Printed & Pick<PulpProcess, 'port' | 'dump'>,
  name: string,
): Promise<{ client: RawWebSocket; id: number }> {
  const client = await RawWebSocket.open(t, pulp.port, { path: `/ws?${name}` });
  const { id } = await opened(pulp, name);
  return { client, id };
}

/** Waits until the guest has seen a connection with this name begin. */
export function opened(pulp: Printed & Pick<PulpProcess, 'dump'>, name: string): Promise<SeenOpen> {
  return eventually(
    () =>
      seen(pulp)
        .filter((event) => event.kind === 'open')
        .find(({ query }) => name in query),
    () => `${name} was never opened:\n${pulp.dump()}`,
  );
}

/** What the imports returned that were called by command. */
export async function returned(pulp: PulpProcess): Promise<readonly number[]> {
  return [...new Uint8Array(await (await fetch(`${pulp.url}/codes`)).arrayBuffer())];
}

/** Has the guest do something, and waits until it has. */
export async function tell(client: RawWebSocket, message: Uint8Array): Promise<void> {
  client.frame({ opcode: 2, payload: message });
  client.text('done');
  for (;;) if ((await client.message()) === 'done') return;
}
