import { Buffer } from 'node:buffer';
import { Code } from '../../abi/codes.ts';
import { encodePercent } from '../../edge/percent.ts';
import { reply, unavailable } from '../../edge/reply.ts';
import { Tally } from '../../edge/tally.ts';
import type { EdgeRequest, Listener, Log, LogFields, Plugin, PluginEnd, Port } from '../../ext.ts';
import type { Waiting } from './backlog.ts';
import { EventStream } from './event-stream.ts';
import type { FanOut, Lane } from './fan-out.ts';
import { Notices } from './notices.ts';
import type { SseOptions } from './options.ts';
import { isOver, Subscriber } from './subscriber.ts';
import { decodeClaim, decodeEmit, Effect } from './wire.ts';

/** Paths that a plugin may have at one time. */
export const maxPaths = 1000;
/** Refused paths of an instance that are logged: a guest may ask for them without end. */
const maxRefusalsLogged = 10;

const ping = Buffer.from(':ping\n\n');

/** A path, and the plugin it belongs to. */
export interface Claim {
  readonly owner: SsePlugin;
  readonly stream: EventStream;
}

export interface SsePluginOptions {
  /** The paths of all plugins, percent-decoded. */
  readonly paths: Map<string, Claim>;
  /** Which other plugin has a path otherwise: as a route, or for WebSockets. */
  readonly takenElsewhere: (path: string, plugin: Pick<Plugin, 'name'>) => string | undefined;
  readonly fanOut: FanOut;
  readonly listener: Pick<Listener, 'body'>;
  readonly log: Log;
}

/** What the edge keeps for one plugin: its paths and their subscribers. It outlives the plugin's instances. */
export class SsePlugin implements PluginEnd {
  readonly #port: Port<SseOptions>;
  readonly #options: SsePluginOptions;
  readonly #subscribers = new Map<number, Subscriber>();
  readonly #notices: Notices | undefined;
  readonly #waiting: Waiting = { bytes: 0 };
  readonly #lane: Lane;
  readonly #slow: Tally;
  readonly #turnedAway: Tally;
  /** Streams that were crowded when they were looked at last. */
  readonly #crowded = new Set<EventStream>();
  /** The paths that each instance has claimed, by the numbers that it gave them. */
  readonly #claims = new Map<number, Map<number, EventStream>>();
  /** Those of the last instance whose init succeeded. */
  #established = new Set<EventStream>();
  /** The instance whose claims are in force. */
  #serving: number | undefined;
  #refusals = 0;
  #over = false;

