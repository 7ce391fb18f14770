import type { Capability, EdgeEnd, Event, Log, Outcome, Plugin, PluginEnd, Port } from '../ext.ts';
import { Code } from '../abi/codes.ts';
import {
  type EdgeLink,
  type EffectReceiver,
  type EventPlace,
  type EventRecord,
  hostChannel,
} from '../link/link.ts';
import type { Budget } from './budget.ts';
import { Fifo } from './fifo.ts';

/** Events of a plugin that may be unfinished at one time (contract section 6). */
const maxEvents = 1024;
/** Bytes of their payloads. */
const maxEventBytes = 64 * 1024 * 1024;

/**
 * How many events are sent before the plugin thread is woken, at most: what is fewer is announced at the end of
 * the event loop's turn. Waking costs both threads about as much as a small request does.
 */
const announceEvery = 8;

export interface EdgePluginOptions {
  readonly plugin: Plugin;
  /** The plugin's capabilities by channel, with this edge's end of each. */
  readonly channels: readonly { readonly capability: Capability; readonly end: EdgeEnd | undefined }[];
  /** The validated option tables, by capability. */
  readonly options: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** What the queues of all plugins share. */
  readonly budget: Budget;
  readonly log: Log;
  /** A number that no other event, request or connection of the edge has. */
  nextId(): number;
  /** Called when an event has been queued. */
  pushed(): void;
  /** Takes what the instance says to the host itself: its log and its state. */
  host(kind: number, payload: Uint8Array): void;
}

/** An event in a plugin's queue. */
class Queued implements EventRecord {
  readonly channel: number;
  readonly event: Event;
  place: EventPlace | undefined;
  cancelled = false;

