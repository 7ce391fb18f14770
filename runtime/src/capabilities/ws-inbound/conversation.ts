import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { encodeWsClose, encodeWsFrame, encodeWsOpen, resumedWsOpen } from '../../abi/events.ts';
import { Writer } from '../../abi/msgpack/writer.ts';
import { Fifo } from '../../edge/fifo.ts';
import { parseQuery } from '../../edge/query.ts';
import type { EdgeRequest, Event } from '../../ext.ts';
import {
  Close,
  Connection,
  type ConnectionContext,
  type ConnectionListener,
  type Ending,
} from './connection.ts';
import type { Gate, Line } from './gate.ts';
import { Kind, type Teller, Told } from './told.ts';

export interface ConversationOptions {
  /** The way to the plugin. */
  readonly gate: Gate;
  readonly context: ConnectionContext;
  /** The socket is closed, and the plugin has been told all that it is going to be. */
  over(conversation: Conversation): void;
}

/** A connection that was accepted. */
export interface Accepted {
  readonly id: number;
  readonly incoming: EdgeRequest;
  /** The path, percent-decoded. */
  readonly path: string;
  readonly ws: WebSocket;
  readonly socket: Duplex;
}

/** What a plugin is told of one connection: ws.open, its messages, and exactly one ws.close. */
export class Conversation implements Line, ConnectionListener, Teller {
  readonly id: number;
  readonly connection: Connection;
  readonly held = new Fifo<Told>();
  listed = false;
  readonly #options: ConversationOptions;
  #opening: Told;
  /** An instance was told of it, or was to be told again. */
  #resumed = false;
  #ending: Told | undefined;
  /** What the instance that is gone was to be told and was not. */
  #undelivered: Told[] = [];
  /** Events in the queues of instances. */
  #queued = 0;
  /** Those of them that an instance before this one has in hand: what comes behind them waits until it is done. */
  #inHand = 0;
  /** Nothing that happens on the connection is of interest any more. */
  #left = false;
  #closed = false;
  /** The plugin has been told all that it is going to be. */
  #told = false;

  constructor({ id, incoming, path, ws, socket }: Accepted, options: ConversationOptions) {
    this.id = id;
    this.#options = options;
    this.connection = new Connection({ ws, socket }, options.context, this);
    this.#opening = new Told(Kind.open, id, openPayload(id, incoming, path), this);
    if (options.gate.tell(this, this.#opening)) return;
    this.#left = true;
    this.#told = true;
    this.connection.shed('memory');
  }

  message(opcode: 1 | 2, payload: Uint8Array): void {
    if (this.#left) return;
    const event = new Told(Kind.frame, this.id, framePayload(this.id, opcode, payload), this);
    if (!this.#options.gate.tell(this, event)) this.connection.shed('memory');
  }

  closed(ending: Ending): void {
    this.#closed = true;
    if (this.#left) return this.#settle();
    this.#ending = this.#end(closePayload(this.id, ending));
    this.#options.gate.tell(this, this.#ending);
  }

  stuck(): void {
    this.connection.pause();
  }

  flows(): void {
    this.connection.resume();
  }

  /** A connection whose beginning breaks the guest would break the next instance, too. */
  broke(told: Told): void {
    if (told === this.#opening) this.leave(Close.internalError);
  }

  undelivered(told: Told): void {
    if (this.#left) return;
    if (this.halted) this.#undelivered.unshift(told);
    else this.#undelivered.push(told);
  }

  entered(): void {
    this.#queued += 1;
  }

  departed(told: Told): void {
    this.#queued -= 1;
    if (!this.halted || told === this.#opening) return;
    this.#inHand -= 1;
    if (this.halted) return;
    this.resend();
    this.#options.gate.fill();
  }

  /** An instance that was replaced has not finished with it: nothing may overtake what it does. */
  get halted(): boolean {
    return this.#inHand > 0;
  }

  /**
   * A new instance is there. It is told of the connection if one before it knew of it: before it hears anything of any.
   * A connection that is closed, and that has said nothing which no instance has heard, is none of its business.
   */
  resume(): void {
    const opening = this.#opening;
    if (this.#left || !(this.#resumed || opening.queued)) return;
    this.#undelivered = this.#undelivered.filter((told) => told !== opening);
    const unheard = [...this.#undelivered, ...this.held].some(({ kind }) => kind === Kind.frame);
    if (this.#closed && !unheard) return this.leave(Close.restart);
    this.#inHand = this.#queued;
    const payload = this.#resumed ? opening.payload : resumedWsOpen(opening.payload);
    this.#opening = new Told(Kind.open, this.id, payload, this);
    this.#resumed = true;
    if (!this.#options.gate.ahead(this.#opening)) this.#undelivered.unshift(this.#opening);
  }

  /** Behind {@link resume} of all: tells what the instance before was not told, once that has nothing more to say. */
  resend(): void {
    if (this.halted) return;
    const again = this.#undelivered;
    this.#undelivered = [];
    if (!this.#left) this.#options.gate.again(this, again);
  }

  /** Closes the connection. The plugin, a new instance of it perhaps, is told nothing more. */
  leave(code: number): void {
    this.#told = true;
    this.#leave(code);
  }

  /**
   * Closes the connection of a plugin that is about to be shut down. Gives the event that it still has to be told: the
   * end of a connection whose beginning it sees.
   */
  lastWord(code: number): Event | undefined {
    if (!this.#opening.queued) this.#told = true;
    else if (this.#ending?.queued !== true) {
      this.#ending = this.#end(this.#ending?.payload ?? closePayload(this.id, { code, reason: '' }));
      this.#leave(code);
      return this.#ending;
    }
    this.#leave(code);
    return undefined;
  }

  #leave(code: number): void {
    this.#left = true;
    this.#options.gate.forget(this);
    this.connection.leave(code);
    this.#settle();
  }

  #end(payload: Uint8Array): Told {
    return new Told(Kind.close, this.id, payload, {
      seen: () => {
        this.#told = true;
        this.#settle();
      },
      undelivered: (told) => this.undelivered(told),
      entered: () => this.entered(),
      departed: (told) => this.departed(told),
    });
  }

  #settle(): void {
    if (this.#closed && this.#told) this.#options.over(this);
  }
}

const writer = new Writer(4096);
const none: readonly string[] = [];

function openPayload(connId: number, { query, headers }: EdgeRequest, path: string): Uint8Array {
  writer.reset();
  encodeWsOpen(writer, { connId, path, query: query === '' ? none : parseQuery(query), headers });
  return writer.take();
}

function framePayload(connId: number, opcode: 1 | 2, payload: Uint8Array): Uint8Array {
  writer.reset();
  encodeWsFrame(writer, { connId, opcode, payload });
  return writer.take();
}

function closePayload(connId: number, { code, reason }: Ending): Uint8Array {
  writer.reset();
  encodeWsClose(writer, { connId, code, reason });
  return writer.take();
}
