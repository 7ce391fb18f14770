/**
 * `pulp-runtime/ext`: everything a host capability is made of, built in or brought by an extension. This is all that
 * an extension needs, and what it exports stays as it is within a major version (0.x: a minor one).
 *
 * A capability is a name, the functions it gives to guests, the events it sends them, the options a
 * manifest may set, and up to two ends: a *guest end* that runs in the plugin's thread, and an *edge end*
 * that runs where the sockets are. Extensions are trusted: they run with all rights of the process, and what a guest
 * gives them they have to check.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { StandardSchemaV1 } from '@standard-schema/spec';

export type { StandardSchemaV1 } from '@standard-schema/spec';
export { Code } from './abi/codes.ts';
export { Failure } from './abi/failure.ts';
export { type Field, field, type HeaderField } from './abi/field.ts';
export { Extension as MessagePackExtension } from './abi/msgpack/extension.ts';
export { Timestamp } from './abi/msgpack/timestamp.ts';
export {
  decode,
  type DecodeOptions,
  type Encodable,
  encode,
  type EncodeOptions,
  type Value,
} from './abi/msgpack/value.ts';
export { type Decoded, type Fields, struct, type StructOptions } from './abi/struct.ts';
export { makePluginFolder } from './capabilities/plugin-folder.ts';

/**
 * How one parameter of a host import is passed by the guest:
 *
 * - `in`: a pointer and a length; empty is code 1.
 * - `in?`: a pointer and a length; may be empty.
 * - `out`: two pointers at which the host writes pointer and length of a result that it placed in the
 *   guest's memory.
 * - `u32`, `u64`, `f64`: a number. A `u64` arrives as a `bigint`.
 */
export type Param = 'in' | 'in?' | 'out' | 'u32' | 'u64' | 'f64';

/** What a host import takes. Every host import returns a u32 code (contract section 4). */
export interface Signature {
  readonly params: readonly Param[];
  /** Parameters that newer guests add: the arity of the guest's own import says whether they are there. */
  readonly optional?: readonly Param[];
  /**
   * Set when the function may return a promise: the guest is suspended until it settles. It makes every
   * guest that imports the function suspendable, which costs about 1 µs a step, so say it only where true.
   */
  readonly waits?: true;
}

export type Imports = Readonly<Record<string, Signature>>;

type Argument<P extends Param> = P extends 'in' | 'in?' ? Uint8Array : P extends 'u64' ? bigint : number;

type Arguments<P extends readonly Param[]> = P extends readonly [
  infer First extends Param,
  ...infer Rest extends readonly Param[],
]
  ? First extends 'out'
    ? Arguments<Rest>
    : [Argument<First>, ...Arguments<Rest>]
  : [];

type HasOut<P extends readonly Param[]> = 'out' extends P[number] ? true : false;

type Params<S extends Signature> = S['params'];
type Optional<S extends Signature> = S extends { readonly optional: infer O extends readonly Param[] }
  ? O
  : [];

type Result<S extends Signature> =
  HasOut<Params<S>> extends true ? Uint8Array : HasOut<Optional<S>> extends true ? Uint8Array | void : void;

/**
 * The function behind an import: bytes in, bytes out, never pointers. It refuses by throwing a
 * {@link Failure}. Byte arguments of a function that does not wait are views of the guest's memory: they MUST
 * NOT be kept after it returns. Functions that wait get copies.
 */
export type HostFunction<S extends Signature> = (
  ...args: [...Arguments<Params<S>>, ...Partial<Arguments<Optional<S>>>]
) => S extends { readonly waits: true } ? Result<S> | Promise<Result<S>> : Result<S>;

export type HostFunctions<I extends Imports> = { readonly [K in keyof I]: HostFunction<I[K]> };

/**
 * The options of a capability: one schema for each key that its table in the manifest may have. The host
 * refuses unknown keys. Any library with the Standard Schema interface will do. Schemas are given
 * `undefined` for a key that the manifest leaves out, and MUST validate synchronously.
 */
export type Shape = Readonly<Record<string, StandardSchemaV1>>;

