/**
 * The link between two threads of one process: two rings in shared memory, and a message port for what is
 * too large for them.
 */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type Transferable,
} from 'node:worker_threads';
import { Failure } from '../abi/failure.ts';
import { reasonOf } from '../log/reason.ts';
import type { Bell } from './bell.ts';
import {
  type EdgeLink,
  type EffectReceiver,
  type EventPlace,
  type EventRecord,
  inlineBytes,
  type TakenEvent,
  type ThreadLink,
} from './link.ts';
import { createRing, Flag, RingConsumer, RingProducer } from './ring.ts';

/** What the plugin thread needs to make its end: sent to it once, the port transferred. */
export interface ThreadEndpoint {
  readonly events: SharedArrayBuffer;
  readonly effects: SharedArrayBuffer;
  readonly answer: SharedArrayBuffer;
  readonly edgeBell: SharedArrayBuffer;
  readonly large: MessagePort;
  readonly requests: MessagePort;
}

export interface SharedMemoryLink {
  readonly edge: EdgeLink;
  readonly endpoint: ThreadEndpoint;
  /** What has to be transferred along with the endpoint. */
  readonly transfer: readonly Transferable[];
}

// The words in which an ask is answered, and the large effects under way are counted, in KiB.
const ANSWERED = 0;
const RESULT = 1;
const LARGE = 2;

/** Bytes of large effects that may be under way: a record of the ring stands for any size, so they are counted. */
const maxLargeBytes = 64 * 1024 * 1024;

interface RequestMessage {
  readonly serial: number;
  readonly channel: number;
  readonly kind: number;
  readonly payload: Uint8Array;
}

interface ReplyMessage {
  readonly serial: number;
  readonly payload?: Uint8Array;
  readonly error?: { readonly code: number | undefined; readonly message: string };
}

/** Makes a link. `bells` are those of the plugin thread and of the edge. */
export function linkThreads(bells: { thread: Bell; edge: Bell }): SharedMemoryLink {
  const large = new MessageChannel();
  const requests = new MessageChannel();
  const endpoint: ThreadEndpoint = {
    events: createRing(),
    effects: createRing(),
    answer: new SharedArrayBuffer(12),
    edgeBell: bells.edge.buffer,
    large: large.port2,
    requests: requests.port2,
  };
  const edge = new SharedMemoryEdge(endpoint, bells.thread, { large: large.port1, requests: requests.port1 });
  return { edge, endpoint, transfer: [large.port2, requests.port2] };
}

/** What had arrived when a drain began. */
interface Batch {
  /** Up to where the events were finished, and how many. */
  readonly head: number;
  readonly finished: number;
  /** Up to where the effects were published. */
  readonly published: number;
}

class SharedMemoryEdge implements EdgeLink {
  readonly #events: RingProducer;
  readonly #effects: RingConsumer;
  readonly #answer: Int32Array;
  readonly #bell: Bell;
  readonly #ports: { large: MessagePort; requests: MessagePort };
  #receiver: EffectReceiver | undefined;
  /** The count of finished events that was given last: all effects of those were handed over. */
  #finished = 0;
  /** What is being drained; undefined once it is. */
  #batch: Batch | undefined;
  #draining = false;

