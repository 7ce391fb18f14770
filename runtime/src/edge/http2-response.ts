import type { EventEmitter } from 'node:events';
import type { OutgoingHttpHeaders } from 'node:http';
import {
  constants,
  type Http2ServerRequest,
  Http2ServerResponse,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';

type Headers = OutgoingHttpHeaders | readonly string[];
type Done = (error?: Error | null) => void;

/** The members used of Node's class, which is not the `Writable` that its types say. */
interface NodeResponse extends EventEmitter {
  readonly stream: ServerHttp2Stream;
  readonly req: Http2ServerRequest;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  statusCode: number;
  getHeaders(): OutgoingHttpHeaders;
  writeHead(status: number, headers?: Headers): this;
  write(chunk: string | Uint8Array, encoding?: BufferEncoding, done?: Done): boolean;
  end(chunk?: string | Uint8Array, encoding?: BufferEncoding, done?: Done): this;
  writeContinue(): boolean;
  destroy(error?: Error): void;
}

const NodeResponse = Http2ServerResponse as unknown as new (stream: ServerHttp2Stream) => NodeResponse;

/** Fields of one connection of HTTP/1.1, which HTTP/2 forbids (RFC 9113 section 8.2.2): Node throws on them. */
const connectionSpecific: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** A large body is handed over in pieces of so many bytes: each that goes out shows that the client reads. */
export const pieceBytes = 64 * 1024;

/**
 * The response of an HTTP/2 stream, with the members of a `ServerResponse` that the edge uses. What HTTP/1.1 allows
 * in a head and HTTP/2 does not is dropped here, and here alone. Nothing in it throws because the client has gone.
 */
export class Http2Response extends NodeResponse {
  /** The connection. A stream forgets its own when it ends. Undefined when it had ended before it was looked at. */
  readonly session: ServerHttp2Session | undefined;
  /** When the request was there, as `performance.now()` has it. */
  readonly began = performance.now();
  /** The client has gone, or its answer is over. */
  destroyed: boolean;
  /** When the client last took something, or there was nothing for it to take. */
  #moved = this.began;
  #inPieces = false;
  #unsent = 0;

  constructor(stream: ServerHttp2Stream) {
    super(stream);
    this.session = stream.session as ServerHttp2Session | undefined;
    this.destroyed = stream.destroyed;
    const over = (): void => {
      this.destroyed = true;
    };
    stream.prependOnceListener('close', over);
    // Before the body that was cut off looks like one that has ended.
    stream.once('aborted', over);
    if (this.req.method !== 'HEAD') return;
    // Node says nothing of the end of a stream whose HEAD was not answered.
    stream.once('close', () => {
      if (!this.writableEnded) this.emit('close');
    });
  }

  /** Sends the head. Headers are names and values in turn, or an object. Does nothing when the client has gone. */
  override writeHead(status: number, headers: Headers = []): this {
    if (this.#gone || this.headersSent) return this;
    this.#moved = performance.now();
    this.statusCode = status;
    const lines: string[] = [':status', String(status)];
    for (const [name, value] of Object.entries(this.getHeaders())) addLines(lines, name, value);
    if (isList(headers)) {
      for (let at = 0; at < headers.length; at += 2)
        addLine(lines, headers[at] as string, headers[at + 1] as string);
    } else {
      for (const [name, value] of Object.entries(headers)) addLines(lines, name, value);
    }
    this.stream.respond(lines);
    return this;
  }

  override write(chunk: string | Uint8Array, encoding?: BufferEncoding, done?: Done): boolean {
    if (this.#gone) return false;
    if (this.#unsent === 0) this.#moved = performance.now();
    this.#unsent += chunk.length;
    return super.write(chunk, encoding, (error) => {
      this.#moved = performance.now();
      // The end of the stream is an end of the write, too, and no error.
      if (!this.#gone) this.#unsent -= chunk.length;
      done?.(error);
    });
  }

  override end(chunk?: string | Uint8Array, encoding?: BufferEncoding, done?: Done): this {
    if (this.#gone || this.#inPieces) return this;
    if (typeof chunk !== 'object' || chunk.length <= pieceBytes) return super.end(chunk, encoding, done);
    this.#inPieces = true;
    this.#sendPiece(chunk, done);
    return this;
  }

  override writeContinue(): boolean {
    return !this.#gone && !this.headersSent && super.writeContinue();
  }

  /**
   * Gives the stream up: it is reset with INTERNAL_ERROR. Without an error, or by `close`, Node would end it as if the
   * answer were whole.
   */
  override destroy(error: Error = new Error('the answer was given up')): void {
    if (!this.#gone) super.destroy(error);
  }

  /** The answer is given: the client need not send the rest of its request (RFC 9113 section 8.1). */
  stopRequest(): void {
    if (!this.#gone) this.stream.close(constants.NGHTTP2_NO_ERROR);
  }

  /** Bytes that were handed over and have not gone out; once the stream has ended, those that never will. */
  get unsent(): number {
    return this.#unsent;
  }

  /** For how long the client has taken nothing of what there is for it, in milliseconds. */
  stalledFor(now: number): number {
    if (this.destroyed || !this.headersSent) return 0;
    return this.writableEnded || this.#unsent > 0 ? now - this.#moved : 0;
  }

  /** `writeHead` and what follows would throw on such a stream. */
  get #gone(): boolean {
    return this.destroyed || this.stream.destroyed || this.stream.closed;
  }

  #sendPiece(rest: Uint8Array, done: Done | undefined): void {
    if (this.#gone) return;
    if (rest.length <= pieceBytes) {
      super.end(rest, undefined, done);
      return;
    }
    this.write(rest.subarray(0, pieceBytes), undefined, (error) => {
      if (error === undefined || error === null) this.#sendPiece(rest.subarray(pieceBytes), done);
    });
  }
}

function isList(headers: Headers): headers is readonly string[] {
  return Array.isArray(headers);
}

function addLines(lines: string[], name: string, value: OutgoingHttpHeaders[string]): void {
  if (value === undefined) return;
  if (Array.isArray(value)) for (const one of value) addLine(lines, name, one);
  else addLine(lines, name, String(value));
}

function addLine(lines: string[], name: string, value: string): void {
  const lower = name.toLowerCase();
  if (connectionSpecific.has(lower)) return;
  // HTTP/1.1 ignores blanks around a value, for HTTP/2 they make it malformed (RFC 9113 section 8.2.1).
  lines.push(
    lower,
    isBlank(value.at(0)) || isBlank(value.at(-1)) ? value.replaceAll(outerBlanks, '') : value,
  );
}

const outerBlanks = /^[ \t]+|[ \t]+$/g;

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}
