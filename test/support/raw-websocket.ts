import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { patiently } from './patiently.ts';
import type { Scope } from './scope.ts';
import { reset } from './reset.ts';

/** A frame as it is written: what is left out is as an honest client has it. */
export interface FrameFields {
  /** Default: the last frame of its message. */
  readonly fin?: boolean;
  /** The three reserved bits. */
  readonly reserved?: number;
  readonly opcode: number;
  /** Text is a binary string. */
  readonly payload?: string | Uint8Array;
  /** The mask's four bytes; undefined is none. */
  readonly mask?: Uint8Array | undefined;
  /** The length that the head claims, in the form of 64 bits. Default: that of the payload, in the shortest form. */
  readonly claimed?: bigint;
}

/** A frame that came. */
export interface ReceivedFrame {
  readonly fin: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
}

/** The bytes of a frame (RFC 6455 section 5.2), masked unless the fields say otherwise. */
export function frame(fields: FrameFields): Buffer {
  const { fin = true, reserved = 0, opcode, payload = '', claimed } = fields;
  const mask = 'mask' in fields ? fields.mask : Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : Buffer.from(payload);
  const masked = mask === undefined ? body : body.map((byte, index) => byte ^ (mask[index & 3] ?? 0));
  const bit = mask === undefined ? 0 : 0x80;
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  let head: Buffer;
  if (claimed !== undefined || body.length > 0xffff) {
    head = Buffer.from([first, bit | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
    head.writeBigUInt64BE(claimed ?? BigInt(body.length), 2);
  } else if (body.length > 125) {
    head = Buffer.from([first, bit | 126, body.length >> 8, body.length & 0xff]);
  } else {
    head = Buffer.from([first, bit | body.length]);
  }
  return Buffer.concat([head, mask ?? Buffer.alloc(0), masked]);
}

/** A close frame with a code and a reason, a binary string. */
export function closeFrame(code: number, reason = ''): Buffer {
  return frame({
    opcode: 8,
    payload: Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason, 'latin1')]),
  });
}

/** Takes frames of a server off the front of what came. */
export function takeFrame(
  bytes: Buffer,
): { readonly frame: ReceivedFrame; readonly rest: Buffer } | undefined {
  if (bytes.length < 2) return undefined;
  const first = bytes.readUInt8(0);
  const short = bytes.readUInt8(1);
  assert.equal(short & 0x80, 0, 'a server does not mask');
  assert.equal(first & 0x70, 0, 'no reserved bit is set');
  const at = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < at) return undefined;
  const size =
    short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < at + size) return undefined;
  const payload = bytes.subarray(at, at + size);
  return {
    frame: { fin: (first & 0x80) !== 0, opcode: first & 0x0f, payload },
    rest: bytes.subarray(at + size),
  };
}

/** The code and the reason of a close frame that came. */
export function closeOf({ opcode, payload }: ReceivedFrame): {
  readonly code: number;
  readonly reason: string;
} {
  assert.equal(
    opcode,
    8,
    `expected a close frame, found opcode ${opcode}: ${payload.toString('latin1', 0, 100)}`,
  );
  if (payload.length === 0) return { code: 1005, reason: '' };
  return { code: payload.readUInt16BE(0), reason: payload.toString('latin1', 2) };
}

/** The lines of a handshake. */
export function handshake(path: string, headers: readonly string[] = []): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: test',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ...headers,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** A WebSocket client that sends what it is told, byte by byte, honest or not. */
export class RawWebSocket {
  /** Settles when the connection is closed, by whichever side and however. */
  readonly closed: Promise<void>;
  /** The server's answer to the handshake. */
  head = '';
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #chunks: Buffer[] = [];
  #over = false;
  #wake = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#changed();
    });
    socket.on('error', () => undefined);
    socket.on('end', () => this.#end());
    socket.on('close', () => {
      this.#end();
      resolve();
    });
  }

  /** Connects to a port of 127.0.0.1 and shakes hands. It ends with the test at the latest. */
  static async open(
    t: Scope,
    port: number,
    { path = '/ws', headers = [] }: { readonly path?: string; readonly headers?: readonly string[] } = {},
  ): Promise<RawWebSocket> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const raw = new RawWebSocket(socket);
    t.after(() => socket.destroy());
    raw.send(handshake(path, headers));
    await raw.#until(() => {
      const end = raw.#all().indexOf('\r\n\r\n');
      if (end < 0) return false;
      raw.head = raw.#received.toString('latin1', 0, end + 4);
      raw.#received = raw.#received.subarray(end + 4);
      return true;
    });
    assert.match(raw.head, /^HTTP\/1\.1 101 /);
    return raw;
  }

  /** Sends bytes; a string is a binary string. */
  send(data: string | Uint8Array): void {
    this.#socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
  }

  /** Sends a frame. */
  frame(fields: FrameFields): void {
    this.send(frame(fields));
  }

  /** Sends a text message, a binary string. */
  text(payload: string): void {
    this.frame({ opcode: 1, payload });
  }

  /** Bytes that the system has not taken yet. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  /** Whether the connection has ended, or the server has said that it sends no more. */
  get over(): boolean {
    return this.#over;
  }

  /** Stops reading until {@link resume}. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Says that no more is coming. */
  finish(): void {
    this.#socket.end();
  }

  /** Ends the connection with a reset. */
  drop(): void {
    reset(this.#socket);
  }

  /** The next frame; undefined when the connection ended without one. */
  async next(): Promise<ReceivedFrame | undefined> {
    let found: ReceivedFrame | undefined;
    await this.#until(() => {
      const taken = takeFrame(this.#all());
      if (taken === undefined) return this.#over;
      found = taken.frame;
      this.#received = taken.rest;
      return true;
    });
    return found;
  }

  /** The next message that is not a control frame, as a binary string. */
  async message(): Promise<string> {
    for (;;) {
      const next = await this.next();
      assert.ok(next !== undefined, 'the connection ended');
      if (next.opcode === 8) assert.fail(`it was closed: ${JSON.stringify(closeOf(next))}`);
      if (next.opcode < 8) return next.payload.toString('latin1');
    }
  }

  /** The code and the reason that the server closes with; messages before it are passed over. */
  async close(): Promise<{ readonly code: number; readonly reason: string }> {
    for (;;) {
      const next = await this.next();
      assert.ok(next !== undefined, 'the connection ended without a close frame');
      if (next.opcode === 8) return closeOf(next);
    }
  }

  async #until(done: () => boolean): Promise<void> {
    while (!done()) {
      if (this.#over) assert.fail(`the connection ended: ${this.#all().toString('latin1', 0, 300)}`);
      await patiently(this.#wake.promise, () => `nothing came behind ${this.#all().length} bytes`);
    }
  }

  #all(): Buffer {
    if (this.#chunks.length > 0) {
      this.#received = Buffer.concat([this.#received, ...this.#chunks]);
      this.#chunks = [];
    }
    return this.#received;
  }

  #end(): void {
    this.#over = true;
    this.#changed();
  }

  #changed(): void {
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers();
    resolve();
  }
}
