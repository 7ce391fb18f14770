import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { patiently } from './patiently.ts';
import type { Scope } from './scope.ts';
import { reset } from './reset.ts';

/** A response as it came: header names as sent, text as binary strings. */
export interface RawResponse {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** The first value of a header, whatever the case of its name. */
export function header({ headers }: RawResponse, name: string): string | undefined {
  return headers.find(([found]) => found.toLowerCase() === name.toLowerCase())?.[1];
}

/** A client that sends what it is told, byte by byte, and reads responses one after the other. */
export class RawConnection {
  /** Settles when the connection is closed, by whichever side and however. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  #received: Buffer[] = [];
  #size = 0;
  #over = false;
  #wake = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.on('data', (chunk: Buffer) => {
      this.#received.push(chunk);
      this.#size += chunk.length;
      this.#changed();
    });
    socket.on('end', () => this.#end());
    // A reset is an end like any other here: tests look at what came before it.
    socket.on('error', () => this.#end());
    socket.on('close', () => {
      this.#end();
      resolve();
    });
  }

  /** Connects to a port of 127.0.0.1. The connection ends with the test at the latest. */
  static async open(t: Scope, port: number): Promise<RawConnection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const connection = new RawConnection(socket);
    t.after(() => socket.destroy());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once('connect', resolve).once('error', reject);
    await promise;
    return connection;
  }

  /** Sends bytes; a string is a binary string. */
  send(data: string | Uint8Array): void {
    this.#socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
  }

  /** Sends lines, each with its CR LF, and the empty line that ends a head. */
  head(...lines: readonly string[]): void {
    this.send(`${lines.join('\r\n')}\r\n\r\n`);
  }

  /** Stops reading until {@link resume}: a client that does not keep up. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Says that no more is coming, as a client does that has sent all. */
  finish(): void {
    this.#socket.end();
  }

  /** Ends the connection at once, with a reset: a client that has gone. */
  drop(): void {
    reset(this.#socket);
  }

  /** The next response. A 1xx counts as one. `toHead`: it answers HEAD, so it has no body whatever it says. */
  async response({ toHead = false }: { readonly toHead?: boolean } = {}): Promise<RawResponse> {
    const end = await this.#find('\r\n\r\n');
    const [first = '', ...lines] = this.#take(end + 4)
      .toString('latin1', 0, end)
      .split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3})(?: |$)/.exec(first)?.[1]);
    assert.ok(status >= 100, `not a status line: ${first}`);
    const headers = lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
    });
    const bodiless = toHead || status < 200 || status === 204 || status === 304;
    const response = { status, headers, body: Buffer.alloc(0) };
    return bodiless ? response : { ...response, body: await this.#body(response) };
  }

  /** What was received and not yet read. */
  get rest(): string {
    return this.#all().toString('latin1');
  }

  async #body(response: RawResponse): Promise<Buffer> {
    if (header(response, 'Transfer-Encoding') === 'chunked') return this.#chunks();
    const length = header(response, 'Content-Length');
    if (length !== undefined) return this.#exactly(Number(length));
    while (!this.#over) await this.#wake.promise;
    return this.#take(this.#size);
  }

  async #chunks(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (;;) {
      const end = await this.#find('\r\n');
      const size = Number.parseInt(this.#take(end + 2).toString('latin1'), 16);
      const chunk = await this.#exactly(size + 2);
      if (size === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, size));
    }
  }

  async #exactly(length: number): Promise<Buffer> {
    while (this.#size < length) await this.#more();
    return this.#take(length);
  }

  async #find(text: string): Promise<number> {
    for (;;) {
      const at = this.#all().indexOf(text, 0, 'latin1');
      if (at >= 0) return at;
      await this.#more();
    }
  }

  #take(length: number): Buffer {
    const all = this.#all();
    this.#received = [all.subarray(length)];
    this.#size -= length;
    return all.subarray(0, length);
  }

  /** What is there, in one piece. */
  #all(): Buffer {
    const all = this.#received.length === 1 ? this.#received[0] : undefined;
    if (all !== undefined) return all;
    const joined = Buffer.concat(this.#received);
    this.#received = [joined];
    return joined;
  }

  async #more(): Promise<void> {
    if (this.#over)
      assert.fail(`the connection ended, with ${this.#size} bytes unread: ${this.rest.slice(0, 200)}`);
    await patiently(this.#wake.promise, () => `nothing came behind ${this.#size} unread bytes`);
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

/** One request on a connection of its own: the lines of its head, and its body. */
export async function rawRequest(
  t: Scope,
  port: number,
  { head, body = '' }: { readonly head: readonly string[]; readonly body?: string | Uint8Array },
): Promise<RawResponse> {
  const connection = await RawConnection.open(t, port);
  connection.head(...head);
  if (body.length > 0) connection.send(body);
  const response = await connection.response({ toHead: head[0]?.startsWith('HEAD ') === true });
  connection.drop();
  return response;
}
