import { Http2ServerRequest, performServerHandshake, type ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { EdgeRequest } from '../ext.ts';
import type { HeadLimits } from './head-limits.ts';
import { readHttp2Request } from './http2-request.ts';
import { Http2Response } from './http2-response.ts';
import { reply } from './reply.ts';
import { textOf } from './refuse.ts';
import { addressOf } from './request.ts';

export interface Http2ConnectionOptions {
  /** How long a client may take to begin its first request, in milliseconds: then the connection is closed. */
  readonly headerTimeoutMs: number;
  /** How long a client may take to send a whole request, in milliseconds: then 408. */
  readonly bodyTimeoutMs: number;
  /** How long a client may take nothing of an answer, in milliseconds: then its stream is reset. */
  readonly writeTimeoutMs: number;
  /** How long a connection without requests is kept, in milliseconds. */
  readonly keepAliveMs: number;
  /** Takes a request whose head has been read and checked. MUST answer it, and MUST NOT throw. */
  readonly serve: (incoming: EdgeRequest, expectsContinue: boolean) => void;
}

/** Requests that a client may have open on one connection; more are refused. */
export const maxStreams = 250;
/**
 * How many times the limit of a head all of it may have, 32 bytes more counted for each line: above it there is no 431,
 * the stream is reset.
 */
const listBytesPerByte = 2;
/** Lines of a head. So many that its bytes are over first: a line is 33 of them at least. */
const maxHeaderLines = 4096;
/** Requests that a client may cancel at once, and in each second: beyond it the connection is closed. */
export const maxResets = 500;
export const resetsPerSecond = 50;
/** Frames that are wrong or empty, in the whole life of a connection: beyond it, it is closed. */
export const maxInvalidFrames = 200;
/** Requests above {@link maxStreams}, in the whole life of a connection: beyond it, it is closed. */
const maxRejectedStreams = 100;
/** Megabytes that one connection may hold outside of the JavaScript heap: above it new requests are refused. */
const maxSessionMemory = 32;
/**
 * Bytes of cancelled answers after which a connection is given up for a fresh one: Node goes on counting what it had
 * queued of them as held, and would refuse all requests in the end.
 */
export const maxCancelledBytes = 16 * 1024 * 1024;
/** Bytes of one body, and of all, that may be on their way: with less, an upload over a long way is slow. */
const windowBytes = 256 * 1024;
const connectionWindowBytes = 1024 * 1024;
/** Bytes of an answer's head as it is compressed; the limits of an answer's head keep it far below. */
const maxSentHeaderBytes = 256 * 1024;
/** How long a client that was told to leave may take for it, in milliseconds. */
const leaveMs = 1000;

/** One HTTP/2 connection: its requests go the same way as those of HTTP/1.1. */
export class Http2Connection {
  readonly #options: Http2ConnectionOptions;
  readonly #socket: TLSSocket;
  readonly #session: ServerHttp2Session;
  readonly #remoteAddr: string;
  readonly #maxHeadBytes: number;
  readonly #open = new Set<Http2Response>();
  #begun = false;
  #cancelledBytes = 0;
  readonly #since = performance.now();
  #quietSince = this.#since;
  #leaving = false;

  constructor(socket: TLSSocket, head: HeadLimits, options: Http2ConnectionOptions) {
    this.#options = options;
    this.#maxHeadBytes = head.maxBytes;
    this.#socket = socket;
    this.#remoteAddr = addressOf(socket);
    const session = performServerHandshake(socket, {
      maxHeaderListPairs: head.maxLines ?? maxHeaderLines,
      maxSendHeaderBlockLength: maxSentHeaderBytes,
      maxSessionInvalidFrames: maxInvalidFrames,
      maxSessionRejectedStreams: maxRejectedStreams,
      maxSessionMemory,
      streamResetBurst: maxResets,
      streamResetRate: resetsPerSecond,
      // A guest may well send a header twice that others have once: as on HTTP/1.1.
      strictSingleValueFields: false,
      settings: {
        enableConnectProtocol: false,
        enablePush: false,
        initialWindowSize: windowBytes,
        maxConcurrentStreams: maxStreams,
        maxHeaderListSize: head.maxBytes * listBytesPerByte,
      },
    });
    session.setLocalWindowSize(connectionWindowBytes);
    session.on('error', () => {
      // What a client does wrong ends its own connection, and Node has seen to that.
    });
    session.on('stream', (stream, headers, _flags, rawHeaders) => {
      const request = new Http2ServerRequest(stream, headers, {}, rawHeaders);
      this.#request(request, new Http2Response(stream));
    });
    this.#session = session;
  }

  /** Whether a client has not taken all of an answer that was begun. */
  get answering(): boolean {
    const { destroyed, closed } = this.#session;
    if (destroyed) return this.#socket.writableLength > 0;
    // Once it is closed and has no requests, it is there only for what is not sent.
    if (closed && this.#open.size === 0) return true;
    for (const response of this.#open) if (response.headersSent) return true;
    return false;
  }

  /** Takes no more requests: tells the client so, and closes the connection behind the answers that it waits for. */
  close(): void {
    this.#session.close();
  }

  /** Closes it at once. An answer that is cut off is not taken for whole. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Holds the connection and its requests against their timeouts. */
  check(now: number): void {
    const { bodyTimeoutMs, writeTimeoutMs, headerTimeoutMs, keepAliveMs } = this.#options;
    // Some limits are in force only when the client has said that it knows them.
    if (this.#session.pendingSettingsAck && now - this.#since > headerTimeoutMs) this.#leave();
    if (this.#open.size === 0) {
      const quietFor = now - this.#quietSince;
      if (quietFor > (this.#begun ? keepAliveMs : headerTimeoutMs)) this.#leave();
      return;
    }
    for (const response of this.#open) {
      const { req } = response;
      if (response.stalledFor(now) > writeTimeoutMs) response.destroy();
      else if (!response.headersSent && now - response.began > bodyTimeoutMs && !isWhole(req)) {
        reply(response, 408, textOf(408));
        response.stopRequest();
      }
    }
  }

  #request(request: Http2ServerRequest, response: Http2Response): void {
    // It was over before anybody looked at it.
    if (response.destroyed) return;
    this.#begun = true;
    this.#open.add(response);
    response.once('close', () => {
      this.#open.delete(response);
      this.#quietSince = performance.now();
      const { rstCode, aborted } = response.stream;
      if (rstCode !== 0 || aborted) this.#cancelledBytes += response.unsent;
      if (this.#cancelledBytes > maxCancelledBytes) this.close();
    });
    if (request.method === 'CONNECT') return reply(response, 405, textOf(405), ['Allow', '']);
    const incoming = readHttp2Request(request, response, {
      maxBytes: this.#maxHeadBytes,
      remoteAddr: this.#remoteAddr,
    });
    if (incoming === 400) return reply(response, 400, 'bad request');
    if (incoming === 431) return reply(response, 431, textOf(431));
    const { expect } = request.headers;
    if (expect === undefined) return this.#options.serve(incoming, false);
    if (expect.toLowerCase() === '100-continue') return this.#options.serve(incoming, true);
    reply(response, 417, 'expectation failed');
  }

  /** Lets an idle client go. One that does not leave is left. */
  #leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#session.close();
    setTimeout(() => this.destroy(), leaveMs).unref();
  }
}

/** Whether a request is there as a whole. */
function isWhole({ stream, readableEnded }: Http2ServerRequest): boolean {
  return stream.endAfterHeaders || readableEnded;
}
