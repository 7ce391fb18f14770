import type { Capability, EdgeEnd, Event, Log, Outcome, Plugin, PluginEnd, Port } from '../ext.ts';
import { notSetUp } from '../capabilities/set-up.ts';
import type { EdgeLink } from '../link/link.ts';
import { reasonOf } from '../log/reason.ts';
import { Attachment, type Queued } from './attachment.ts';
import type { Budget } from './budget.ts';
import { Slot, type SlotOptions } from './slot.ts';

/** Events of a plugin that may be unfinished at one time (contract section 6). */
const maxEvents = 1024;
/** Bytes of their payloads. */
const maxEventBytes = 64 * 1024 * 1024;

export interface EdgePluginOptions {
  readonly plugin: Plugin;
  /** What the queues of all plugins share. */
  readonly budget: Budget;
  readonly log: Log;
  /** This edge's end of a capability; undefined where that has nothing at the edge. */
  end(capability: Capability): Promise<EdgeEnd | undefined>;
  /** A number that no other event, request or connection of the edge has. */
  nextId(): number;
  /** Called when an event has been queued. */
  pushed(): void;
}

/** An instance that comes to a plugin. */
export interface Arrival {
  /** Which instance: every start of the plugin has a number of its own. */
  readonly instance: number;
  readonly link: EdgeLink;
  /** The capabilities that it was made with, in the order of its channels. */
  readonly slots: readonly Slot[];
  /** Takes what it says to the host itself: its log and its state. */
  host(kind: number, payload: Uint8Array): void;
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

/** Why a plugin takes no events although its instance is there. */
export type PauseReason = 'stuck' | 'memory';

/**
 * A plugin as one edge knows it: its capabilities' ends, and the instances that are attached to it. It stays over
 * every restart and reload. One instance takes the events; during a reload the next one is there beside it already,
 * and for a moment the one before it is there still.
 */
export class EdgePlugin {
  readonly #options: EdgePluginOptions;
  #slots: readonly Slot[] = [];
  #attachments: readonly Attachment[] = [];
  /** The instance that takes events. */
  #current: Attachment | undefined;
  #unfinished = 0;
  #bytes = 0;
  #finished = 0;
  #accepting = false;
  /** Set while ends push what an instance must be told: there is one for each connection at most, however many those are. */
  #taking = false;
  readonly #pauses = new Set<PauseReason>();
  /** When the next instance comes, on the clock of `performance.now()`; 0 when nobody knows. */
  #comesAt = 0;
  /** No instance takes events, and the next one is moments away. */
  #restarting = false;
  /** Whether an event was refused for want of room since there last was some. */
  #full = false;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(options: EdgePluginOptions) {
    this.#options = options;
  }

  /** Events that are not finished. */
  get unfinished(): number {
    return this.#unfinished;
  }

  /** Bytes of their payloads. */
  get queuedBytes(): number {
    return this.#bytes;
  }

  /** Events that were finished so far. */
  get finished(): number {
    return this.#finished;
  }

  /** What clients reach it by, such as `GET /notes/{id}`. */
  get routes(): readonly string[] {
    return this.#slots.flatMap(({ end }) => end?.routes ?? []);
  }

