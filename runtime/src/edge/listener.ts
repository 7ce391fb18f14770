import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { EdgeRequest, FindOwner, Listener, Log, Phase, Plugin, UpgradeHandler } from '../ext.ts';
import { Budget } from './budget.ts';
import { createServer } from './node-http.ts';
import { announcesTooMuch, collectBody } from './body.ts';
import { beginAnswer, endBehindLast, endWithAnswers, maxUnanswered, stopParsing } from './connection.ts';
import { headLimits } from './head-limits.ts';
import { refuse, statusOf, textOf } from './refuse.ts';
import { reply, unavailable } from './reply.ts';
import { readRequest, releaseHead } from './request.ts';
import { Tally } from './tally.ts';
import type { KeyPair, SecureFront } from './secure-front.ts';

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
  /** Set for HTTPS, with HTTP/2 beside HTTP/1.1. Then nothing is served without TLS. */
  readonly keyPair?: KeyPair;
  readonly log: Log;
}

export interface CloseOptions {
  /** How long connections may stay that are owed nothing, in milliseconds. */
  readonly graceMs: number;
  /** How long clients may take to read what was answered, in milliseconds. */
  readonly answersMs: number;
}

/** How long an idle connection is kept, in milliseconds. */
const keepAliveMs = 60_000;
/** How often connections are held against their timeouts, in milliseconds. */
const timeoutCheckMs = 1000;

const phases: readonly Phase[] = ['stream', 'route', 'fallback'];

