import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { EdgeRequest, Listener, Log, Phase, UpgradeHandler } from '../ext.ts';
import type { Budget } from './budget.ts';
import { announcesTooMuch, collectBody } from './body.ts';
import { beginAnswer, endWithAnswers } from './connection.ts';
import { reply, unavailable } from './reply.ts';
import { readRequest } from './request.ts';

export interface ListenerOptions {
  /** Largest request body in bytes. */
  readonly maxBodyBytes: number;
  /** Open connections; more are closed as they come. */
  readonly maxConnections: number;
  /** How long a client may take to send the head of a request, in milliseconds: then 408. */
  readonly headerTimeoutMs: number;
  /** How long a client may take to send a whole request, in milliseconds: then 408. */
  readonly bodyTimeoutMs: number;
  /** How long a client may take nothing of its answer, in milliseconds: then its connection is closed. */
  readonly writeTimeoutMs: number;
  /** How long a client waits for an answer, in milliseconds: then 504. */
  readonly requestTimeoutMs: number;
  /** What the bodies of all requests share. */
  readonly budget: Budget;
  readonly log: Log;
}

export interface CloseOptions {
  /** How long connections may stay that are owed nothing, in milliseconds. */
  readonly graceMs: number;
  /** How long clients may take to read what was answered, in milliseconds. */
  readonly answersMs: number;
}

/** Bytes of a request's head: above it the client gets 431. */
const maxHeaderBytes = 64 * 1024;
/** How long an idle connection is kept, in milliseconds. */
const keepAliveMs = 60_000;
/** How often connections are held against their timeouts, in milliseconds. */
const timeoutCheckMs = 1000;

const phases: readonly Phase[] = ['stream', 'route', 'fallback'];

/**
 * The one listener of an edge: HTTP/1.1, with every limit that protects it. It is constructed closed; nothing
 * listens before {@link listen}.
 */