export type OptionsOf<S extends Shape> = { readonly [K in keyof S]: StandardSchemaV1.InferOutput<S[K]> };

export interface Capability<I extends Imports = Imports, S extends Shape = Shape> {
  /**
   * The module that exports this capability under the name `capability`: `import.meta.url` there. Functions cannot be
   * sent to a thread, so each plugin thread imports that module, too.
   */
  readonly module: string;
  /**
   * As manifests declare it, such as `transport.http.inbound`: words in lower case with dots between. No two
   * capabilities of a host may have one name, and no key of a manifest's top level may be its first word.
   */
  readonly name: string;
  /** Functions for guests, by their name in the module `pulp`. No other capability may have one of these. */
  readonly imports: I;
  /**
   * Kinds of the events it sends, as guests read them in `StepEvent.kind`; an event's `kind` is an index into this list.
   * At most 256, and no other capability may have one of these.
   */
  readonly events?: readonly string[];
  readonly options?: S;
  /** Set when its guest end keeps something in `context.folder`: then no other host may use the storage root. */
  readonly stores?: true;
  /**
   * Makes the guest end: once for each instance, before it is instantiated. What it throws is why the plugin does not
   * start; it MUST settle within the time that a start has (`-start-timeout`).
   */
  guest?(context: GuestContext<OptionsOf<S>>): GuestEnd<I> | Promise<GuestEnd<I>>;
  /**
   * Makes the edge end: once for each edge, when the first plugin that declares the capability comes. What it throws is
   * why that plugin does not start; it MUST settle within the time that a start has.
   */
  edge?(context: EdgeContext): EdgeEnd<OptionsOf<S>> | Promise<EdgeEnd<OptionsOf<S>>>;
}

/** Gives a capability its types; the ends are checked against `imports` and `options`. */
export function defineCapability<
  const I extends Imports,
  const S extends Shape = Readonly<Record<string, never>>,
>(capability: Capability<I, S>): Capability {
  // The host only ever hands an end what its own signatures and shape describe, which the type of a list
  // of different capabilities cannot say.
  return capability;
}

/** A plugin, as its manifest names it. */
export interface Plugin {
  readonly name: string;
  readonly version: string;
}

export type LogFields = Readonly<
  Record<string, string | number | bigint | boolean | undefined | readonly string[]>
>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** A capability's part in the plugin thread, for one guest instance. */
export interface GuestEnd<I extends Imports = Imports> {
  readonly functions: HostFunctions<I>;
  /** Called just before the step that gives the guest this event. */
  deliver?(event: Delivery): void;
}

/** The event a step was made for. */
export interface Delivery {
  /** Index into the capability's `events`. */
  readonly kind: number;
  readonly id: number;
  /** The edge no longer wants it. It can become true while the step runs. */
  readonly cancelled: boolean;
}

export interface GuestContext<O = Readonly<Record<string, unknown>>> {
  readonly plugin: Plugin;
  readonly options: O;
  readonly log: Log;
  /** The event of the running step if it is one of this capability's. */
  readonly event: Delivery | undefined;
  /** Disposed of when the instance ends in order. NOT when its thread is killed. */
  readonly scope: AsyncDisposableStack;
  /** Aborted when the instance ends in order, before `scope` is disposed of. NOT when its thread is killed. */
  readonly signal: AbortSignal;
  /**
   * The plugin's own folder below the storage root, absolute. It need not exist: {@link makePluginFolder} makes it.
   * Every capability of the plugin has the same one, so keep to a subfolder of the capability's own name. A plugin
   * that declares `storage.fs` as well can read and change what is in it.
   */
  readonly folder: string;
  /** Whether the operator lets plugins reach addresses that are not public (`-allow-private-network`). */
  readonly allowPrivateNetwork: boolean;
  /** How many parameters the guest's import of this name takes; 0 when it does not import it. */
  arity(name: string): number;
  /**
   * Sends an effect to the edge that owns `id`, without one to all edges. Blocks while the ring is full:
   * back-pressure, never loss. A payload over 32 KiB is transferred, so it MUST be the caller's own bytes.
   */
  send(kind: number, payload: Uint8Array, id?: number): void;
  /** Sends an effect and blocks for the answer, a contract code: 0 when every edge agreed. */
  ask(kind: number, payload: Uint8Array): number;
  /** Sends a request and waits for bytes. Only for functions that wait. */
  request(kind: number, payload: Uint8Array): Promise<Uint8Array>;
  /**
   * Notes that a call begins which nothing can interrupt, such as a query, and what it is; `end` MUST follow, also
   * when it throws, and gives how long it took in milliseconds. When it lasts longer than `limitMs` the plugin gets no
   * more events until it is over.
   */
  readonly native: { begin(what: Uint8Array, limitMs: number): void; end(): number };
  /** Keeps the thread on its event loop until disposed of. An open socket MUST hold one. */
  ref(): Disposable;
}

