import type { Buffer } from 'node:buffer';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { EdgeRequest } from '../../ext.ts';
import { Fifo } from '../../edge/fifo.ts';
import type { Batch } from './batch.ts';
import { Place } from './ring.ts';

/** How long a client has to take the rest of a stream that the host ended, in milliseconds: then it is dropped. */
const endMs = 1000;

/** What a subscriber tells its stream. */
export interface SubscriberOwner {
  /** Sends it a frame of its own. */
  send(subscriber: Subscriber, frame: Buffer): void;
  /** The client has taken what it was given. */
  resumed(subscriber: Subscriber): void;
  /** The client has gone, or was dropped. Called once. */
  gone(subscriber: Subscriber): void;
}

export interface SubscriberOptions {
  readonly id: number;
  /** Percent-decoded, as it was registered. */
  readonly path: string;
  /** Its request, whose response nobody has begun. */
  readonly incoming: EdgeRequest;
}

/** A frame for one subscriber alone, which waits. */
export interface OwnFrame {
  /** The position of the path's frame that it comes before. */
  readonly before: number;
  readonly frame: Buffer;
}

const head: readonly string[] = [
  'Content-Type',
  'text/event-stream',
  'Cache-Control',
  'no-cache',
  // Proxies such as nginx would collect events before they pass them on.
  'X-Accel-Buffering',
  'no',
];

/** Whether nobody can be answered any more. On HTTP/2 a response that is over has no socket, not even null. */
export function isOver({ destroyed, socket }: ServerResponse): boolean {
  return destroyed || (socket as Socket | null | undefined) === undefined;
}

/** A client that reads a stream. */
export class Subscriber extends Place {
  readonly id: number;
  /** Percent-decoded, as it was registered. */
  readonly path: string;
  readonly incoming: EdgeRequest;
  /** Number of the first frame of the path that it has not been given. */
  position = 0;
  /** Frames for it alone that it has not been given. */
  readonly own = new Fifo<OwnFrame>();
  /** What they count with. */
  ownBytes = 0;
  /** The client has not taken what it was given: it gets no more until {@link SubscriberOwner.resumed}. */
  blocked = false;
  /** It is to end when it has been given everything. */
  ending = false;
  /** Whether the plugin's instance has been told of it, or will be: its notice is in the queue. */
  told = false;
  readonly #owner: SubscriberOwner;
  readonly #response: ServerResponse;
  /** The connection, on HTTP/1. */
  #socket: Socket | undefined;
  /** Where frames are written to the connection past the response. */
  #direct: Socket | undefined;
  #gone = false;

  constructor(owner: SubscriberOwner, { id, path, incoming }: SubscriberOptions) {
    super();
    this.#owner = owner;
    this.id = id;
    this.path = path;
    this.incoming = incoming;
    this.#response = incoming.response;
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** Sends the head. From here on the owner is told. */
  begin(): void {
    const response = this.#response;
    response.on('close', this.#left);
    response.writeHead(200, [...head]);
    response.flushHeaders();
    // A stream is quiet for as long as nothing happens.
    response.setTimeout(0);
    if (this.incoming.request.httpVersionMajor === 1 && response.socket !== null) {
      this.#socket = response.socket;
      // A client that has finished sending is one that leaves: what it had to say was the request.
      this.#socket.on('end', this.drop);
      // The response would make four writes of each chunk, which takes twice the time. Nothing else writes to the
      // connection before the response has ended.
      if (response.chunkedEncoding) this.#direct = this.#socket;
    }
    (this.#direct ?? response).on('drain', this.#drained);
  }

  /** Sends a frame to it alone, behind what its stream has emitted before. */
  send(frame: Buffer): void {
    this.#owner.send(this, frame);
  }

  /** Writes frames. False: there is more than the client takes at the moment. Hot. */
  give(batch: Batch): boolean {
    const direct = this.#direct;
    if (direct === undefined) return this.#response.write(batch.plain);
    // A connection that is being closed takes nothing more; who leaves holds nobody up.
    return direct.writable ? direct.write(batch.chunk) : true;
  }

  /** Says that the client has a moment to take what it has not been given yet. */
  hurry(): void {
    const timer = setTimeout(this.drop, endMs);
    timer.unref();
    this.#response.once('close', () => clearTimeout(timer));
  }

  /** Ends the stream behind what was given. A client that does not read has a moment to. */
  end(): void {
    if (this.#gone) return;
    if (this.#response.writableLength > 0 && !this.ending) this.hurry();
    this.#left();
    this.#response.end();
  }

  /** Ends the connection at once. */
  readonly drop = (): void => {
    this.#left();
    this.#response.destroy();
  };

  readonly #drained = (): void => {
    if (!this.#gone) this.#owner.resumed(this);
  };

  readonly #left = (): void => {
    if (this.#gone) return;
    this.#gone = true;
    // The connection may go on with another request.
    this.#socket?.off('end', this.drop);
    (this.#direct ?? this.#response).off('drain', this.#drained);
    this.#owner.gone(this);
  };
}