export class HttpListener implements Listener {
  readonly requestTimeoutMs: number;
  readonly #options: ListenerOptions;
  readonly #handlers: Record<Phase, ((incoming: EdgeRequest) => boolean)[]> = {
    stream: [],
    route: [],
    fallback: [],
  };
  readonly #upgrades: UpgradeHandler[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #closing = false;
  #dropped = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.requestTimeoutMs = options.requestTimeoutMs;
    const server = createServer({
      connectionsCheckingInterval: timeoutCheckMs,
      headersTimeout: options.headerTimeoutMs,
      requestTimeout: options.bodyTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      maxHeaderSize: maxHeaderBytes,
      noDelay: true,
      optimizeEmptyRequests: true,
      requireHostHeader: true,
      shouldUpgradeCallback: (request) => this.#upgrades.some((handler) => handler.claims(request)),
    });
    // The size limit above bounds the lines too; Node's own count would drop the rest without a word.
    server.maxHeadersCount = 0;
    server.maxConnections = options.maxConnections;
    // A connection is quiet while a plugin works on its request, too, and that has a limit of its own.
    server.timeout = options.requestTimeoutMs + options.writeTimeoutMs;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('request', (request, response) => this.#request(request, response));
    server.on('checkContinue', (request, response) => this.#request(request, response, true));
    server.on('checkExpectation', (_request, response) => reply(response, 417, 'expectation failed'));
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    server.on('connect', (_request, socket) => refuse(socket, 405));
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      // The requests before it were good, and their answers come first (RFC 9112 section 9.3.2).
      const status = statusOf(error);
      if (!endWithAnswers(socket, { status, text: textOf(status) })) refuse(socket, status);
    });
    server.on('drop', () => this.#drop());
    this.#server = server;
  }

  on(phase: Phase, handler: (incoming: EdgeRequest) => boolean): void {
    this.#handlers[phase].push(handler);
  }

  upgrade(handler: UpgradeHandler): void {
    this.#upgrades.push(handler);
  }

  body(incoming: EdgeRequest, done: (body: Uint8Array) => void): void {
    const { maxBodyBytes: maxBytes, budget } = this.#options;
    collectBody(incoming, { maxBytes, budget }, done);
  }

  /** Starts to listen. Rejects with the system's error when the address is taken or not there. */
  async listen(port: number, host: string | undefined): Promise<AddressInfo> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen(host === undefined ? { port } : { port, host }, resolve);
    await promise;
    this.#server.off('error', reject);
    this.#server.on('error', (error) => this.#options.log.error('listener error', { error: error.message }));
    return this.#server.address() as AddressInfo;
  }

  /** Takes no more connections, and closes each that is there after the answers it waits for. */
  stopAccepting(): void {
    if (this.#closing) return;
    this.#closing = true;
    // Not the close of http, which destroys connections whose answer is written and not yet sent.
    NetServer.prototype.close.call(this.#server);
    this.#closeIdle();
  }

  /**
   * Waits until every connection has ended, then closes what is left. False when that cut off an answer that a
   * client was still reading.
   */
  async close({ graceMs, answersMs }: CloseOptions): Promise<boolean> {
    this.stopAccepting();
    const begun = performance.now();
    while (this.#sockets.size > 0) {
      const passed = performance.now() - begun;
      if (passed >= graceMs && (passed >= answersMs || !this.#answering)) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
      this.#closeIdle();
    }
    const clean = !this.#answering;
    this.#server.closeAllConnections();
    this.#server.close();
    return clean;
  }

  /** Node takes a connection for idle as soon as its answer is written, so nothing may still be on its way. */
  #closeIdle(): void {
    if (!this.#answering) this.#server.closeIdleConnections();
  }

  /** Whether a client has not taken all of its answer. */
  get #answering(): boolean {
    for (const { writableLength } of this.#sockets) if (writableLength > 0) return true;
    return false;
  }

  /** Hot: every request begins here. */
  #request(request: IncomingMessage, response: ServerResponse, expectsContinue = false): void {
    if (this.#closing) response.shouldKeepAlive = false;
    const incoming = readRequest(request, response);
    if (incoming === undefined) {
      reply(response, 400, 'bad request', ['Connection', 'close']);
      return;
    }
    if (!beginAnswer(request, response)) {
      unavailable(response);
      return;
    }
    if (expectsContinue) this.#goOn(incoming);
    for (const phase of phases) {
      for (const handler of this.#handlers[phase]) if (handler(incoming)) return;
    }
    reply(response, 404, '404 page not found');
  }

  /** A client that asks before it sends its body is told to go on, unless the body is refused anyway. */
  #goOn({ response, headers }: EdgeRequest): void {
    if (!announcesTooMuch(headers, this.#options.maxBodyBytes)) response.writeContinue();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const handler = this.#upgrades.find((candidate) => candidate.claims(request));
    if (handler === undefined) refuse(socket, 400);
    else handler.take(request, socket, head);
  }

  /** Says once a second at most how many connections found no room. */
  #drop(): void {
    this.#dropped += 1;
    if (this.#dropped > 1) return;
    const timer = setTimeout(() => {
      const { maxConnections, log } = this.#options;
      log.warn('connections refused', { count: this.#dropped, max_connections: maxConnections });
      this.#dropped = 0;
    }, 1000);
    timer.unref();
  }
}

/** What a request that the parser refused gets (contract section 6). */
function statusOf(error: NodeJS.ErrnoException): number {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return 431;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 408;
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return 413;
    case undefined:
    default:
      return 400;
  }
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large',
};

function textOf(status: number): string {
  return `${status} ${(reasons[status] ?? 'Bad Request').toLowerCase()}`;
}

/** Answers on a socket that has no response object, and closes it. */
function refuse(socket: Duplex, status: number): void {
  // Node lets go of the socket of a CONNECT or an upgrade: without a listener its reset would end the process.
  socket.on('error', () => socket.destroy());
  if (!socket.writable || socket.destroyed) {
    socket.destroy();
    return;
  }
  const reason = reasons[status] ?? 'Bad Request';
  const body = `${textOf(status)}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
  // Nobody reads from it any more; whoever keeps it open has a moment to take the answer.
  setTimeout(() => socket.destroy(), 1000).unref();
}