/** A capability's part at one edge. */
export interface EdgeEnd<O = Readonly<Record<string, unknown>>> {
  plugin(port: Port<O>): PluginEnd;
}

/**
 * What an edge end keeps for one plugin. It outlives the plugin's instances: connections and requests that
 * wait are here. Nothing in it may block; what it throws costs one record, never the edge.
 */
export interface PluginEnd {
  /** What clients reach the plugin by, as `pulp inspect` shows it, such as `GET /notes/{id}`. */
  readonly routes?: readonly string[];
  /**
   * An effect from the guest end of an instance. `payload` MUST NOT be kept. The result answers an ask. While a
   * plugin is reloaded two instances are there: what one claims is not the other's.
   */
  effect?(kind: number, payload: Uint8Array, id: number, instance: number): number | void;
  /**
   * True while it has more to pass on than should wait: effects of the instance then stay where they are, and the guest
   * is slowed down by them. It MUST become false by itself, soon, and cost next to nothing: it is asked for each effect.
   */
  readonly full?: boolean;
  /** Answers a request of the guest end. `payload` is the receiver's to keep. */
  request?(kind: number, payload: Uint8Array): Promise<Uint8Array>;
  /** A new instance is there, before its init. It may claim things from now on. */
  attached?(instance: number): void;
  /**
   * Events go to this instance from now on. At a start that is before its init; at a reload it is right before `ready`,
   * and what the instance before it had not begun with was `undelivered`. What is pushed in here comes before all else,
   * and there is always room for it: that its connections are there, one event for each.
   */
  entered?(instance: number): void;
  /** Behind `entered` of every end: push again what was `undelivered` and is still wanted, and what else there is to tell. */
  resend?(): void;
  /** The init of the instance succeeded: what it has claimed is in force, and what it did not claim is over. */
  ready?(instance: number): void;
  /** The instance has ended, in whatever way. Its events were settled before. */
  detached?(instance: number): void;
  /** For a while no instance will come: refuse what waits for one. */
  down?(): void;
  /**
   * The host is stopping, and what was queued has been taken back. Events pushed in here are the last that the
   * plugin gets before its shutdown: what tells it that its connections are gone.
   */
  draining?(): void;
  /**
   * No instance will come that has this capability: refuse what still waits for one. Only an operator who stopped the
   * plugin can start it again, and then there is `attached` as ever.
   */
  closed?(): void;
}

export interface EdgeContext {
  readonly listener: Listener;
  readonly log: Log;
  /** Aborted when the host ends, before `scope` is disposed of. */
  readonly signal: AbortSignal;
  readonly scope: AsyncDisposableStack;
}

/** In which order request handlers are asked: streams (SSE), then routes, then fallbacks. */
export type Phase = 'stream' | 'route' | 'fallback';

/**
 * A request whose head has been read and checked. All text is binary strings: one UTF-16 unit a byte. Over HTTP/2
 * `request` and `response` are those of Node's compatibility API: the members of both versions MAY be used, sockets
 * MUST NOT.
 */