/**
 * The one listener of an edge: HTTP/1.1, or HTTPS with HTTP/2, with every limit that protects it. It is constructed
 * closed; nothing listens before {@link listen}.
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
  readonly #owners: FindOwner[] = [];
  /** Speaks HTTP/1.1. It listens by itself unless there is TLS in front of it. */
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #front: SecureFront | undefined;
  readonly #unanswered = new Budget(maxUnanswered);
  readonly #shed: Tally;
  #keepsAlive = true;
  #closing = false;
  #dropped = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#shed = new Tally((count) => {
      options.log.warn('requests shed', { count, max_unanswered: maxUnanswered });
    });
    this.requestTimeoutMs = options.requestTimeoutMs;
    const server = createServer({
      connectionsCheckingInterval: timeoutCheckMs,
      headersTimeout: options.headerTimeoutMs,
      requestTimeout: options.bodyTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      noDelay: true,
      optimizeEmptyRequests: true,
      // Looked at here, so that no request is answered that nobody has counted.
      requireHostHeader: false,
      shouldUpgradeCallback: (request) => this.#upgrades.some((handler) => handler.claims(request)),
    });
    // A connection is quiet while a plugin works on its request, too, and that has a limit of its own.
    server.timeout = options.requestTimeoutMs + options.writeTimeoutMs;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    // Node reads both for each connection, in a listener of its own. The types know the second only.
    server.prependListener('connection', () => {
      const { maxBytes, maxLines = 0 } = headLimits(this.#sockets.size);
      Object.assign(server, { maxHeaderSize: maxBytes, maxHeadersCount: maxLines });
    });
    server.on('request', (request, response) => this.#request(request, response));
    server.on('checkContinue', (request, response) => this.#request(request, response, true));
    server.on('checkExpectation', (request, response) => {
      if (this.#begin(request, response)) reply(response, 417, 'expectation failed');
    });
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    server.on('connect', (_request, socket) => refuse(socket, 405));
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      // The requests before it were good, and their answers come first (RFC 9112 section 9.3.2).
      const status = statusOf(error);
      if (!endWithAnswers(socket, { status, text: textOf(status) })) refuse(socket, status);
    });
    this.#server = server;
  }

  on(phase: Phase, handler: (incoming: EdgeRequest) => boolean): void {
    this.#handlers[phase].push(handler);
  }

  upgrade(handler: UpgradeHandler): void {
    this.#upgrades.push(handler);
  }

  owner(find: FindOwner): (path: string, plugin: Pick<Plugin, 'name'>) => string | undefined {
    this.#owners.push(find);
    return (path, { name }) => {
      const owners = this.#owners.filter((other) => other !== find).map((other) => other(path));
      return owners.includes(name) ? undefined : owners.find((owner) => owner !== undefined);
    };
  }

  body(incoming: EdgeRequest, done: (body: Uint8Array) => void): void {
    const { maxBodyBytes: maxBytes, budget } = this.#options;
    collectBody(incoming, { maxBytes, budget }, done);
  }

  /**
   * Starts to listen. Rejects with the system's error when the address is taken or not there, and with what OpenSSL
   * says when it cannot use the key pair.
   */
  async listen(port: number, host: string | undefined): Promise<AddressInfo> {
    const { keyPair, maxConnections, log } = this.#options;
    if (keyPair !== undefined) this.#front = await this.#secure(keyPair);
    const server = this.#listening;
    server.maxConnections = maxConnections;
    server.on('drop', () => this.#drop());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(host === undefined ? { port } : { port, host }, resolve);
    await promise;
    server.off('error', reject);
    server.on('error', (error) => log.error('listener error', { error: error.message }));
    return server.address() as AddressInfo;
  }

  /** Uses another key pair for connections that come from now on. Throws what OpenSSL says when it cannot. */
  setKeyPair(keyPair: KeyPair): void {
    this.#front?.setKeyPair(keyPair);
  }

  /**
   * Lets each connection of HTTP/1.1 end with the answer that it waits for, or with its next one, and says so in that
   * answer: whoever keeps connections for later requests makes others. HTTP/2 needs no such warning, see
   * {@link stopAccepting}.
   */
  endKeepAlive(): void {
    if (!this.#keepsAlive) return;
    this.#keepsAlive = false;
    for (const socket of this.#sockets) endBehindLast(socket);
  }

  /** Takes no more connections, and closes each that is there after the answers it waits for. */
  stopAccepting(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.endKeepAlive();
    // Not the close of http, which destroys connections whose answer is written and not yet sent.
    NetServer.prototype.close.call(this.#listening);
    this.#front?.close();
    this.#closeIdle();
  }

  /**
   * Waits until every connection has ended, then closes what is left. False when that cut off an answer that a
   * client was still reading.
   */
  async close({ graceMs, answersMs }: CloseOptions): Promise<boolean> {
    this.stopAccepting();
    const begun = performance.now();
    while (this.#sockets.size > 0 || (this.#front?.size ?? 0) > 0) {
      const passed = performance.now() - begun;
      if (passed >= graceMs && (passed >= answersMs || !this.#answering)) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
      this.#closeIdle();
    }
    const clean = !this.#answering;
    this.#front?.destroy();
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
    return this.#front?.answering ?? false;
  }

  get #listening(): NetServer {
    return this.#front?.server ?? this.#server;
  }

  /** TLS in front: it is loaded only where it is asked for. */
  async #secure(keyPair: KeyPair): Promise<SecureFront> {
    const { SecureFront: Front } = await import('./secure-front.ts');
    const front = new Front({
      ...this.#options,
      keyPair,
      keepAliveMs,
      http1: (socket) => this.#server.emit('connection', socket),
      serve: (incoming, expectsContinue) => this.#serve(incoming, expectsContinue),
    });
    // What does not listen by itself begins to look for slow clients with this event.
    front.server.once('listening', () => this.#server.emit('listening'));
    return front;
  }

  /** Hot: every request begins here. */
  #request(request: IncomingMessage, response: ServerResponse, expectsContinue = false): void {
    if (!this.#keepsAlive) endBehindLast(request.socket, response);
    const lacksHost = request.httpVersion === '1.1' && request.headers.host === undefined;
    const incoming = lacksHost ? undefined : readRequest(request, response);
    if (incoming !== undefined) this.#serve(incoming, expectsContinue);
    else if (this.#begin(request, response)) reply(response, 400, 'bad request', ['Connection', 'close']);
    // What is refused may have to wait behind other answers of its connection, and its body is nobody's.
    if (response.writableEnded) request.resume();
    releaseHead(request);
  }

  /** False: too much is unanswered already, and the client is told so. Hot. */
  #begin(request: IncomingMessage, response: ServerResponse): boolean {
    const begun = beginAnswer(request, response, this.#unanswered);
    if (begun === 'taken') return true;
    if (begun === 'connection full') unavailable(response);
    else this.#giveUp(request, response);
    return false;
  }

  /** Others wait for so many answers that this connection may have no more. On HTTP/1.1 it ends with those it has. */
  #giveUp(request: IncomingMessage, response: ServerResponse): void {
    this.#shed.add();
    if (request.httpVersionMajor === 2) return unavailable(response);
    unavailable(response, { headers: ['Connection', 'close'] });
    stopParsing(request.socket);
  }

  /** Finds who answers. Hot. */
  #serve(incoming: EdgeRequest, expectsContinue: boolean): void {
    const { request, response } = incoming;
    if (!this.#begin(request, response)) return;
    if (expectsContinue) this.#goOn(incoming);
    for (const phase of phases) {
      for (const handler of this.#handlers[phase]) if (handler(incoming)) return;
    }
    // Plugins that are down already have left their paths.
    if (this.#closing) unavailable(response);
    else reply(response, 404, '404 page not found');
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
