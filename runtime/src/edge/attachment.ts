import type { Event, Outcome, PluginEnd } from '../ext.ts';
import { Code } from '../abi/codes.ts';
import {
  type EdgeLink,
  type EffectReceiver,
  type EventPlace,
  type EventRecord,
  hostChannel,
} from '../link/link.ts';
import { Fifo } from './fifo.ts';
import type { Slot } from './slot.ts';

/**
 * How many events are sent before the plugin thread is woken, at most: what is fewer is announced at the end of
 * the event loop's turn. Waking costs both threads about as much as a small request does.
 */
const announceEvery = 8;

/** An event in the queue of an instance. */
export class Queued implements EventRecord {
  readonly channel: number;
  readonly event: Event;
  readonly slot: Slot;
  /** Whose queue it is in. */
  readonly attachment: Attachment;
  place: EventPlace | undefined;
  /** Nobody wants to hear of it any more. */
  cancelled = false;

  constructor(attachment: Attachment, slot: Slot, event: Event) {
    this.attachment = attachment;
    this.slot = slot;
    this.channel = slot.channel;
    this.event = event;
  }

  get kind(): number {
    return this.event.kind;
  }

  get id(): number {
    return this.event.id;
  }

  get payload(): Uint8Array {
    return this.event.payload;
  }
}

export interface AttachmentOptions {
  /** Which instance: the number that {@link PluginEnd}s hear. */
  readonly instance: number;
  readonly link: EdgeLink;
  /** The capabilities that the instance was made with, by channel. */
  readonly slots: readonly Slot[];
  /** Takes what the instance says to the host itself: its log and its state. */
  host(kind: number, payload: Uint8Array): void;
  /** An event has left the queue. */
  settled(queued: Queued, outcome: Outcome): void;
  /** An event was taken back: it stays in the queue until the link has let go of it. */
  takenBack(queued: Queued): void;
  /** An end has thrown. */
  failed(slot: Slot, error: unknown): void;
}

/** One instance of a plugin as its edge sees it: the link, and the events that the instance has not finished. */
export class Attachment implements EffectReceiver {
  readonly instance: number;
  readonly slots: readonly Slot[];
  readonly #options: AttachmentOptions;
  readonly #link: EdgeLink;
  /** Unfinished events, oldest first. Those that are in the link come before those that wait for room. */
  readonly #queue = new Fifo<Queued>();
  #sent = 0;
  #settled = 0;
  /** Events that were sent since the plugin thread was woken last. */
  #unannounced = 0;
  #closed = false;
  /** An end that wanted no more when it was asked last. */
  #fullEnd: PluginEnd | undefined;
  /** Another instance has taken over: this one finishes the step that runs, and is heard no longer than that. */
  #retired = false;

  constructor(options: AttachmentOptions) {
    this.#options = options;
    this.instance = options.instance;
    this.slots = options.slots;
    this.#link = options.link;
  }

  /** Events that are not finished. */
  get unfinished(): number {
    return this.#queue.length;
  }

  get hasEffects(): boolean {
    return !this.#closed && this.#link.ready;
  }

  /** Queues an event, whose slot has a channel here. Hot. */
  push(slot: Slot, event: Event): Queued {
    const queued = new Queued(this, slot, event);
    this.#queue.push(queued);
    if (this.#queue.length === this.#sent + 1 && this.#send(queued)) {
      this.#unannounced += 1;
      if (this.#unannounced >= announceEvery) this.wake();
    }
    return queued;
  }

  /** Wakes the plugin thread for events that were sent and not announced. */
  wake(): void {
    if (this.#unannounced === 0) return;
    this.#unannounced = 0;
    this.#link.wake();
  }

  /** The event is no longer wanted: it is dropped unless its step has begun. */
  cancel(queued: Queued): void {
    queued.cancelled = true;
    if (queued.place !== undefined) this.#link.cancel(queued.place);
  }

  /**
   * Takes what the instance has sent, settles what it has finished, and sends what found no room before. Hot.
   *
   * @param sliceMs Behind so many milliseconds the rest is left for the next time.
   */
  drain(sliceMs?: number): void {
    if (this.#closed) return;
    const finished = this.#link.drain(this, sliceMs);
    while (this.#settled !== finished && !this.#closed) {
      this.#settled = (this.#settled + 1) | 0;
      this.#sent -= 1;
      this.#shift('done');
    }
    if (!this.#closed && this.#queue.length > this.#sent) this.#fill();
  }

  /** Takes back the events whose step has not begun: they are `undelivered`. */
  takeBack(): void {
    for (const queued of this.#queue) {
      if (queued.cancelled || this.#begun(queued)) continue;
      queued.cancelled = true;
      this.#options.takenBack(queued);
    }
  }

  /** Another instance has taken over. */
  retire(): void {
    this.takeBack();
    this.#retired = true;
  }

  /**
   * The instance has ended. What it left unfinished is settled: at most one event was in its hands, and ends as
   * `outcome` says.
   */
  close(outcome: 'broken' | 'overdue'): void {
    if (this.#closed) return;
    this.drain();
    if (this.#closed) return;
    this.#closed = true;
    const link = this.#link;
    const first = this.#queue.at(0);
    const broken = first?.place !== undefined && link.started(first.place) ? first : undefined;
    link.close();
    while (this.#queue.length > 0) {
      this.#shift(this.#queue.at(0) === broken ? outcome : 'undelivered');
    }
    this.#sent = 0;
  }

  effect(channel: number, kind: number, payload: Uint8Array, id: number): number {
    if (channel === hostChannel) {
      this.#options.host(kind, payload);
      return Code.ok;
    }
    const slot = this.slots[channel];
    if (slot === undefined) return Code.ok;
    if (this.#retired && this.#queue.length === 0) return Code.refused;
    const { end } = slot;
    try {
      const code = end?.effect?.(kind, payload, id, this.instance) ?? Code.ok;
      if (end?.full === true) this.#fullEnd = end;
      return code;
    } catch (error) {
      this.#options.failed(slot, error);
      return Code.refused;
    }
  }

  get full(): boolean {
    if (this.#fullEnd !== undefined && this.#fullEnd.full !== true) this.#fullEnd = undefined;
    return this.#fullEnd !== undefined;
  }

  async request(channel: number, kind: number, payload: Uint8Array): Promise<Uint8Array> {
    const end = this.slots[channel]?.end;
    if (end?.request === undefined) throw new Error('nobody answers requests here');
    return end.request(kind, payload);
  }

  /** Whether an event cannot be taken back any more: its step has begun. */
  #begun({ place }: Queued): boolean {
    return place !== undefined && (this.#link.started(place) || !this.#link.cancel(place));
  }

  /** Sends events that wait for room, until there is none. */
  #fill(): void {
    while (this.#sent < this.#queue.length) {
      const queued = this.#queue.at(this.#sent);
      if (queued === undefined || !this.#send(queued)) break;
    }
    this.#link.wake();
  }

  #send(queued: Queued): boolean {
    queued.place = this.#link.send(queued);
    if (queued.place === undefined) return false;
    this.#sent += 1;
    if (queued.cancelled) this.#link.cancel(queued.place);
    return true;
  }

  #shift(outcome: Outcome): void {
    const queued = this.#queue.shift();
    if (queued === undefined) return;
    queued.place = undefined;
    this.#options.settled(queued, outcome);
  }
}
