import { claimed } from './claim';
import { ConnectionRequest } from './connection-request';
import { onEvent } from './event';
import { wsRegister } from './host';
import { onInit } from './lifecycle';
import { log } from './log';
import { MapView } from './map-view';
import { Kind } from './reader';
import { Message, Socket, sendToAll } from './socket';

/** A connection is open. After a restart of the plugin it comes again for each connection that stayed. */
export type SocketOpenHandler = (socket: Socket, request: ConnectionRequest) => void;

/** A message came. */
export type MessageHandler = (socket: Socket, message: Message) => void;

/**
 * A connection is over, whoever ended it. The code is the peer's own: 1005 when it gave none, 1006 when the
 * connection broke. So are the words.
 */
export type SocketCloseHandler = (socket: Socket, code: i32, reason: string) => void;

// @ts-ignore: a decorator of the AssemblyScript compiler, which TypeScript does not know
@lazy
const routes: WebSocketRoute[] = [];

/** Whether `pulp_init` has registered what was there by then. */
let registered = false;

/**
 * Takes WebSocket connections on a path, at the top level or later; the same path again gives the same object.
 * The path is compared as a whole: `:name` means nothing here.
 *
 * The capability `transport.ws.inbound` must be declared. The start fails, with the reason, when the host
 * refuses the path. Which pages may connect is the manifest's matter, not the plugin's: `allowed_origins`.
 */
export function websocket(path: string): WebSocketRoute {
  for (let i = 0; i < routes.length; i++) if (routes[i].path == path) return routes[i];
  if (routes.length == 0) {
    onEvent("ws.open", opened);
    onEvent("ws.frame", received);
    onEvent("ws.close", closed);
    onInit(registerAll);
  }
  const added = new WebSocketRoute(path);
  routes.push(added);
  if (registered) register(added);
  return added;
}

/** A path that takes WebSocket connections, and those that are open. */
export class WebSocketRoute {
  private members: Map<u64, Socket> = new Map<u64, Socket>();
  private openHandler: SocketOpenHandler | null = null;
  private messageHandler: MessageHandler | null = null;
  private closeHandler: SocketCloseHandler | null = null;

  /** For the SDK: see `websocket`. */
  constructor(public readonly path: string) {}

  /** Sets what runs for each new connection. */
  onOpen(handler: SocketOpenHandler): WebSocketRoute {
    this.openHandler = handler;
    return this;
  }

  /** Sets what runs for each message, text or binary. */
  onMessage(handler: MessageHandler): WebSocketRoute {
    this.messageHandler = handler;
    return this;
  }

  /** Sets what runs when a connection is over. It is not among `sockets` any more. */
  onClose(handler: SocketCloseHandler): WebSocketRoute {
    this.closeHandler = handler;
    return this;
  }

  /** The open connections, in the order they came. */
  get sockets(): Socket[] {
    return this.members.values();
  }

  /** How many connections are open. */
  get size(): i32 {
    return this.members.size;
  }

  /** The open connection with an id, or null. */
  find(id: u64): Socket | null {
    return this.members.has(id) ? this.members.get(id) : null;
  }

  /** Sends a text message to every open connection. Gives how many took it. */
  broadcast(text: string): i32 {
    return sendToAll(this.members.values(), text);
  }

  /** For the SDK. */
  open(id: u64, event: MapView): void {
    const socket = new Socket(id, this.path);
    this.members.set(id, socket);
    const handler = this.openHandler;
    if (handler !== null) handler(socket, new ConnectionRequest(event));
  }

  /** For the SDK. */
  receive(socket: Socket, event: MapView): void {
    const handler = this.messageHandler;
    if (handler !== null) handler(socket, new Message(event));
  }

  /** For the SDK. */
  close(socket: Socket, code: i32, reason: string): void {
    this.members.delete(socket.id);
    const handler = this.closeHandler;
    if (handler !== null) handler(socket, code, reason);
  }
}

function registerAll(): void {
  registered = true;
  for (let i = 0; i < routes.length; i++) register(routes[i]);
}

function register(added: WebSocketRoute): void {
  const path = String.UTF8.encode(added.path, false, String.UTF8.ErrorMode.REPLACE);
  claimed("ws_register: " + added.path, wsRegister(changetype<usize>(path), path.byteLength));
}

function opened(event: MapView): void {
  if (!isWhole(event)) return;
  const path = event.get("path");
  for (let i = 0; i < routes.length; i++) {
    if (routes[i].path == path) return routes[i].open(event.u64("conn_id"), event);
  }
  log.warn("no WebSocket path of this plugin is " + path);
}

function received(event: MapView): void {
  if (!isWhole(event)) return;
  const id = event.u64("conn_id");
  for (let i = 0; i < routes.length; i++) {
    const socket = routes[i].find(id);
    if (socket !== null) return routes[i].receive(socket, event);
  }
}

function closed(event: MapView): void {
  if (!isWhole(event)) return;
  const id = event.u64("conn_id");
  for (let i = 0; i < routes.length; i++) {
    const socket = routes[i].find(id);
    if (socket !== null) return routes[i].close(socket, i32(event.i64("code")), event.get("reason"));
  }
}

function isWhole(event: MapView): bool {
  if (event.whole && event.kind("conn_id") == Kind.Int) return true;
  log.error("an event of a WebSocket could not be decoded");
  return false;
}
