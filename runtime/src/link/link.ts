/**
 * A link joins one edge and one instance of a plugin: events go in, effects come out.
 *
 * This is the contract; carriers fulfil it (`shared-memory.ts` between threads), and one suite holds them
 * to it. Neither end sees how the other is reached, and neither loses a record: an end without room says so.
 */

/** The channel of the host itself; every other channel is an index into the plugin's capabilities. */
export const hostChannel = 255;

/** Payloads up to this size, in bytes, are copied; larger ones are handed over whole. */
export const inlineBytes = 32 * 1024;

/** An event as the link knows it while it is unfinished. */
export interface EventRecord {
  readonly channel: number;
  readonly kind: number;
  readonly id: number;
  readonly payload: Uint8Array;
}

/** What a link calls for each effect it takes. The payload dies when the call returns, unless `aside`. */
export interface EffectReceiver {
  /** The result answers an ask: a contract code. */
  effect(channel: number, kind: number, payload: Uint8Array, id: number): number;
  /** Whether it wants no more for now: what is left stays for a later drain. Not for one that takes all there is. */
  readonly full?: boolean;
  /** Answers a request. */
  request(channel: number, kind: number, payload: Uint8Array): Promise<Uint8Array>;
}

/** A place in a link's order of events. */
export type EventPlace = number;

/** The edge's end. Nothing in it blocks. */
export interface EdgeLink {
  /**
   * Sends an event, or gives undefined when there is no room. Events are stepped in the order they came. An end
   * that is awake sees it; one that sleeps is woken by {@link wake}.
   */
  send(event: EventRecord): EventPlace | undefined;
  /** Wakes the plugin thread if it sleeps. Dear enough to be done once for several events. */
  wake(): void;
  /** The event is no longer wanted. False when its step has begun; true means that it never will. */
  cancel(place: EventPlace): boolean;
  /** Whether the step of an unfinished event has begun. */
  started(place: EventPlace): boolean;
  /**
   * Hands effects that have arrived to the receiver, then tells how many events are finished since the
   * link was made (wrapping at 2^32). Every effect of an event that is counted was handed over before. It stops behind
   * the effect with which `sliceMs` are over, and is `ready` then for a drain that goes on; without them it hands over
   * all that had arrived. Called by the receiver in the middle of a drain it hands nothing over, and tells what the
   * drain before that one told.
   */
  drain(receiver: EffectReceiver, sliceMs?: number): number;
  /** Whether a {@link drain} would find anything new. */
  readonly ready: boolean;
  close(): void;
}

/** An event as its step finds it. `payload` is valid until the event is finished. */
export interface TakenEvent {
  readonly channel: number;
  readonly kind: number;
  readonly id: number;
  readonly payload: Uint8Array;
  /** Live: the edge may cancel while the step runs. */
  readonly cancelled: boolean;
}

/** The plugin thread's end. */
export interface ThreadLink {
  /** Whether an event waits to be taken. Cheap: it is asked while spinning. */
  readonly ready: boolean;
  /**
   * Takes the next event that is still wanted. At most one is taken at a time; it MUST be finished before
   * the next is asked for.
   */
  take(): TakenEvent | undefined;
  /** The taken event's step is over, and every effect of it was sent. */
  finish(): void;
  /** Sends an effect; blocks while there is no room. Over {@link inlineBytes} the payload is transferred. */
  send(channel: number, kind: number, id: number, payload: Uint8Array): void;
  /** Sends an effect and blocks for the edge's code. */
  ask(channel: number, kind: number, payload: Uint8Array): number;
  /** Sends a request; the promise settles with the edge's bytes. The caller keeps its event loop turning. */
  request(channel: number, kind: number, payload: Uint8Array): Promise<Uint8Array>;
  close(): void;
}
