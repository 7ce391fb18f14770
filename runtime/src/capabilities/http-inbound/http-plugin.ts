import { Buffer } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { encodeHttpRequest } from '../../abi/events.ts';
import { Writer } from '../../abi/msgpack/writer.ts';
import { Code } from '../../abi/codes.ts';
import type { EdgeRequest, Listener, Log, LogFields, Outcome, Plugin, PluginEnd, Port } from '../../ext.ts';
import { Fifo } from '../../edge/fifo.ts';
import type { Budget } from '../../edge/budget.ts';
import { oweAnswer } from '../../edge/connection.ts';
import { METHODS } from '../../edge/node-http.ts';
import { encodePercent } from '../../edge/percent.ts';
import { parseQuery } from '../../edge/query.ts';
import { reply, shed, unavailable } from '../../edge/reply.ts';
import { isLiteral, type Route, type RouteMatch, type RouteTable } from './route-table.ts';
import { inlineBytes } from '../../link/link.ts';
import { Waiting } from './waiting.ts';
import { type Answer, decodeAnswer, decodeClaim, Effect, latin1 } from './wire.ts';

/** Routes that a plugin may have at one time. */
export const maxRoutes = 1000;
/** Refused routes of an instance that are logged: a guest may ask for them without end. */
const maxRefusalsLogged = 10;
/** Characters of a path in the log. */
const maxPathLogged = 200;
/** Requests of a plugin that may come while no instance is there and the next one is moments away. */
export const maxKept = 1024;
/** How often requests that have waited too long are looked for, in milliseconds. */
const sweepMs = 250;

export interface HttpPluginOptions {
  readonly routes: RouteTable<HttpPlugin>;
  /** Which other plugin has the streams or WebSockets of a path. */
  readonly takenElsewhere: (path: string, plugin: Pick<Plugin, 'name'>) => string | undefined;
  readonly log: Log;
  readonly listener: Listener;
  /** What all clients have not taken of their answers. */
  readonly untaken: Budget;
  /** What requests hold that came while their plugin had no instance. */
  readonly kept: Budget;
}

/** What the edge keeps for one plugin: it outlives the plugin's instances. */
export class HttpPlugin implements PluginEnd {
  readonly #port: Port;
  readonly #options: HttpPluginOptions;
  /**
   * Requests in the order of their ids, which is the order they came in and are answered in. Those that are
   * over are dropped as they reach the front.
   */
  readonly #waiting = new Fifo<Waiting>();
  /** Requests whose instance ended before it began with them, and those that came since: the next one gets them. */
  #undelivered: Waiting[] = [];
  /** How many came since, and the bytes that they hold. */
  #kept = 0;
  #keptBytes = 0;
  /** The routes that each instance has claimed. */
  readonly #claims = new Map<number, Map<string, Route>>();
  /** Those of the last instance whose init succeeded. */
  #established = new Map<string, Route>();
  /** The instance whose claims are in force. */
  #serving: number | undefined;
  #refusals = 0;

