import type { Event, Outcome } from '../../ext.ts';

/** Kinds of events, as the capability lists them. */
export const Kind = { open: 0, frame: 1, close: 2 } as const;

/** Bytes that an event counts with besides its payload, while it waits for room in the plugin's queue. */
const eventOverhead = 256;

/** Who hears what became of an event. */
export interface Teller {
  /** It is in the plugin's queue. */
  entered?(): void;
  /** Its step is over, in whatever way. */
  seen?(): void;
  /** Its step broke the guest. */
  broke?(told: Told): void;
  /** The instance is gone, and has not seen it. */
  undelivered?(told: Told): void;
  /** It had {@link entered}, and is there no longer. Behind all others. */
  departed?(told: Told): void;
}

/** What a plugin is told of a connection. */
export class Told implements Event {
  readonly kind: number;
  readonly id: number;
  readonly payload: Uint8Array;
  readonly #teller: Teller;
  #queued = false;

  constructor(kind: number, id: number, payload: Uint8Array, teller: Teller = {}) {
    this.kind = kind;
    this.id = id;
    this.payload = payload;
    this.#teller = teller;
  }

  /** What it counts for while it waits. The end of a connection always finds room: that there are few is seen to. */
  get weight(): number {
    return this.kind === Kind.close ? 0 : this.payload.length + eventOverhead;
  }

  /** Whether it is in the plugin's queue, or has left it at the front. */
  get queued(): boolean {
    return this.#queued;
  }

  /** It has found room in the plugin's queue. */
  enter(): void {
    this.#queued = true;
    this.#teller.entered?.();
  }

  done(outcome: Outcome): void {
    const teller = this.#teller;
    const entered = this.#queued;
    if (outcome === 'undelivered') {
      this.#queued = false;
      teller.undelivered?.(this);
    } else {
      teller.seen?.();
      if (outcome !== 'done') teller.broke?.(this);
    }
    if (entered) teller.departed?.(this);
  }
}
