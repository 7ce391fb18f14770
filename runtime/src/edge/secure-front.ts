import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Log } from '../ext.ts';
import { headLimits } from './head-limits.ts';
import { Http2Connection, type Http2ConnectionOptions } from './http2-connection.ts';

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface SecureFrontOptions extends Http2ConnectionOptions {
  readonly keyPair: KeyPair;
  /** Takes a connection that speaks HTTP/1.1. */
  readonly http1: (socket: TLSSocket) => void;
  readonly log: Log;
}

/** How often connections are held against their timeouts, in milliseconds. */
const checkMs = 1000;

/**
 * TLS in front of HTTP: a client says in the handshake which version it speaks (ALPN), and HTTP/1.1 is what one
 * speaks that says nothing. A handshake has the time that the head of a request has.
 */
export class SecureFront {
  /** Who uses the front makes it listen. */
  readonly server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #http2 = new Set<Http2Connection>();
  readonly #timer: NodeJS.Timeout;
  #closing = false;

  /** Throws what OpenSSL says when it cannot use the pair. */
  constructor(options: SecureFrontOptions) {
    const server = createServer({
      ...contextOptions(options.keyPair),
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: options.headerTimeoutMs,
      noDelay: true,
    });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('secureConnection', (socket) => {
      if (socket.alpnProtocol === 'h2') this.#speakHttp2(socket, options);
      else options.http1(socket);
    });
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      options.log.debug('tls handshake failed', { reason: error.code ?? error.message });
      socket.destroy();
    });
    this.server = server;
    this.#timer = setInterval(() => {
      const now = performance.now();
      for (const connection of this.#http2) connection.check(now);
    }, checkMs);
    this.#timer.unref();
  }

  /** Uses another pair for connections that come from now on. Throws as the constructor does. */
  setKeyPair(keyPair: KeyPair): void {
    this.server.setSecureContext(contextOptions(keyPair));
  }

  /** How many HTTP/2 connections there are. */
  get size(): number {
    return this.#http2.size;
  }

  /** Whether an HTTP/2 client has not taken all of an answer that was begun. */
  get answering(): boolean {
    for (const connection of this.#http2) if (connection.answering) return true;
    return false;
  }

  /** Lets each HTTP/2 connection end behind the answers that it waits for. */
  close(): void {
    this.#closing = true;
    for (const connection of this.#http2) connection.close();
  }

  /** Closes what is left, handshakes that are under way included. */
  destroy(): void {
    this.close();
    clearInterval(this.#timer);
    for (const connection of this.#http2) connection.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  #speakHttp2(socket: TLSSocket, options: Http2ConnectionOptions): void {
    const connection = new Http2Connection(socket, headLimits(this.#sockets.size - 1), options);
    this.#http2.add(connection);
    socket.once('close', () => this.#http2.delete(connection));
    if (this.#closing) connection.close();
  }
}

function contextOptions({ cert, key }: KeyPair): { cert: Buffer; key: Buffer; minVersion: 'TLSv1.2' } {
  return { cert, key, minVersion: 'TLSv1.2' };
}