  constructor(endpoint: ThreadEndpoint, bell: Bell, ports: { large: MessagePort; requests: MessagePort }) {
    this.#events = new RingProducer(endpoint.events);
    this.#effects = new RingConsumer(endpoint.effects);
    this.#answer = new Int32Array(endpoint.answer);
    this.#bell = bell;
    this.#ports = ports;
    ports.requests.on('message', (message: RequestMessage) => void this.#reply(message));
    ports.requests.unref();
  }

  send(event: EventRecord): EventPlace | undefined {
    const { channel, kind, id, payload } = event;
    let place: number;
    if (payload.length <= inlineBytes) {
      place = this.#events.write(channel, kind, 0, id, payload);
      if (place < 0) return undefined;
    } else {
      // The copy is posted before its record is published, so that whoever sees the record finds it. Without
      // room the record cannot be published: look first, an empty record is what it takes.
      if (!this.#events.hasRoom(0)) return undefined;
      const copy = new Uint8Array(new SharedArrayBuffer(payload.length));
      copy.set(payload);
      this.#ports.large.postMessage(copy);
      place = this.#events.write(channel, kind, Flag.aside, id, undefined);
    }
    return place;
  }

  wake(): void {
    this.#bell.ring();
  }

  cancel(place: EventPlace): boolean {
    return (this.#events.flag(place, Flag.cancelled) & Flag.started) === 0;
  }

  started(place: EventPlace): boolean {
    return (this.#events.flags(place) & Flag.started) !== 0;
  }

  get ready(): boolean {
    return this.#effects.ready || this.#events.finished !== this.#finished;
  }

  drain(receiver: EffectReceiver, sliceMs = Number.POSITIVE_INFINITY): number {
    // The record in hand is still in the ring: it would be handed over again, without an end.
    if (this.#draining) return this.#finished;
    this.#draining = true;
    this.#receiver = receiver;
    try {
      const whole = sliceMs === Number.POSITIVE_INFINITY;
      // What was begun before is not all that is there by now.
      if (whole && this.#batch !== undefined) this.#take(receiver, this.#batch, sliceMs);
      this.#take(receiver, this.#batch ?? this.#nextBatch(), sliceMs);
    } finally {
      this.#draining = false;
    }
    return this.#finished;
  }

  #nextBatch(): Batch {
    // The order matters. An effect is published before its event is finished, so whoever reads the count
    // first finds every effect of the events in it; and room is given only for events in that count.
    const events = this.#events;
    return { head: events.head, finished: events.finished, published: this.#effects.published };
  }

  /** Hands over what is in the batch, and no more: a plugin that sends faster than the edge takes must not keep it. */
  #take(receiver: EffectReceiver, batch: Batch, sliceMs: number): void {
    const effects = this.#effects;
    const until = performance.now() + sliceMs;
    const whole = sliceMs === Number.POSITIVE_INFINITY;
    this.#batch = batch;
    let more = effects.next(batch.published);
    while (more) {
      if (!whole && receiver.full === true) return;
      const flags = effects.flags(effects.at);
      const payload = (flags & Flag.aside) === 0 ? effects.payload : this.#takeLarge();
      const code = receiver.effect(effects.channel, effects.kind, payload, effects.id);
      effects.release();
      if ((flags & Flag.ask) !== 0) {
        this.#answer[RESULT] = code;
        Atomics.store(this.#answer, ANSWERED, 1);
        Atomics.notify(this.#answer, ANSWERED);
      }
      more = effects.next(batch.published);
      if (more && performance.now() >= until) return;
    }
    this.#batch = undefined;
    this.#events.refresh(batch.head);
    this.#finished = batch.finished;
  }

  close(): void {
    this.#ports.large.close();
    this.#ports.requests.close();
  }

  #takeLarge(): Uint8Array {
    const payload = takeLarge(this.#ports.large);
    Atomics.sub(this.#answer, LARGE, kib(payload));
    Atomics.notify(this.#answer, LARGE);
    return payload;
  }

  async #reply({ serial, channel, kind, payload }: RequestMessage): Promise<void> {
    let reply: ReplyMessage;
    try {
      if (this.#receiver === undefined) throw new Error('the link is not attached');
      const answer: unknown = await this.#receiver.request(channel, kind, payload);
      if (!(answer instanceof Uint8Array)) throw new Error('a request was not answered with bytes');
      reply = { serial, payload: answer };
    } catch (error) {
      const code: unknown = (error as { code?: unknown } | null | undefined)?.code;
      reply = {
        serial,
        error: { code: typeof code === 'number' ? code : undefined, message: reasonOf(error) },
      };
    }
    this.#ports.requests.postMessage(reply);
  }
}

/** What the edge end threw, as the guest end gets it: with a code it is what the guest's call returns. */
function refusal(error: ReplyMessage['error']): Error {
  const { code, message } = error ?? {};
  return code === undefined ? new Error(message) : new Failure(code, message ?? '');
}

function kib({ length }: Uint8Array): number {
  return Math.ceil(length / 1024);
}

function takeLarge(port: MessagePort): Uint8Array {
  const received = receiveMessageOnPort(port);
  if (received === undefined) throw new Error('a large payload is missing beside the ring');
  return received.message as Uint8Array;
}

/** The plugin thread's end of a link made by {@link linkThreads}. */
export class SharedMemoryThread implements ThreadLink {
  readonly #events: RingConsumer;
  readonly #effects: RingProducer;
  readonly #answer: Int32Array;
  readonly #edgeBell: Bell;
  readonly #large: MessagePort;
  readonly #requests: MessagePort;
  readonly #waiting = new Map<number, PromiseWithResolvers<Uint8Array>>();
  #serial = 0;
  #taken = false;

  /** @param edgeBell The bell of the edge, shared by all links of the thread. */
  constructor(endpoint: ThreadEndpoint, edgeBell: Bell) {
    this.#events = new RingConsumer(endpoint.events);
    this.#effects = new RingProducer(endpoint.effects);
    this.#answer = new Int32Array(endpoint.answer);
    this.#edgeBell = edgeBell;
    this.#large = endpoint.large;
    this.#requests = endpoint.requests;
    this.#requests.on('message', (reply: ReplyMessage) => this.#settle(reply));
    this.#requests.unref();
  }

  get ready(): boolean {
    return this.#events.ready;
  }

  take(): TakenEvent | undefined {
    const events = this.#events;
    if (this.#taken) throw new Error('an event is taken already');
    while (events.next()) {
      const at = events.at;
      const flags = events.flag(at, Flag.started);
      const payload = (flags & Flag.aside) === 0 ? events.payload : takeLarge(this.#large);
      if ((flags & Flag.cancelled) !== 0) {
        events.release();
        this.#edgeBell.ring();
        continue;
      }
      this.#taken = true;
      const { channel, kind, id } = events;
      return {
        channel,
        kind,
        id,
        payload,
        get cancelled() {
          return (events.flags(at) & Flag.cancelled) !== 0;
        },
      };
    }
    return undefined;
  }

  finish(): void {
    this.#taken = false;
    this.#events.release();
    this.#edgeBell.ring();
  }

  send(channel: number, kind: number, id: number, payload: Uint8Array): void {
    this.#write(channel, kind, 0, id, payload);
  }

  ask(channel: number, kind: number, payload: Uint8Array): number {
    Atomics.store(this.#answer, ANSWERED, 0);
    this.#write(channel, kind, Flag.ask, 0, payload);
    while (Atomics.load(this.#answer, ANSWERED) === 0) Atomics.wait(this.#answer, ANSWERED, 0);
    return this.#answer[RESULT] as number;
  }

  request(channel: number, kind: number, payload: Uint8Array): Promise<Uint8Array> {
    const serial = ++this.#serial;
    const waiting = Promise.withResolvers<Uint8Array>();
    this.#waiting.set(serial, waiting);
    this.#requests.ref();
    this.#requests.postMessage({ serial, channel, kind, payload } satisfies RequestMessage);
    return waiting.promise;
  }

  close(): void {
    this.#large.close();
    this.#requests.close();
    for (const waiting of this.#waiting.values()) waiting.reject(new Error('the link is closed'));
    this.#waiting.clear();
  }

  #write(channel: number, kind: number, flags: number, id: number, payload: Uint8Array): void {
    const effects = this.#effects;
    const aside = payload.length > inlineBytes;
    if (aside) {
      this.#waitForLarge();
      Atomics.add(this.#answer, LARGE, kib(payload));
      const buffer = payload.buffer;
      this.#large.postMessage(payload, buffer instanceof ArrayBuffer ? [buffer] : []);
    }
    const inline = aside ? undefined : payload;
    const all = aside ? flags | Flag.aside : flags;
    while (effects.write(channel, kind, all, id, inline) < 0) {
      effects.refresh();
      if (effects.hasRoom(inline === undefined ? 0 : inline.length)) continue;
      this.#edgeBell.ring();
      effects.waitForRoom();
    }
    this.#edgeBell.ring();
  }

  /** Blocks while the edge has too much to take beside the ring. One effect always fits. */
  #waitForLarge(): void {
    for (;;) {
      const underWay = Atomics.load(this.#answer, LARGE);
      if (underWay < maxLargeBytes / 1024) return;
      this.#edgeBell.ring();
      Atomics.wait(this.#answer, LARGE, underWay);
    }
  }

  #settle(reply: ReplyMessage): void {
    const waiting = this.#waiting.get(reply.serial);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.serial);
    if (this.#waiting.size === 0) this.#requests.unref();
    if (reply.payload !== undefined) waiting.resolve(reply.payload);
    else waiting.reject(refusal(reply.error));
  }
}