  constructor(channel: number, event: Event) {
    this.channel = channel;
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

/**
 * Where an event notes its place in the queue. A map from one to the other would have to be hot, and one whose
 * entries come and go all the time keeps what it once held alive until the next full collection: its old
 * tables point to the new ones.
 */
const queuedAs = Symbol('queued as');

interface Tracked extends Event {
  [queuedAs]?: Queued | undefined;
}

/**
 * A plugin as one edge knows it: the ports of its capabilities, and the queue of events that are not finished.
 * It stays over every restart and reload; instances are attached to it by their link and detached again.
 */
export class EdgePlugin implements EffectReceiver {
  readonly #options: EdgePluginOptions;
  readonly #ends: readonly (PluginEnd | undefined)[];
  readonly #scope = new AsyncDisposableStack();
  /** Unfinished events, oldest first. Those that are in the link come before those that wait for room. */
  readonly #queue = new Fifo<Queued>();
  #sent = 0;
  #bytes = 0;
  #settled = 0;
  #link: EdgeLink | undefined;
  #accepting = false;
  /** Set while ends push their last events: there is one for each connection at most, however many those are. */
  #draining = false;
  /** Set while the instance cannot be expected to take anything. */
  #paused = false;
  /** Events that were sent since the plugin thread was woken last. */
  #unannounced = 0;
  /** Whether an event was refused for want of room since there last was some. */
  #full = false;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(options: EdgePluginOptions) {
    this.#options = options;
    this.#ends = options.channels.map(({ capability, end }, channel) =>
      end?.plugin(this.#port(channel, options.options.get(capability.name) ?? {})),
    );
  }

  /** Events that are not finished. */
  get unfinished(): number {
    return this.#queue.length;
  }

  /** Whether {@link drain} would find anything. */
  get hasEffects(): boolean {
    return this.#link?.ready === true;
  }

  /** Wakes the plugin thread for events that were sent and not announced. The edge calls it in every turn. */
  wake(): void {
    if (this.#unannounced === 0) return;
    this.#unannounced = 0;
    this.#link?.wake();
  }

  /** A new instance is there: its link takes the place of the one before it. */
  attach(link: EdgeLink): void {
    this.#link = link;
    this.#settled = 0;
    this.#sent = 0;
    this.#accepting = true;
    this.#paused = false;
    // The link answers requests of the instance from its first drain on.
    this.drain();
    this.#each((end) => end.attached?.());
    this.#roomAgain();
  }

  /** The instance's init succeeded. */
  ready(): void {
    this.#each((end) => end.ready?.());
  }

  /** The instance has ended. What it left unfinished is settled: at most one event was in its hands. */
  detach(): void {
    const link = this.#link;
    if (link === undefined) return;
    this.drain();
    this.#link = undefined;
    this.#accepting = false;
    const left = [...this.#queue];
    const first = left[0];
    const broken = first?.place !== undefined && link.started(first.place) ? first : undefined;
    link.close();
    for (const queued of left) this.#settle(queued === broken ? 'broken' : 'undelivered');
    this.#sent = 0;
  }

  /** Takes no more events until it is told to go on: the instance is stuck. What is queued stays. */
  pause(paused: boolean): void {
    this.#paused = paused;
    if (!paused) this.#roomAgain();
  }

  /** Takes no more events, and takes back those whose step has not begun. */
  stopAccepting(): void {
    if (!this.#accepting) return this.#each((end) => end.closed?.());
    for (const queued of this.#queue) {
      if (queued.cancelled) continue;
      if (this.#begun(queued)) continue;
      queued.cancelled = true;
      this.#finish(queued, 'undelivered');
    }
    this.#draining = true;
    this.#each((end) => end.draining?.());
    this.#draining = false;
    this.wake();
    this.#accepting = false;
    this.#each((end) => end.closed?.());
  }

  /** No instance will come any more. */
  close(): Promise<void> {
    this.detach();
    this.#each((end) => end.closed?.());
    return this.#scope.disposeAsync();
  }

  /** Takes what the instance has sent, settles what it has finished, and sends what found no room before. Hot. */
  drain(): void {
    const link = this.#link;
    if (link === undefined) return;
    const finished = link.drain(this);
    while (this.#settled !== finished && this.#link === link) {
      this.#settled = (this.#settled + 1) | 0;
      this.#sent -= 1;
      this.#settle('done');
    }
    if (this.#link === link && this.#queue.length > this.#sent) this.#fill(link);
  }

  effect(channel: number, kind: number, payload: Uint8Array, id: number): number {
    try {
      if (channel === hostChannel) {
        this.#options.host(kind, payload);
        return Code.ok;
      }
      return this.#ends[channel]?.effect?.(kind, payload, id) ?? Code.ok;
    } catch (error) {
      this.#failed(channel, error);
      return Code.refused;
    }
  }

  async request(channel: number, kind: number, payload: Uint8Array): Promise<Uint8Array> {
    const end = this.#ends[channel];
    if (end?.request === undefined) throw new Error('nobody answers requests here');
    return end.request(kind, payload);
  }

  #port(channel: number, options: Readonly<Record<string, unknown>>): Port {
    const accepting = (): boolean => this.#accepting && !this.#paused;
    return {
      plugin: this.#options.plugin,
      options,
      scope: this.#scope,
      get up() {
        return accepting();
      },
      nextId: () => this.#options.nextId(),
      push: (event) => this.#push(channel, event),
      drained: () => this.#drained(),
      cancel: (event) => this.#cancel(event),
    };
  }

  #push(channel: number, event: Event): boolean {
    const link = this.#link;
    const size = event.payload.length;
    if (!this.#accepting || this.#paused || link === undefined) return false;
    const { budget } = this.#options;
    if (this.#draining) {
      budget.takeAnyway(size);
    } else if (this.#queue.length >= maxEvents || this.#bytes + size > maxEventBytes) {
      this.#full = true;
      return false;
    } else if (!budget.take(size)) {
      this.#full = true;
      // Others hold it: this queue may be empty, and would never hear of room by itself.
      budget.onceFreed(this.#roomAgain);
      return false;
    }
    this.#bytes += size;
    const queued = new Queued(channel, event);
    this.#queue.push(queued);
    (event as Tracked)[queuedAs] = queued;
    if (this.#queue.length === this.#sent + 1 && this.#send(link, queued)) {
      this.#unannounced += 1;
      if (this.#unannounced >= announceEvery) this.wake();
    }
    this.#options.pushed();
    return true;
  }

  #cancel(event: Event): void {
    const queued = (event as Tracked)[queuedAs];
    if (queued === undefined || queued.cancelled) return;
    queued.cancelled = true;
    if (queued.place !== undefined) this.#link?.cancel(queued.place);
  }

  /** Takes an event back. True when its step has begun: that one goes on as it is. */
  #begun({ place }: Queued): boolean {
    const link = this.#link;
    if (place === undefined || link === undefined) return false;
    return link.started(place) || !link.cancel(place);
  }

  /** Sends events that wait for room, until there is none. */
  #fill(link: EdgeLink): void {
    while (this.#sent < this.#queue.length) {
      const queued = this.#queue.at(this.#sent);
      if (queued === undefined || !this.#send(link, queued)) break;
    }
    link.wake();
  }

  #send(link: EdgeLink, queued: Queued): boolean {
    queued.place = link.send(queued);
    if (queued.place === undefined) return false;
    this.#sent += 1;
    if (queued.cancelled) link.cancel(queued.place);
    return true;
  }

  #settle(outcome: Outcome): void {
    const queued = this.#queue.shift();
    if (queued === undefined) return;
    const size = queued.event.payload.length;
    this.#bytes -= size;
    this.#options.budget.give(size);
    (queued.event as Tracked)[queuedAs] = undefined;
    queued.place = undefined;
    if (!queued.cancelled) this.#finish(queued, outcome);
    this.#roomAgain();
  }

  readonly #roomAgain = (): void => {
    this.#full = false;
    const room = this.#room;
    this.#room = undefined;
    room?.resolve();
  };

  #finish({ event, channel }: Queued, outcome: Outcome): void {
    try {
      event.done?.(outcome);
    } catch (error) {
      this.#failed(channel, error);
    }
  }

  #drained(): Promise<void> {
    if (this.#accepting && !this.#paused && !this.#full) return Promise.resolve();
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  #each(call: (end: PluginEnd) => void): void {
    for (const [channel, end] of this.#ends.entries()) {
      if (end === undefined) continue;
      try {
        call(end);
      } catch (error) {
        this.#failed(channel, error);
      }
    }
  }

  /** An end that throws costs one record, never the edge. */
  #failed(channel: number, error: unknown): void {
    const capability = this.#options.channels[channel]?.capability.name;
    const text = error instanceof Error ? error.stack : String(error);
    this.#options.log.error('capability failed', {
      plugin: this.#options.plugin.name,
      capability,
      error: text,
    });
  }
}
