import type { Event, Outcome } from '../../ext.ts';

/** Kinds of events, as the capability lists them. */
export const Kind = { open: 0, frame: 1, close: 2 } as const;

/** Bytes that an event counts with besides its payload, while it waits for room in the plugin's queue. */
const eventOverhead = 256;

/** What a plugin is told of a connection. */
export class Told implements Event {
  readonly kind: number;
  readonly id: number;
  readonly payload: Uint8Array;
  /** Whether it is in the plugin's queue, or has left it at the front. Set by whoever puts it there. */
  queued = false;

  constructor(kind: number, id: number, payload: Uint8Array) {
    this.kind = kind;
    this.id = id;
    this.payload = payload;
  }

  /** What it counts for while it waits. The end of a connection always finds room: that there are few is seen to. */
  get weight(): number {
    return this.kind === Kind.close ? 0 : this.payload.length + eventOverhead;
  }
}

/** The beginning or the end of a connection. What the plugin has seen decides what it still has to be told. */
export class Milestone extends Told {
  readonly #seen: (() => void) | undefined;

  /** @param seen Called when its step is over. */
  constructor(kind: number, id: number, payload: Uint8Array, seen?: () => void) {
    super(kind, id, payload);
    this.#seen = seen;
  }

  done(outcome: Outcome): void {
    if (outcome === 'undelivered') this.queued = false;
    else this.#seen?.();
  }
}