  constructor(port: Port, options: HttpPluginOptions) {
    this.#port = port;
    this.#options = options;
    const timer = setInterval(() => this.#sweep(), sweepMs);
    timer.unref();
    port.scope.defer(() => clearInterval(timer));
    // The plugin has no such capability any more: its routes are nobody's.
    port.signal.addEventListener('abort', () => options.routes.replace(this, []));
  }

  get name(): string {
    return this.#port.plugin.name;
  }

  get routes(): readonly string[] {
    return Array.from(this.#established.values(), ({ method, pattern }) => `${method} ${printable(pattern)}`);
  }

  effect(kind: number, payload: Uint8Array, id: number, instance: number): number {
    if (kind === Effect.register) return this.#register(payload, instance);
    const response = this.#find(id)?.take();
    if (response === undefined) return Code.ok;
    try {
      write(response, decodeAnswer(payload), this.#options.untaken);
    } catch (error) {
      // Whatever Node finds wrong with an answer that was checked, the client is not left without one.
      reply(response, 502, 'bad response from plugin');
      throw error;
    }
    return Code.ok;
  }

  attached(instance: number): void {
    this.#claims.set(instance, new Map());
    this.#refusals = 0;
  }

  resend(): void {
    for (const waiting of this.#takeUndelivered()) {
      if (waiting.response !== undefined && !this.#port.push(waiting)) this.#unavailable(waiting.take());
    }
  }

  ready(instance: number): void {
    const { routes } = this.#options;
    const claimed = [...(this.#claims.get(instance) ?? [])];
    this.#established = new Map(claimed.filter(([, route]) => !this.#isTaken(route)));
    // In the place of one that serves an operator has put it. It may be anything, and one that starts anew is the same.
    if ((this.#serving ?? instance) === instance) routes.replace(this, [...this.#established.values()]);
    else routes.succeed(this, [...this.#established.values()]);
    this.#serving = instance;
  }

  detached(instance: number): void {
    this.#claims.delete(instance);
    if (this.#serving === instance) this.#serving = undefined;
    // An instance that never got ready leaves nothing behind.
    else this.#options.routes.replace(this, [...this.#established.values()]);
  }

  down(): void {
    for (const waiting of this.#takeUndelivered()) this.#unavailable(waiting.take());
  }

  closed(): void {
    this.down();
  }

  /** Takes a request that matched one of the plugin's routes. Hot: every request goes through it. */
  handle(incoming: EdgeRequest, match: RouteMatch<HttpPlugin>): void {
    const { up, restarting } = this.#port;
    if (!up && !restarting) return this.#unavailable(incoming.response);
    this.#options.listener.body(incoming, (body) => this.#enqueue(incoming, match, body));
  }

  settled(waiting: Waiting, outcome: Outcome): void {
    if (outcome === 'undelivered') {
      if (waiting.response !== undefined) this.#undelivered.push(waiting);
      return;
    }
    const response = waiting.take();
    if (response === undefined) return;
    if (outcome === 'broken' || outcome === 'overdue') {
      this.#options.log.warn('plugin ended in a request', {
        plugin: this.#port.plugin.name,
        id: waiting.id,
        method: response.req.method ?? '',
        path: pathOf(response.req),
      });
      if (outcome === 'broken') reply(response, 502, 'plugin failed');
      else reply(response, 504, 'plugin timeout');
      return;
    }
    this.#options.log.warn('plugin did not respond', { plugin: this.#port.plugin.name, id: waiting.id });
    reply(response, 500, 'plugin did not respond');
  }

  #enqueue(incoming: EdgeRequest, match: RouteMatch<HttpPlugin>, body: Uint8Array): void {
    const { response } = incoming;
    const id = this.#port.nextId();
    const waiting = new Waiting(this, { id, payload: encode(id, incoming, match, body), response });
    if (!this.#port.push(waiting) && !this.#keep(waiting)) return this.#unavailable(response);
    this.#find(0);
    this.#waiting.push(waiting);
    response.on('close', () => {
      if (waiting.take() !== undefined) this.#port.cancel(waiting);
    });
  }

  /** Keeps a request for the next instance, if that is moments away and there is room. */
  #keep(waiting: Waiting): boolean {
    const bytes = waiting.payload.length;
    if (!this.#port.restarting || this.#kept >= maxKept || !this.#options.kept.take(bytes)) return false;
    this.#kept += 1;
    this.#keptBytes += bytes;
    this.#undelivered.push(waiting);
    return true;
  }

  #takeUndelivered(): readonly Waiting[] {
    const taken = this.#undelivered;
    this.#undelivered = [];
    this.#options.kept.give(this.#keptBytes);
    this.#kept = 0;
    this.#keptBytes = 0;
    return taken;
  }

  #unavailable(response: ServerResponse | undefined): void {
    unavailable(response, this.#port);
  }

  #register(payload: Uint8Array, instance: number): number {
    const { method, pattern } = decodeClaim(payload);
    const { routes, log } = this.#options;
    const plugin = this.#port.plugin.name;
    const claimed = this.#claims.get(instance);
    const key = `${method} ${pattern}`;
    if (claimed === undefined) return Code.refused;
    if (claimed.has(key)) return Code.ok;
    if (claimed.size >= maxRoutes) {
      this.#refuse({ reason: `a plugin has at most ${maxRoutes} routes` });
      return Code.refused;
    }
    const route = { method, pattern };
    if (this.#isTaken(route)) return Code.refused;
    claimed.set(key, route);
    // While another instance serves, requests for it would go to that one.
    if ((this.#serving ?? instance) === instance) routes.add(route, this);
    if (this.#serving === instance) this.#established.set(key, route);
    log.info('http route registered', { plugin, method, pattern: printable(pattern) });
    if (!reachable.has(method)) {
      log.warn('http route is never reached', {
        plugin,
        method,
        reason: 'the HTTP parser does not know the method',
      });
    }
    return Code.ok;
  }

  /** Whether another plugin has exactly this route, or the streams or WebSockets of its path. It is logged. */
  #isTaken({ method, pattern }: Route): boolean {
    const { routes, takenElsewhere } = this.#options;
    const gets = method === 'GET' || method === 'HEAD';
    const routed = routes.owner({ method, pattern }) ?? this;
    const elsewhere = gets && isLiteral(pattern) ? takenElsewhere(encodePercent(pattern), this) : undefined;
    const owner = routed === this ? elsewhere : routed.name;
    if (owner === undefined) return false;
    this.#refuse({ method, pattern: printable(pattern), reason: 'another plugin has it', owner });
    return true;
  }

  #refuse(fields: LogFields): void {
    if (this.#refusals++ >= maxRefusalsLogged) return;
    this.#options.log.warn('http route refused', { plugin: this.#port.plugin.name, ...fields });
  }

  /** Finds a request that waits, and drops what is over in front of it. */
  #find(id: number): Waiting | undefined {
    for (;;) {
      const first = this.#waiting.at(0);
      if (first === undefined || first.id === id) return first;
      if (first.response !== undefined) break;
      this.#waiting.shift();
    }
    for (const waiting of this.#waiting) {
      if (waiting.id === id) return waiting;
      if (waiting.id > id) return undefined;
    }
    return undefined;
  }

  /** Requests wait in the order they came, so the first that is young enough ends the look. */
  #sweep(): void {
    const limit = performance.now() - this.#options.listener.requestTimeoutMs;
    for (const waiting of this.#waiting) {
      if (waiting.arrived > limit) return;
      const response = waiting.take();
      if (response === undefined) continue;
      this.#port.cancel(waiting);
      reply(response, 504, 'plugin timeout');
    }
  }
}

/** Methods that arrive as requests. The parser knows CONNECT too, but it asks for a tunnel. */
const reachable: ReadonlySet<string> = new Set(METHODS.filter((method) => method !== 'CONNECT'));

const writer = new Writer(4096);

function encode(
  id: number,
  incoming: EdgeRequest,
  match: RouteMatch<HttpPlugin>,
  body: Uint8Array,
): Uint8Array {
  writer.reset();
  encodeHttpRequest(writer, {
    id,
    method: incoming.method,
    path: match.path,
    params: match.params,
    query: incoming.query === '' ? none : parseQuery(incoming.query),
    headers: incoming.headers,
    body,
    host: incoming.host,
    remoteAddr: incoming.remoteAddr,
    proto: incoming.proto,
    rawPath: incoming.path,
  });
  return writer.take();
}

const none: readonly string[] = [];

/** Writes an answer that the guest end has checked. Hot. */
function write(
  response: ServerResponse,
  { status, headers, body }: Answer & { headers: string[] },
  untaken: Budget,
): void {
  if (response.destroyed) return;
  if (body.length > inlineBytes) {
    if (!untaken.take(body.length)) return unavailable(response);
    response.on('close', () => untaken.give(body.length));
    if (!oweAnswer(response, body.length)) return shed(response);
  }
  const bodiless = status === 204 || status === 304;
  if (!bodiless) headers.push('Content-Length', String(body.length));
  response.writeHead(status, headers);
  if (bodiless || body.length === 0 || response.req.method === 'HEAD') response.end();
  // A small body goes out as a binary string, in one piece with the head. A view of the ring dies on return.
  else if (body.length <= inlineBytes) response.end(latin1(body, 0, body.length), 'latin1');
  else response.end(body);
}

/** What of a request's target is logged: the path, without a query that may hold secrets. */
function pathOf({ url = '' }: IncomingMessage): string {
  const [path = ''] = url.split('?', 1);
  return path.length <= maxPathLogged ? path : `${path.slice(0, maxPathLogged)}…`;
}

function printable(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}
