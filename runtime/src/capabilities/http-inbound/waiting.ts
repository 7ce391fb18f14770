import type { ServerResponse } from 'node:http';
import type { Event, Outcome } from '../../ext.ts';

/** Told how a request ended that nobody had answered before. */
export interface Settles {
  settled(waiting: Waiting, outcome: Outcome): void;
}

/** A request between its arrival and its answer. */
export class Waiting implements Event {
  readonly kind = 0;
  readonly id: number;
  readonly payload: Uint8Array;
  readonly arrived = performance.now();
  /** Undefined once the client has its answer, or has gone. */
  response: ServerResponse | undefined;
  readonly #plugin: Settles;

  constructor(plugin: Settles, request: { id: number; payload: Uint8Array; response: ServerResponse }) {
    this.#plugin = plugin;
    this.id = request.id;
    this.payload = request.payload;
    this.response = request.response;
  }

  done(outcome: Outcome): void {
    this.#plugin.settled(this, outcome);
  }

  /** Gives the response to whoever answers it: the first that asks. */
  take(): ServerResponse | undefined {
    const { response } = this;
    this.response = undefined;
    return response;
  }
}
