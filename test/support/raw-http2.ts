import { connect, type TLSSocket } from 'node:tls';
import { patiently } from './patiently.ts';
import type { Scope } from './scope.ts';

/** Types of frames (RFC 9113 section 6). */
export const Frame = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const Flag = { endStream: 1, ack: 1, endHeaders: 4 } as const;

export interface ReceivedFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** The bytes of a frame. */
export function frame(
  type: number,
  { flags = 0, stream = 0, payload = Buffer.alloc(0) }: Partial<Omit<ReceivedFrame, 'type'>> = {},
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A number in HPACK (RFC 7541 section 5.1), with this many bits in its first byte. */
function number(value: number, bits: number): Buffer {
  const most = 2 ** bits - 1;
  if (value < most) return Buffer.from([value]);
  const bytes = [most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** A header block without compression: fields that no table remembers, as binary strings. */
export function headerBlock(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [
      Buffer.from([0]),
      number(name.length, 7),
      Buffer.from(name, 'latin1'),
      number(value.length, 7),
      Buffer.from(value, 'latin1'),
    ]),
  );
}

/** The pseudo fields of a request. */
export function pseudo(path = '/ok', method = 'GET'): readonly (readonly [string, string])[] {
  return [
    [':method', method],
    [':scheme', 'https'],
    [':path', path],
    [':authority', 'localhost'],
  ];
}

/** The frame of a request's head, which is its end unless `flags` says otherwise. */
export function headersFrame(
  stream: number,
  fields: readonly (readonly [string, string])[] = pseudo(),
  flags: number = Flag.endStream | Flag.endHeaders,
): Buffer {
  return frame(Frame.headers, { stream, flags, payload: headerBlock(fields) });
}

/** A 32-bit number as the payload of a frame. */
export function word(value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(value);
  return payload;
}

export interface RawHttp2Options {
  readonly preface?: boolean;
  /** The payload of the settings. */
  readonly settings?: Buffer;
  readonly acknowledge?: boolean;
}

/** An HTTP/2 client that sends whatever frames it is told, and answers none but the first settings. */
export class RawHttp2 {
  /** Settles when the connection is over, however. */
  readonly closed: Promise<void>;
  readonly frames: ReceivedFrame[] = [];
  readonly #socket: TLSSocket;
  #rest: Buffer = Buffer.alloc(0);
  #over = false;
  #wake = Promise.withResolvers<void>();

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#over = true;
      this.#changed();
      resolve();
    });
  }

  /** Connects, and unless told otherwise sends the preface, empty settings, and acknowledges those of the server. */
  static async open(t: Scope, port: number, options: RawHttp2Options = {}): Promise<RawHttp2> {
    const { preface = true, settings = Buffer.alloc(0), acknowledge = true } = options;
    const socket = connect({
      port,
      host: '127.0.0.1',
      ALPNProtocols: ['h2'],
      rejectUnauthorized: false,
    });
    t.after(() => socket.destroy());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once('secureConnect', resolve).once('error', reject);
    await patiently(promise, () => 'no TLS');
    const raw = new RawHttp2(socket);
    if (preface) raw.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', frame(Frame.settings, { payload: settings }));
    if (preface && acknowledge) raw.send(frame(Frame.settings, { flags: Flag.ack }));
    return raw;
  }

  /** Whether the connection has ended. */
  get over(): boolean {
    return this.#over;
  }

  /** Sends bytes; a string is a binary string. Gives what has not left yet, in bytes. */
  send(...parts: readonly (string | Uint8Array)[]): number {
    if (this.#over) return 0;
    this.#socket.write(
      Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part))),
    );
    return this.#socket.writableLength;
  }

  /** Stops and goes on reading. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  drop(): void {
    this.#socket.destroy();
  }

  /** The first frame of this type, and of this stream if one is named. Undefined when the connection ends without. */
  async frame(type: number, stream?: number): Promise<ReceivedFrame | undefined> {
    for (;;) {
      const found = this.frames.find(
        (candidate) => candidate.type === type && (stream === undefined || candidate.stream === stream),
      );
      if (found !== undefined || this.#over) return found;
      await patiently(this.#wake.promise, () => `no frame of type ${type} came`);
    }
  }

  /** Lets what is on its way both ways arrive: the server answers a ping when it has read what came before. */
  async settled(): Promise<void> {
    const pings = this.frames.filter(({ type }) => type === Frame.ping).length;
    this.send(frame(Frame.ping, { payload: Buffer.alloc(8, pings + 1) }));
    while (!this.#over && this.frames.filter(({ type }) => type === Frame.ping).length <= pings) {
      await patiently(this.#wake.promise, () => 'no answer to a ping');
    }
  }

  #read(chunk: Buffer): void {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      if (rest.length < 9) break;
      const length = rest.readUIntBE(0, 3);
      if (rest.length < 9 + length) break;
      this.frames.push({
        type: rest.readUInt8(3),
        flags: rest.readUInt8(4),
        stream: rest.readUInt32BE(5),
        payload: rest.subarray(9, 9 + length),
      });
      rest = rest.subarray(9 + length);
    }
    this.#rest = rest;
    this.#changed();
  }

  #changed(): void {
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers();
    resolve();
  }
}