export interface EdgeRequest {
  /** Its own headers are gone once the handler has returned: {@link headers} are there for as long as this is. */
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** The target's path as sent, still percent-encoded, without scheme and authority. */
  readonly path: string;
  /** The target's query as sent, without `?`. */
  readonly query: string;
  /** The target's authority or the `Host` header; empty without either. */
  readonly host: string;
  /**
   * Names and values in turn: canonical names, the first value of each, without `Host` and
   * `Transfer-Encoding` (contract section 5).
   */
  readonly headers: readonly string[];
  /** Address and port of the client, as `192.0.2.1:4711` or `[2001:db8::1]:4711`. */
  readonly remoteAddr: string;
  /** Such as `HTTP/1.1` or `HTTP/2.0`. */
  readonly proto: string;
  /** Whether the head announces a body. */
  readonly hasBody: boolean;
}

export interface Listener {
  /** Adds a handler that returns true when it takes the request. */
  on(phase: Phase, handler: (incoming: EdgeRequest) => boolean): void;
  /** Adds a handler for upgrades: `claims` says which it wants, `take` gets their sockets. */
  upgrade(handler: UpgradeHandler): void;
  /**
   * Collects the body of a request, empty when it has none. What is too large or too slow, or finds the host
   * out of memory for it, is answered here, and a client that leaves is forgotten: `done` is called only with
   * a whole body.
   */
  body(incoming: EdgeRequest, done: (body: Uint8Array) => void): void;
  /**
   * For an end that gives paths to plugins: `find` says which plugin it has given the `GET` requests of a path to, as sent,
   * still percent-encoded. The function that comes back says to which other plugin other ends have given them, if none has
   * to this one: then the path is taken, and the plugin that asks for it is refused with code 4.
   */
  owner(find: FindOwner): (path: string, plugin: Pick<Plugin, 'name'>) => string | undefined;
  /** How long a client waits for an answer, in milliseconds. */
  readonly requestTimeoutMs: number;
}

/** The name of the plugin that a path belongs to; undefined: to none. */
export type FindOwner = (path: string) => string | undefined;

export interface UpgradeHandler {
  claims(request: IncomingMessage): boolean;
  take(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** A plugin as an edge end sees it: the same object over every restart and reload. */
export interface Port<O = Readonly<Record<string, unknown>>> {
  readonly plugin: Plugin;
  readonly options: O;
  /** Aborted when no instance with these options will come any more, before `scope` is disposed of. */
  readonly signal: AbortSignal;
  readonly scope: AsyncDisposableStack;
  /** Whether an instance is there to take events; otherwise `push` gives false. */
  readonly up: boolean;
  /**
   * Whether no instance is there, and the next one is moments away: what `push` refuses meanwhile may be kept for `resend`.
   * `down` or `closed` comes when it will take longer.
   */
  readonly restarting: boolean;
  /**
   * In how many seconds it is worth to ask again for what `push` refused, at least 1: until a plugin that has failed is
   * tried again.
   */
  readonly retryAfter: number;
  /** An id that no other event, request or connection of this edge has. Ids count from 1. */
  nextId(): number;
  /**
   * Queues an event. False: the queue is full or no instance is there, and the event was NOT taken. Throws a RangeError
   * for a kind that the capability does not have.
   */
  push(event: Event): boolean;
  /**
   * Settles when there may be room again after `push` was false: try once more. While no instance takes events it settles
   * with the next one that does, and never when none comes any more: `signal` tells of that.
   */
  drained(): Promise<void>;
  /** The event is no longer wanted: it is dropped unless its step has begun. Its `done` is not called any more. */
  cancel(event: Event): void;
}

/** What a port sends to a plugin. It MUST NOT be frozen: while it is queued the host keeps a note on it. */
export interface Event {
  /** Index into the capability's `events`. */
  readonly kind: number;
  readonly id: number;
  /** The per-kind msgpack map. It MUST NOT be changed while the event is queued. */
  readonly payload: Uint8Array;
  /**
   * How the event ended: its step is over (`done`), its step broke the guest (`broken`) or ran longer than it may
   * (`overdue`), or the instance was gone before its step began (`undelivered`): another one may get it.
   */
  done?(outcome: Outcome): void;
}

export type Outcome = 'done' | 'broken' | 'overdue' | 'undelivered';
