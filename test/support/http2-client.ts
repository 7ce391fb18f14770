import {
  connect,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2';
import { patiently } from './patiently.ts';
import type { Scope } from './scope.ts';

/** How a stream ended. Without a status it was refused or reset before an answer. */
export interface Http2Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** A status of 100 came before. */
  readonly continued: boolean;
  readonly body: Buffer;
  /** The code of RST_STREAM; 0 when the stream ended in order. */
  readonly code: number;
}

export interface Http2Request {
  readonly method?: string;
  /** Further fields; those that begin with `:` replace the usual ones. A list is names and values in turn. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Left out, the request ends with its head. */
  readonly body?: string | Uint8Array;
}

/** A client of one HTTP/2 connection, which ends with its test at the latest. */
export class Http2Client {
  /** Settles when the connection is over, however. */
  readonly closed: Promise<void>;
  readonly session: ClientHttp2Session;
  /** The code of the GOAWAY that the server sent. */
  goaway: number | undefined;

  private constructor(session: ClientHttp2Session) {
    this.session = session;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    session.on('goaway', (code) => {
      this.goaway = code;
    });
    // What a test wants to know of it is how its streams end.
    session.on('error', () => undefined);
    session.on('close', resolve);
  }

  static async open(t: Scope, port: number, options: SecureClientSessionOptions = {}): Promise<Http2Client> {
    // The types lack an option that the documentation has.
    const lenient = { strictSingleValueFields: false };
    const session = connect(`https://localhost:${port}`, {
      ...lenient,
      rejectUnauthorized: false,
      // More than the server takes and sends: the limits looked at are the server's.
      maxHeaderListPairs: 10_000,
      maxSendHeaderBlockLength: 1_000_000,
      // Node goes on counting what it had queued for a stream that was reset.
      maxSessionMemory: 1000,
      ...options,
      settings: { maxHeaderListSize: 1_000_000, enablePush: false, ...options.settings },
    });
    const client = new Http2Client(session);
    t.after(() => session.destroy());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    session.once('remoteSettings', () => resolve()).once('error', reject);
    await patiently(promise, () => 'the server sent no settings');
    return client;
  }

  /** Makes a request and waits until its stream has ended. */
  async request(path: string, request: Http2Request = {}): Promise<Http2Answer> {
    const { method = 'GET', headers = {}, body } = request;
    const stream = this.session.request(
      { ':method': method, ':path': path, ...(headers as Record<string, string | string[]>) },
      { endStream: body === undefined },
    );
    const answer = answerOf(stream);
    if (body !== undefined) stream.end(body);
    return patiently(answer, () => `${method} ${path} was not answered`);
  }
}

/** Collects what comes on a stream, until it has ended. */
export function answerOf(stream: ReturnType<ClientHttp2Session['request']>): Promise<Http2Answer> {
  const { promise, resolve } = Promise.withResolvers<Http2Answer>();
  const chunks: Buffer[] = [];
  let head: IncomingHttpHeaders & { ':status'?: number | undefined } = {};
  let rawHeaders: readonly string[] = [];
  let continued = false;
  stream.on('continue', () => {
    continued = true;
  });
  stream.on('response', (fields, _flags, raw) => {
    head = fields;
    rawHeaders = raw;
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', () => undefined);
  stream.on('close', () => {
    const { ':status': status, ...headers } = head;
    resolve({
      status,
      headers,
      rawHeaders,
      continued,
      body: Buffer.concat(chunks),
      code: stream.rstCode,
    });
  });
  return promise;
}