  /** Whether {@link drain} would find anything. */
  get hasEffects(): boolean {
    for (const attachment of this.#attachments) if (attachment.hasEffects) return true;
    return false;
  }

  /**
   * The capabilities for an instance with these options: those that fit already stay as they are, others get new
   * ends. Ends that no instance uses are closed when the next instance has taken over.
   */
  async slots(
    capabilities: readonly Capability[],
    options: ReadonlyMap<string, SlotOptions>,
  ): Promise<readonly Slot[]> {
    const slots: Slot[] = [];
    for (const capability of capabilities) {
      const table = options.get(capability.name) ?? {};
      const known = this.#slots.find((slot) => slot.fits(capability, table));
      slots.push(known ?? (await this.#slot(capability, table)));
    }
    return slots;
  }

  /** Wakes the plugin thread for events that were sent and not announced. The edge calls it in every turn. */
  wake(): void {
    this.#current?.wake();
  }

  /** A new instance is there. Events go to it from now on, unless another one takes them: that one goes on. */
  attach(arrival: Arrival): Attachment {
    const { instance, slots } = arrival;
    const attachment = new Attachment({
      ...arrival,
      settled: (queued, outcome) => this.#settled(queued, outcome),
      takenBack: ({ event, slot }) => this.#finish(event, slot, 'undelivered'),
      failed: (slot, error) => this.#failed(slot, error),
    });
    this.#attachments = [...this.#attachments, attachment];
    this.#slots = [...new Set([...this.#slots, ...slots])];
    // The link answers requests of the instance from its first drain on.
    attachment.drain();
    each(slots, (slot) => this.#call(slot, (end) => end.attached?.(instance)));
    if (this.#current === undefined) this.#enter(attachment);
    return attachment;
  }

  /** The instance's init succeeded. It takes over, between two steps of the one before it. */
  ready(attachment: Attachment): void {
    const { instance, slots } = attachment;
    if (this.#current !== attachment) {
      this.#accepting = false;
      this.#current?.retire();
      this.#enter(attachment);
    }
    each(slots, (slot) => this.#call(slot, (end) => end.ready?.(instance)));
    const unused = this.#slots.filter((slot) => !slots.includes(slot));
    this.#slots = slots;
    each(unused, (slot) => this.#call(slot, (end) => end.closed?.()));
    each(unused, (slot) => void slot[Symbol.asyncDispose]().catch((error) => this.#failed(slot, error)));
    this.wake();
  }

  /** An instance has ended; `outcome` is what becomes of the event that was in its hands, if there was one. */
  detach(attachment: Attachment, outcome: 'broken' | 'overdue' = 'broken'): void {
    if (!this.#attachments.includes(attachment)) return;
    if (attachment === this.#current) {
      // What it sent last is taken while it still counts; what its end sets free nobody takes.
      attachment.drain();
      this.#current = undefined;
      this.#accepting = false;
    }
    attachment.close(outcome);
    this.#attachments = this.#attachments.filter((other) => other !== attachment);
    each(attachment.slots, (slot) => this.#call(slot, (end) => end.detached?.(attachment.instance)));
  }

  /** Takes no more events until that reason is gone. What is queued stays. */
  pause(reason: PauseReason, paused: boolean): void {
    if (paused) this.#pauses.add(reason);
    else this.#pauses.delete(reason);
    if (this.#pauses.size === 0) this.#roomAgain();
  }

  /** Whether it takes no more events for that reason. */
  isPaused(reason: PauseReason): boolean {
    return this.#pauses.has(reason);
  }

  /** What comes may wait for the next instance: it is moments away. */
  expectNext(): void {
    this.#restarting = this.#current === undefined;
  }

  /** Refuses what waits for an instance: none will come for so many milliseconds. */
  refuseWaiting(forMs: number): void {
    this.#restarting = false;
    this.#comesAt = performance.now() + forMs;
    each(this.#slots, (slot) => this.#call(slot, (end) => end.down?.()));
  }

  /** Takes no more events, and takes back those whose step has not begun: for good, the plugin is being ended. */
  stopAccepting(): void {
    const current = this.#current;
    // What was to come, an operator has called off.
    this.#comesAt = 0;
    this.#restarting = false;
    if (this.#accepting && current !== undefined) {
      current.takeBack();
      this.#taking = true;
      each(this.#slots, (slot) => this.#call(slot, (end) => end.draining?.()));
      this.#taking = false;
      this.wake();
      this.#accepting = false;
    }
    each(this.#slots, (slot) => this.#call(slot, (end) => end.closed?.()));
  }

  /** No instance will come any more. */
  async close(): Promise<void> {
    for (const attachment of this.#attachments) this.detach(attachment);
    const slots = this.#slots;
    this.#slots = [];
    each(slots, (slot) => this.#call(slot, (end) => end.closed?.()));
    for (const slot of slots) await slot[Symbol.asyncDispose]();
  }

  /**
   * Takes what the instances have sent, and settles what they have finished. Hot.
   *
   * @param sliceMs How long each instance's part may take, in milliseconds; the rest is left for the next time.
   */
  drain(sliceMs?: number): void {
    for (const attachment of this.#attachments) attachment.drain(sliceMs);
  }

  /** An instance takes the events from now on. */
  #enter(attachment: Attachment): void {
    each(this.#slots, (slot) => (slot.channel = attachment.slots.indexOf(slot)));
    this.#current = attachment;
    this.#accepting = true;
    this.#restarting = false;
    this.#comesAt = 0;
    this.#pauses.delete('stuck');
    this.#taking = true;
    each(attachment.slots, (slot) => this.#call(slot, (end) => end.entered?.(attachment.instance)));
    this.#taking = false;
    each(attachment.slots, (slot) => this.#call(slot, (end) => end.resend?.()));
    this.#roomAgain();
  }

  async #slot(capability: Capability, options: SlotOptions): Promise<Slot> {
    const end = await this.#options.end(capability);
    try {
      return new Slot({ capability, options }, (slot) => {
        if (end === undefined) return undefined;
        const made: unknown = end.plugin(this.#port(slot));
        if (typeof made === 'object' && made !== null && !(made instanceof Promise)) return made;
        throw new Error('`plugin` gave no object; it must not be asynchronous');
      });
    } catch (error) {
      throw notSetUp(error, { capability, what: 'its plugin end' });
    }
  }

  #port(slot: Slot): Port {
    const takes = (): boolean => slot.channel >= 0 && this.#takes;
    const restarting = (): boolean => this.#restarting && this.#pauses.size === 0;
    const retryAfter = (): number => Math.max(1, Math.ceil((this.#comesAt - performance.now()) / 1000));
    return {
      plugin: this.#options.plugin,
      options: slot.options,
      signal: slot.signal,
      scope: slot.scope,
      get up() {
        return takes();
      },
      get restarting() {
        return restarting();
      },
      get retryAfter() {
        return retryAfter();
      },
      nextId: () => this.#options.nextId(),
      push: (event) => this.#push(slot, event),
      drained: () => this.#drained(slot),
      cancel: (event) => this.#cancel(event),
    };
  }

  get #takes(): boolean {
    return this.#accepting && this.#pauses.size === 0;
  }

  #push(slot: Slot, event: Event): boolean {
    const current = this.#current;
    const size = event.payload.length;
    if (!(event.kind >= 0 && event.kind < slot.kinds)) {
      throw new RangeError(
        `${slot.capability.name} has no event of the kind ${event.kind}: see its \`events\``,
      );
    }
    if (!this.#takes || current === undefined || slot.channel < 0) return false;
    const { budget } = this.#options;
    if (this.#taking) {
      budget.takeAnyway(size);
    } else if (this.#unfinished >= maxEvents || this.#bytes + size > maxEventBytes) {
      this.#full = true;
      return false;
    } else if (!budget.take(size)) {
      this.#full = true;
      // Others hold it: this queue may be empty, and would never hear of room by itself.
      budget.onceFreed(this.#roomAgain);
      return false;
    }
    this.#bytes += size;
    this.#unfinished += 1;
    (event as Tracked)[queuedAs] = current.push(slot, event);
    this.#options.pushed();
    return true;
  }

  #cancel(event: Event): void {
    const queued = (event as Tracked)[queuedAs];
    if (queued !== undefined && !queued.cancelled) queued.attachment.cancel(queued);
  }

  #settled(queued: Queued, outcome: Outcome): void {
    const { event, slot } = queued;
    const size = event.payload.length;
    this.#bytes -= size;
    this.#unfinished -= 1;
    this.#options.budget.give(size);
    const tracked = event as Tracked;
    if (tracked[queuedAs] === queued) tracked[queuedAs] = undefined;
    if (outcome === 'done') this.#finished += 1;
    if (!queued.cancelled) this.#finish(event, slot, outcome);
    this.#roomAgain();
  }

  readonly #roomAgain = (): void => {
    this.#full = false;
    const room = this.#room;
    this.#room = undefined;
    room?.resolve();
  };

  #finish(event: Event, slot: Slot, outcome: Outcome): void {
    try {
      event.done?.(outcome);
    } catch (error) {
      this.#failed(slot, error);
    }
  }

  #drained(slot: Slot): Promise<void> {
    // A slot that the instance does not have waits for another one: it must not ask again and again meanwhile.
    if (slot.channel >= 0 && this.#takes && !this.#full) return Promise.resolve();
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  #call(slot: Slot, call: (end: PluginEnd) => void): void {
    if (slot.end === undefined) return;
    try {
      call(slot.end);
    } catch (error) {
      this.#failed(slot, error);
    }
  }

  /** An end that throws costs one record, never the edge. */
  #failed({ capability }: Slot, error: unknown): void {
    const text = error instanceof Error ? error.stack : reasonOf(error);
    this.#options.log.error('capability failed', {
      plugin: this.#options.plugin.name,
      capability: capability.name,
      error: text,
    });
  }
}

function each<T>(items: readonly T[], call: (item: T) => void): void {
  for (const item of items) call(item);
}
