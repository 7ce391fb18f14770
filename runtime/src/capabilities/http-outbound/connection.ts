import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { Client, type Dispatcher } from 'undici';
import { InterimHeads } from './interim-heads.ts';

/**
 * How long a connection stays open without a request, in milliseconds. A thread with an open socket turns its
 * event loop, which costs more than blocking, so it is short.
 */
export const keepAliveMs = 4000;

/** Bytes of all header names and values of an answer. */
export const maxAnswerHeaderBytes = 256 * 1024;

export interface ConnectionOptions {
  readonly origin: string;
  /** Begins a connection; what it throws is the request's failure. */
  readonly open: () => Socket;
  /** Keeps the thread on its event loop: without it the end of a connection would be seen too late. */
  readonly ref: () => Disposable;
  /** Called when its socket is closed. */
  readonly closed: (connection: Connection) => void;
}

/** A connection to one origin, with one request at a time. It was judged for this origin and serves no other. */
export class Connection {
  readonly origin: string;
  /** Whether a request has been made on it before the present one. */
  reused = false;
  /** What the socket failed with. */
  fault: Error | undefined;
  readonly #client: Client;
  readonly #options: ConnectionOptions;
  readonly #heads = new InterimHeads();
  #socket: Socket | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.origin = options.origin;
    this.#client = new Client(options.origin, {
      connect: (_target, callback) => this.#connect(callback),
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      maxHeaderSize: maxAnswerHeaderBytes,
      // The deadline of the whole exchange is kept by the one who asks.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    // An error of nobody's request would otherwise end the thread.
    const emitter: EventEmitter = this.#client;
    emitter.on('error', (error: unknown) => this.destroy(toError(error)));
  }

  /** Whether another request can be made on its open socket. */
  get reusable(): boolean {
    return this.#socket?.destroyed === false && this.fault === undefined && !this.#client.destroyed;
  }

  /** Makes a request. There MUST NOT be another one on its way. */
  request(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#heads.begin();
    this.#client.dispatch(options, handler);
  }

  /** Ends it at once, whatever it is doing; a request on its way fails with `reason`. Twice is fine. */
  destroy(reason: Error): void {
    this.#client.destroy(reason, () => undefined);
    this.#socket?.destroy();
  }

  #connect(callback: (...result: [null, Socket] | [Error, null]) => void): void {
    const socket = this.#options.open();
    const ref = this.#options.ref();
    const heads = this.#heads;
    // What an earlier socket had sent counts no more.
    heads.begin();
    this.#socket = socket;
    this.fault = undefined;
    let waiting = true;
    const fail = (error: Error): void => {
      if (waiting) callback(error, null);
      waiting = false;
    };
    // All that is received comes by here, before undici sees it.
    const push = socket.push.bind(socket);
    socket.push = (chunk: unknown, encoding) => {
      if (chunk instanceof Uint8Array) heads.pass(chunk);
      return push(chunk, encoding);
    };
    socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', () => {
      if (waiting) callback(null, socket);
      waiting = false;
    });
    // First of all listeners: undici takes a reset for the end of a body that has no length.
    socket.on('error', (error) => {
      if (this.#socket === socket) this.fault = error;
      fail(error);
    });
    socket.once('close', () => {
      ref[Symbol.dispose]();
      fail(new Error('the connection was closed'));
      this.#options.closed(this);
    });
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