  constructor(port: Port<SseOptions>, options: SsePluginOptions) {
    this.#port = port;
    this.#options = options;
    const { log } = options;
    const { events, keepalive_ms: keepaliveMs, ...limits } = port.options;
    const plugin = port.plugin.name;
    this.#lane = options.fanOut.lane();
    if (events) this.#notices = new Notices(port);
    this.#slow = new Tally((count) => {
      const { max_buffered_bytes } = limits;
      log.warn('sse subscribers dropped', { plugin, count, max_buffered_bytes });
    });
    this.#turnedAway = new Tally((count) => {
      const { max_subscribers } = limits;
      log.warn('sse subscribers refused', { plugin, count, max_subscribers });
    });
    port.scope.defer(() => {
      for (const { path } of this.#streams()) options.paths.delete(path);
      this.#slow.flush();
      this.#turnedAway.flush();
    });
    if (keepaliveMs === 0) return;
    const timer = setInterval(() => this.#keepAlive(), keepaliveMs);
    timer.unref();
    port.scope.defer(() => clearInterval(timer));
  }

  get name(): string {
    return this.#port.plugin.name;
  }

  get routes(): readonly string[] {
    return Array.from(this.#established, ({ path }) => `SSE ${printable(path)}`);
  }

  get full(): boolean {
    if (this.#crowded.size === 0) return false;
    for (const stream of this.#crowded) {
      if (stream.crowded) return true;
      this.#crowded.delete(stream);
    }
    return false;
  }

  effect(kind: number, payload: Uint8Array, id: number, instance: number): number {
    if (kind === Effect.register) return this.#register(payload, instance);
    if (this.#over) return Code.ok;
    if (kind === Effect.emit) {
      const { number, frame } = decodeEmit(payload);
      const stream = this.#claims.get(instance)?.get(number);
      stream?.emit(frame);
      if (stream?.crowded === true) this.#crowded.add(stream);
      return Code.ok;
    }
    const subscriber = this.#subscribers.get(id);
    subscriber?.send(Buffer.from(payload));
    return Code.ok;
  }

  attached(instance: number): void {
    this.#claims.set(instance, new Map());
    this.#refusals = 0;
  }

  entered(): void {
    this.#over = false;
  }

  resend(): void {
    this.#notices?.attached(this.#subscribers.values());
  }

  ready(instance: number): void {
    this.#serving = instance;
    this.#established = new Set(this.#claims.get(instance)?.values());
    this.#sweep();
    for (const stream of this.#established) this.#claim(stream);
  }

  detached(instance: number): void {
    this.#claims.delete(instance);
    if (this.#serving === instance) this.#serving = undefined;
    // An instance that never got ready leaves nothing behind.
    else this.#sweep();
  }

  draining(): void {
    this.#notices?.draining(this.#subscribers.values());
    this.closed();
  }

  closed(): void {
    this.#over = true;
    for (const stream of this.#streams()) stream.end();
  }

  /** Takes a request for one of the plugin's paths. */
  handle(incoming: EdgeRequest, stream: EventStream): void {
    this.#options.listener.body(incoming, () => {
      const { response } = incoming;
      // Behind another answer of its connection, a stream begins when that is over.
      if (response.socket === null) response.once('socket', () => this.#subscribe(incoming, stream));
      else this.#subscribe(incoming, stream);
    });
  }

  #subscribe(incoming: EdgeRequest, stream: EventStream): void {
    const { response } = incoming;
    if (isOver(response)) return;
    const { path } = stream;
    if (this.#options.paths.get(path)?.stream !== stream) return reply(response, 404, '404 page not found');
    if (this.#over) return unavailable(response);
    if (this.#subscribers.size >= this.#port.options.max_subscribers) {
      this.#turnedAway.add();
      return unavailable(response);
    }
    const subscriber = new Subscriber(stream, { id: this.#port.nextId(), path, incoming });
    if (this.#notices?.opened(subscriber) === false) return unavailable(response, this.#port);
    this.#subscribers.set(subscriber.id, subscriber);
    stream.add(subscriber);
  }

  #register(payload: Uint8Array, instance: number): number {
    const { number, path } = decodeClaim(payload);
    const { paths, log } = this.#options;
    const claimed = this.#claims.get(instance);
    if (claimed === undefined) return Code.refused;
    if (claimed.size >= maxPaths) return this.#refuse({ reason: `a plugin has at most ${maxPaths} paths` });
    const owner = this.#otherOwner(path);
    if (owner !== undefined) {
      return this.#refuse({ path: printable(path), reason: 'another plugin has it', owner });
    }
    const known = paths.get(path);
    const stream =
      known?.owner === this
        ? known.stream
        : new EventStream(path, {
            maxBufferedBytes: this.#port.options.max_buffered_bytes,
            waiting: this.#waiting,
            fanOut: this.#lane,
            slow: () => this.#slow.add(),
            left: (subscriber) => this.#left(subscriber),
          });
    claimed.set(number, stream);
    // While another instance serves, subscribers of it would hear that one.
    if ((this.#serving ?? instance) === instance && !paths.has(path)) this.#claim(stream);
    if (this.#serving === instance) this.#established.add(stream);
    log.info('sse route registered', { plugin: this.#port.plugin.name, path: printable(path) });
    return Code.ok;
  }

  #claim(stream: EventStream): void {
    const { paths } = this.#options;
    if (this.#otherOwner(stream.path) === undefined) paths.set(stream.path, { owner: this, stream });
  }

  /** Which other plugin has the path. This one may have had it with other options, before a reload. */
  #otherOwner(path: string): string | undefined {
    const { paths, takenElsewhere } = this.#options;
    const owner = paths.get(path)?.owner.name ?? takenElsewhere(encodePercent(path), this);
    return owner === this.name ? undefined : owner;
  }

  #refuse(fields: LogFields): number {
    if (this.#refusals++ < maxRefusalsLogged) {
      this.#options.log.warn('sse route refused', { plugin: this.#port.plugin.name, ...fields });
    }
    return Code.refused;
  }

  #left(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber.id);
    this.#notices?.closed(subscriber);
  }

  #streams(): readonly EventStream[] {
    return Array.from(this.#options.paths.values(), (claim) => claim)
      .filter(({ owner }) => owner === this)
      .map(({ stream }) => stream);
  }

  /** Forgets the paths that no instance has claimed that got ready. */
  #sweep(): void {
    for (const stream of this.#streams()) {
      if (this.#established.has(stream)) continue;
      this.#options.paths.delete(stream.path);
      stream.end();
    }
  }

  #keepAlive(): void {
    for (const stream of this.#streams()) stream.emit(ping);
  }
}

function printable(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8');
}
