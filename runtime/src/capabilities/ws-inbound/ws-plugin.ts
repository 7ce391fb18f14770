import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { Code } from '../../abi/codes.ts';
import { Budget } from '../../edge/budget.ts';
import { encodePercent } from '../../edge/percent.ts';
import { Tally } from '../../edge/tally.ts';
import type { EdgeRequest, Log, LogFields, Plugin, PluginEnd, Port } from '../../ext.ts';
import { Close, type ConnectionContext, beatsPerPing, type ShedCause } from './connection.ts';
import { Conversation } from './conversation.ts';
import { Gate } from './gate.ts';
import { badHandshake, busy, checkHandshake, refuse, type Refusal } from './handshake.ts';
import { mostPieces } from './intake.ts';
import type { WsOptions } from './options.ts';
import type { FlushList } from './outbox.ts';
import { decodeFarewell, decodePath, Effect } from './wire.ts';

/** Paths that a plugin may have at one time. */
export const maxPaths = 1000;
/** Bytes that all clients of a plugin may leave unread together; one may leave as much as its manifest says. */
const maxUnreadBytes = 64 * 1024 * 1024;
/** How long a closing handshake may take, in milliseconds: then the socket is dropped. */
const closeTimeoutMs = 5000;
/** Refused paths of an instance that are logged: a guest may ask for them without end. */
const maxRefusalsLogged = 10;

/** What all plugins of an edge share. */
export interface WsEdge {
  readonly log: Log;
  /** Who has which path. */
  readonly paths: Map<string, WsPlugin>;
  /** Which other plugin answers `GET` on a path otherwise. */
  readonly takenElsewhere: (path: string, plugin: Pick<Plugin, 'name'>) => string | undefined;
  readonly held: Budget;
  readonly flushes: FlushList;
}

/** What the edge keeps for one plugin: its paths and its connections. */
export class WsPlugin implements PluginEnd {
  readonly #port: Port<WsOptions>;
  readonly #edge: WsEdge;
  readonly #server: WebSocketServer;
  readonly #gate: Gate;
  readonly #context: ConnectionContext & { beat: number };
  /** Until the socket is closed and the plugin knows: so nothing of theirs grows beyond their number. */
  readonly #conversations = new Map<number, Conversation>();
  readonly #refused: Tally;
  readonly #shed: Readonly<Record<ShedCause, Tally>>;
  /** The upgrade that `ws` is looking at. */
  #shaking: EdgeRequest | undefined;
  /** The paths that each instance has claimed. */
  readonly #claims = new Map<number, Set<string>>();
  /** Those of the last instance whose init succeeded. */
  #established: ReadonlySet<string> = new Set();
  /** The instance that hears of the connections, and the one whose claims are in force. */
  #entered: number | undefined;
  #serving: number | undefined;
  #refusedPaths = 0;

