import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { Budget } from '../../edge/budget.ts';
import { Intake } from './intake.ts';
import type { WsOptions } from './options.ts';
import { type FlushList, Outbox } from './outbox.ts';
import { type Farewell, latin1 } from './wire.ts';

/** Close codes of the host's own (RFC 6455 section 7.4.1). */
export const Close = {
  goingAway: 1001,
  broken: 1006,
  internalError: 1011,
  restart: 1012,
  tryAgainLater: 1013,
} as const;

/** Into how many beats the time between two pings is split: connections are pinged in as many groups. */
export const beatsPerPing = 16;

/** How a connection ended, as its plugin is told. */
export interface Ending {
  readonly code: number;
  /** A binary string. */
  readonly reason: string;
}

/** What the connections of a plugin share. */
export interface ConnectionContext {
  readonly options: WsOptions;
  /** What connections hold of messages that are not complete, or that wait for their plugin. */
  readonly held: Budget;
  /** What they have been sent and have not taken. */
  readonly unread: Budget;
  readonly flushes: FlushList;
  /** Counts beats: see {@link beatsPerPing}. */
  readonly beat: number;
  /** The host has closed a connection with 1013. */
  shed(cause: ShedCause): void;
}

/** Who hears what happens on a connection. */
export interface ConnectionListener {
  /** A whole message. `payload` is a view that MUST NOT be kept. */
  message(opcode: 1 | 2, payload: Uint8Array): void;
  /** The socket is closed. Called once, and nothing is called after it. */
  closed(ending: Ending): void;
}

/** Why the host closes a connection: its client does not read, or there is no memory for what it sends. */
export type ShedCause = 'unread' | 'memory';

/** One connection at its socket: messages in and out, pings, the closing handshake. */
export class Connection {
  readonly #context: ConnectionContext;
  readonly #listener: ConnectionListener;
  readonly #ws: WebSocket;
  readonly #outbox: Outbox;
  readonly #intake: Intake;
  /** The beat in which the client was heard last. */
  #heard: number;
  /** What the host itself closed it for. */
  #fault: number | undefined;
  /** A ping that is not answered yet: while the client takes nothing only its last one is (RFC 6455 section 5.5.3). */
  #unanswered: Uint8Array | undefined;
  #ignoring = false;

  constructor(
    { ws, socket }: { readonly ws: WebSocket; readonly socket: Duplex },
    context: ConnectionContext,
    listener: ConnectionListener,
  ) {
    const { options, held, unread, flushes } = context;
    this.#context = context;
    this.#listener = listener;
    this.#ws = ws;
    this.#heard = context.beat;
    this.#outbox = new Outbox(socket, {
      maxBytes: options.max_buffered_bytes,
      list: flushes,
      unread,
      open: () => ws.readyState === WebSocket.OPEN,
      emptied: () => this.#emptied(),
      exceeded: () => this.#exceeded(),
    });
    this.#intake = new Intake(held, options.max_message_bytes);
    ws.on('message', (data, isBinary) => this.#message(data as Buffer, isBinary));
    ws.on('ping', (data) => this.#ping(data));
    ws.on('pong', (data) => this.#intake.control(data.length));
    ws.on('error', (error) => this.#failed(error));
    ws.on('close', (code, reason) => this.#closed(code, reason));
    // Behind the listener of `ws`: what was complete in the chunk has come out already.
    socket.on('data', (chunk: Buffer) => this.#read(chunk.length));
  }

  /** Sends a message. Over `inlineBytes` the payload has to be the caller's to give away. Hot. */
  send(opcode: 1 | 2, payload: Uint8Array): void {
    if (this.#ws.readyState !== WebSocket.OPEN || this.#outbox.add(opcode, payload)) return;
    this.shed('unread');
    if (this.#context.unread.used > this.#context.unread.limit) this.terminate();
  }

  /** Begins the closing handshake, behind what was sent. It takes at most the `closeTimeout` of the server. */
  close({ code, reason }: Farewell): void {
    if (this.#ws.readyState !== WebSocket.OPEN) return;
    this.#outbox.finish();
    this.#ws.close(code, Buffer.from(reason));
  }

  /** Closes it for a reason of the host's. What the client says until it is closed nobody hears. */
  leave(code: number): void {
    this.#fault ??= code;
    this.#ignoring = true;
    this.#intake.clear();
    this.close({ code, reason: none });
    this.resume();
  }

  /** Closes it for want of room. Of what follows the plugin could only be told a part, so it is told nothing. */
  shed(cause: ShedCause): void {
    if (this.#ignoring) return;
    const closing = this.#ws.readyState !== WebSocket.OPEN;
    this.#context.shed(cause);
    this.#outbox.clear();
    this.leave(Close.tryAgainLater);
    // A closing handshake that is under way says nothing of it, and is not worth the memory.
    if (cause === 'memory' && closing) this.terminate();
  }

  /** Takes nothing from the client until {@link resume}, but for what has been read. */
  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    if (!this.#ws.isPaused) return;
    this.#heard = this.#context.beat;
    this.#ws.resume();
  }

  /** Called in every beat: pings a client that has been silent, drops one that stays silent. */
  beat(beat: number): void {
    if (this.#ws.readyState !== WebSocket.OPEN || this.#ws.isPaused) return;
    const silent = beat - this.#heard;
    if (silent >= 2 * beatsPerPing) this.terminate();
    else if (silent === beatsPerPing && !this.#outbox.blocked) this.#outbox.add(9, none);
  }

  /** Drops the connection without a handshake. */
  terminate(): void {
    this.#ws.terminate();
  }

  #read(size: number): void {
    this.#heard = this.#context.beat;
    if (!this.#ignoring && !this.#intake.chunk(size)) this.shed('memory');
  }

  #message(data: Buffer, isBinary: boolean): void {
    this.#intake.message(data.length);
    if (!this.#ignoring) this.#listener.message(isBinary ? 2 : 1, data);
  }

  #ping(data: Buffer): void {
    this.#intake.control(data.length);
    if (this.#ws.readyState !== WebSocket.OPEN) return;
    const now = !this.#outbox.blocked && this.#outbox.fits(data.length);
    this.#unanswered = now ? undefined : Buffer.from(data);
    if (now) this.#outbox.add(10, data);
  }

  /** All clients together leave too much unread. A closing handshake would have to wait behind that. */
  #exceeded(): void {
    this.shed('unread');
    this.terminate();
  }

  #emptied(): void {
    const ping = this.#unanswered;
    this.#unanswered = undefined;
    if (ping !== undefined && this.#ws.readyState === WebSocket.OPEN) this.#outbox.add(10, ping);
  }

  /** `ws` has found something wrong with what the client sent, and closes the connection. */
  #failed(error: Error & { readonly code?: string }): void {
    if (error.code?.startsWith('WS_ERR_') === true) this.#fault ??= faults[error.code] ?? 1002;
    this.#ignoring = true;
    this.#intake.clear();
  }

  #closed(code: number, reason: Buffer): void {
    this.#outbox.close();
    this.#intake.clear();
    const ending =
      code === Close.broken
        ? { code: this.#fault ?? Close.broken, reason: '' }
        : { code, reason: latin1(reason) };
    this.#listener.closed(ending);
  }
}

const none = new Uint8Array(0);

/** What `ws` closes with for its errors; for all others it is 1002. */
const faults: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
};
