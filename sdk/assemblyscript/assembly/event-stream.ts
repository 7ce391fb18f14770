import { claimed } from './claim';
import { ConnectionRequest } from './connection-request';
import { onEvent } from './event';
import { sseEmit, sseRegister } from './host';
import { onInit } from './lifecycle';
import { log } from './log';
import { MapView } from './map-view';
import { Kind } from './reader';
import { Subscriber, encodeEvent, sent } from './subscriber';

/** Somebody subscribed. After a restart of the plugin it comes again for each subscriber that stayed. */
export type SubscriberOpenHandler = (subscriber: Subscriber, request: ConnectionRequest) => void;

/** A subscriber is gone. */
export type SubscriberCloseHandler = (subscriber: Subscriber) => void;

// @ts-ignore: a decorator of the AssemblyScript compiler, which TypeScript does not know
@lazy
const streams: EventStream[] = [];

/** Whether `pulp_init` has registered what was there by then. */
let registered = false;

/**
 * Serves a stream of server-sent events (an `EventSource` in a page) on a path, at the top level or later; the
 * same path again gives the same object. The path is compared as a whole: `:name` means nothing here.
 *
 * The capability `transport.sse` must be declared. The start fails, with the reason, when the host refuses the
 * path.
 */
export function events(path: string): EventStream {
  for (let i = 0; i < streams.length; i++) if (streams[i].path == path) return streams[i];
  if (streams.length == 0) onInit(registerAll);
  const added = new EventStream(path);
  streams.push(added);
  if (registered) register(added);
  return added;
}

/** A path that streams events to all who subscribe. */
export class EventStream {
  private members: Map<u64, Subscriber> = new Map<u64, Subscriber>();
  private openHandler: SubscriberOpenHandler | null = null;
  private closeHandler: SubscriberCloseHandler | null = null;

  /** For the SDK: see `events`. */
  constructor(public readonly path: string) {}

  /**
   * Sends an event to every subscriber. Data of several lines arrives as it is; a name or an id with a line
   * break in it is refused. False: refused.
   *
   * @param data The text. A page reads it as `event.data`.
   * @param event Its name, for `addEventListener`; without one it is `message`.
   * @param id What a browser sends as `Last-Event-ID` when it connects again.
   */
  emit(data: string, event: string = "", id: string = ""): bool {
    const writer = encodeEvent(data, event, id);
    writer.str("path");
    writer.str(this.path);
    return sent(sseEmit(writer.start, writer.size));
  }

  /** Sets what runs for each new subscriber. The manifest must say `events = true` in `[transport.sse]`. */
  onOpen(handler: SubscriberOpenHandler): EventStream {
    listen();
    this.openHandler = handler;
    return this;
  }

  /** Sets what runs when a subscriber is gone. It needs `events = true` as `onOpen` does. */
  onClose(handler: SubscriberCloseHandler): EventStream {
    listen();
    this.closeHandler = handler;
    return this;
  }

  /** Who is subscribed, in the order they came. Empty unless there is a handler of one of the two kinds. */
  get subscribers(): Subscriber[] {
    return this.members.values();
  }

  /** For the SDK. */
  subscribe(id: u64, event: MapView): void {
    const subscriber = new Subscriber(id, this.path);
    this.members.set(id, subscriber);
    const handler = this.openHandler;
    if (handler !== null) handler(subscriber, new ConnectionRequest(event));
  }

  /** For the SDK: false when it is none of this stream. */
  unsubscribe(id: u64): bool {
    if (!this.members.has(id)) return false;
    const subscriber = this.members.get(id);
    this.members.delete(id);
    const handler = this.closeHandler;
    if (handler !== null) handler(subscriber);
    return true;
  }
}

function registerAll(): void {
  registered = true;
  for (let i = 0; i < streams.length; i++) register(streams[i]);
}

function register(added: EventStream): void {
  const path = String.UTF8.encode(added.path, false, String.UTF8.ErrorMode.REPLACE);
  claimed("sse_register: " + added.path, sseRegister(changetype<usize>(path), path.byteLength));
}

function listen(): void {
  onEvent("sse.open", opened);
  onEvent("sse.close", closed);
}

function opened(event: MapView): void {
  if (!isWhole(event)) return;
  const path = event.get("path");
  for (let i = 0; i < streams.length; i++) {
    if (streams[i].path == path) return streams[i].subscribe(event.u64("sub_id"), event);
  }
  log.warn("no stream of this plugin is " + path);
}

function closed(event: MapView): void {
  if (!isWhole(event)) return;
  const id = event.u64("sub_id");
  for (let i = 0; i < streams.length; i++) if (streams[i].unsubscribe(id)) return;
}

function isWhole(event: MapView): bool {
  if (event.whole && event.kind("sub_id") == Kind.Int) return true;
  log.error("an event of a stream could not be decoded");
  return false;
}