  constructor(port: Port<WsOptions>, edge: WsEdge) {
    const { log, held, flushes } = edge;
    const { options } = port;
    const plugin = port.plugin.name;
    this.#port = port;
    this.#edge = edge;
    this.#gate = new Gate(port, held);
    this.#server = server(options);
    this.#server.on('wsClientError', () => {
      if (this.#shaking !== undefined) refuse(this.#shaking, badHandshake);
    });
    this.#refused = new Tally((count) =>
      log.warn('websocket connections refused', { plugin, count, max_connections: options.max_connections }),
    );
    this.#shed = {
      unread: new Tally((count) =>
        log.warn('websocket clients too slow', {
          plugin,
          count,
          max_buffered_bytes: options.max_buffered_bytes,
        }),
      ),
      memory: new Tally((count) => log.warn('websocket messages over memory', { plugin, count })),
    };
    const unread = new Budget(Math.max(maxUnreadBytes, options.max_buffered_bytes));
    this.#context = { options, held, unread, flushes, beat: 0, shed: (cause) => this.#shed[cause].add() };
    const heart = setInterval(() => this.#beat(), options.ping_interval_ms / beatsPerPing).unref();
    port.scope.defer(() => {
      clearInterval(heart);
      for (const tally of [this.#refused, ...Object.values(this.#shed)]) tally.flush();
      for (const { connection } of this.#conversations.values()) connection.terminate();
      this.#release(() => true);
    });
  }

  get name(): string {
    return this.#port.plugin.name;
  }

  get routes(): readonly string[] {
    return Array.from(this.#established, (path) => `WS ${printable(path)}`);
  }

  effect(kind: number, payload: Uint8Array, id: number, instance: number): number {
    if (kind === Effect.register) return this.#register(decodePath(payload), instance);
    const connection = this.#conversations.get(id)?.connection;
    if (kind === Effect.close) connection?.close(decodeFarewell(payload));
    else connection?.send(kind === Effect.text ? 1 : 2, payload);
    return Code.ok;
  }

  attached(instance: number): void {
    this.#claims.set(instance, new Set());
    this.#refusedPaths = 0;
  }

  entered(instance: number): void {
    this.#entered = instance;
    if (this.#port.options.resume)
      for (const conversation of this.#conversations.values()) conversation.resume();
    else this.#leave(Close.restart);
  }

  resend(): void {
    for (const conversation of this.#conversations.values()) conversation.resend();
    // Of all together: what one has said since may not go in before what another has to say again.
    this.#gate.fill();
  }

  ready(instance: number): void {
    this.#serving = instance;
    // With what it claims from now on.
    this.#established = this.#claims.get(instance) ?? new Set();
    this.#sweep();
    for (const path of this.#established) this.#claim(path);
  }

  detached(instance: number): void {
    this.#claims.delete(instance);
    if (this.#serving === instance) this.#serving = undefined;
    // An instance that never got ready leaves nothing behind.
    else this.#sweep();
    if (this.#entered !== instance) return;
    this.#entered = undefined;
    if (!this.#port.options.resume) this.#leave(Close.restart);
  }

  draining(): void {
    for (const conversation of this.#conversations.values()) {
      const event = conversation.lastWord(Close.goingAway);
      if (event !== undefined) this.#port.push(event);
    }
  }

  closed(): void {
    this.#leave(Close.goingAway);
  }

  /** Takes an upgrade on one of the plugin's paths. */
  accept(incoming: EdgeRequest, path: string, socket: Duplex, head: Buffer): void {
    // From here on `node:http` does not look after the socket: its reset would end the process.
    socket.on('error', () => socket.destroy());
    const refusal = this.#refusal(incoming);
    if (refusal !== undefined) return refuse(incoming, refusal);
    this.#shaking = incoming;
    this.#server.handleUpgrade(incoming.request, socket, head, (ws) => {
      const id = this.#port.nextId();
      const over = (): void => {
        this.#conversations.delete(id);
      };
      const accepted = { id, incoming, path, ws, socket };
      const options = { gate: this.#gate, context: this.#context, over };
      this.#conversations.set(id, new Conversation(accepted, options));
    });
    this.#shaking = undefined;
  }

  #refusal(incoming: EdgeRequest): Refusal | undefined {
    const { options, up } = this.#port;
    const wrong = checkHandshake(incoming, options);
    if (wrong !== undefined) return wrong;
    if (this.#conversations.size >= options.max_connections) {
      this.#refused.add();
      return busy({ retryAfter: 1 });
    }
    return up && !this.#gate.crowded ? undefined : busy(this.#port);
  }

  #register(path: string, instance: number): number {
    const { log } = this.#edge;
    const plugin = this.#port.plugin.name;
    const claimed = this.#claims.get(instance);
    if (claimed === undefined) return Code.refused;
    if (claimed.has(path)) return Code.ok;
    if (claimed.size >= maxPaths) {
      return this.#refuse({ path: printable(path), reason: `a plugin has at most ${maxPaths} paths` });
    }
    const owner = this.#otherOwner(path);
    if (owner !== undefined) {
      return this.#refuse({ path: printable(path), reason: 'another plugin has it', owner });
    }
    claimed.add(path);
    // While another instance serves, connections for it would go to that one.
    if ((this.#serving ?? instance) === instance && !this.#edge.paths.has(path)) this.#claim(path);
    log.info('ws route registered', { plugin, path: printable(path) });
    return Code.ok;
  }

  #refuse(fields: LogFields): number {
    if (this.#refusedPaths++ < maxRefusalsLogged) {
      this.#edge.log.warn('ws route refused', { plugin: this.name, ...fields });
    }
    return Code.refused;
  }

  #claim(path: string): void {
    if (this.#otherOwner(path) === undefined) this.#edge.paths.set(path, this);
  }

  /** Which other plugin has the path. This one may have had it with other options, before a reload. */
  #otherOwner(path: string): string | undefined {
    const { paths, takenElsewhere } = this.#edge;
    const owner = paths.get(path)?.name ?? takenElsewhere(encodePercent(path), this);
    return owner === this.name ? undefined : owner;
  }

  #leave(code: number): void {
    for (const conversation of this.#conversations.values()) conversation.leave(code);
  }

  /** Gives up the paths that no instance has claimed that got ready. */
  #sweep(): void {
    this.#release((path) => !this.#established.has(path));
  }

  /** Gives up paths of its own. */
  #release(which: (path: string) => boolean): void {
    const { paths } = this.#edge;
    for (const [path, owner] of paths) if (owner === this && which(path)) paths.delete(path);
  }

  #beat(): void {
    this.#context.beat += 1;
    for (const { connection } of this.#conversations.values()) connection.beat(this.#context.beat);
  }
}

/** What of RFC 6455 is left to `ws`: the handshake, the frames that come in, and closing. */
function server({ max_message_bytes: maxPayload, protocols = [] }: WsOptions): WebSocketServer {
  const pieces = mostPieces(maxPayload);
  const settings = {
    noServer: true,
    clientTracking: false,
    // Memory of its own for each connection, and messages that grow a thousandfold: a proxy may do it instead.
    perMessageDeflate: false,
    // Pongs are sent by way of the outbox, so that a client which does not read them costs nothing.
    autoPong: false,
    closeTimeout: closeTimeoutMs,
    maxPayload,
    maxFragments: pieces,
    maxBufferedChunks: pieces,
    handleProtocols: (offered: Set<string>) => protocols.find((name) => offered.has(name)) ?? false,
  };
  return new WebSocketServer(settings);
}

function printable(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8');
}
