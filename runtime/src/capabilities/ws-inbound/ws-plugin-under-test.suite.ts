/** A plugin's connections at the edge, with a queue and clients that do what a test says. */
import assert from 'node:assert/strict';
import { duplexPair, type Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import { silent } from '../../../../test/support/guest-context.ts';
import { closeOf, type ReceivedFrame, takeFrame } from '../../../../test/support/raw-websocket.ts';
import { decode } from '../../abi/msgpack/value.ts';
import { Budget } from '../../edge/budget.ts';
import { type Exchange, exchange } from '../../edge/exchange.suite.ts';
import type { Event, Outcome, Port } from '../../ext.ts';
import { options as shape, type WsOptions } from './options.ts';
import { FlushList } from './outbox.ts';
import { WsPlugin } from './ws-plugin.ts';

const kinds = ['open', 'frame', 'close'];

/** Every option as it is when a manifest leaves it out. */
export function options(given: Partial<WsOptions> = {}): WsOptions {
  const defaults = Object.entries(shape).map(([key, schema]) => {
    const result = schema['~standard'].validate(undefined);
    assert.ok(!(result instanceof Promise) && result.issues === undefined);
    return [key, result.value];
  });
  return { ...(Object.fromEntries(defaults) as WsOptions), ...given };
}

/** The queue of a plugin: it takes so many events, and ends them as the test says. */
export class Queue implements Port<WsOptions> {
  readonly plugin;
  readonly options: WsOptions;
  readonly signal = new AbortController().signal;
  readonly scope = new AsyncDisposableStack();
  up = true;
  restarting = false;
  readonly retryAfter = 7;
  room = Number.POSITIVE_INFINITY;
  events: Event[] = [];
  #ids = 0;
  #drained = Promise.withResolvers<void>();

  constructor(given: WsOptions, name = 'guest') {
    this.plugin = { name, version: '1' };
    this.options = given;
  }

  nextId(): number {
    return ++this.#ids;
  }

  push(event: Event): boolean {
    if (!this.up || this.events.length >= this.room) return false;
    this.events.push(event);
    return true;
  }

  drained(): Promise<void> {
    return this.#drained.promise;
  }

  cancel(): void {
    assert.fail('nothing is taken back');
  }

  /** What waits in it, as the plugin would see it. */
  seen(): readonly unknown[] {
    return this.events.map(({ kind, id, payload }) => {
      const fields = new Map(decode(payload) as ReadonlyMap<string, unknown>);
      const path = `${String(fields.get('path'))}${fields.get('resumed') === true ? ' resumed' : ''}`;
      const value = kind === 0 ? path : kind === 1 ? fields.get('payload') : fields.get('code');
      return `${kinds[kind]} ${id} ${value instanceof Uint8Array ? Buffer.from(value).toString() : String(value)}`;
    });
  }

  /** Ends all that it has, and tells those who wait for room. Gives what the plugin has seen. */
  async finish(outcome: Outcome = 'done'): Promise<readonly unknown[]> {
    const seen = this.seen();
    const { events } = this;
    this.events = [];
    for (const event of events) event.done?.(outcome);
    const { resolve } = this.#drained;
    this.#drained = Promise.withResolvers();
    resolve();
    await settled();
    return seen;
  }
}

/** Lets everything happen that is about to. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A client without a network. */
export class Client {
  readonly #socket: Duplex;
  #received: Buffer = Buffer.alloc(0);
  ended = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    socket.on('end', () => {
      this.ended = true;
      socket.end();
    });
  }

  async send(...frames: readonly Uint8Array[]): Promise<void> {
    this.#socket.write(Buffer.concat(frames));
    await settled();
  }

  async drop(): Promise<void> {
    this.#socket.end();
    await settled();
  }

  /** The server's answer to the handshake. */
  head(): string {
    const end = this.#received.indexOf('\r\n\r\n') + 4;
    const head = this.#received.toString('latin1', 0, end);
    this.#received = this.#received.subarray(end);
    return head;
  }

  frames(): readonly ReceivedFrame[] {
    const frames: ReceivedFrame[] = [];
    for (let taken = takeFrame(this.#received); taken !== undefined; taken = takeFrame(this.#received)) {
      frames.push(taken.frame);
      this.#received = taken.rest;
    }
    return frames;
  }

  /** The code of the close frame that came, as the last one. */
  code(): number {
    const last = this.frames().at(-1);
    assert.ok(last !== undefined, 'nothing came');
    return closeOf(last).code;
  }
}

/** A handshake without a network: what it is refused with goes to `sent`. */
export function upgrade(): Exchange {
  const fresh = exchange();
  const { request, response } = fresh;
  const headers = {
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    upgrade: 'websocket',
  };
  Object.defineProperty(request, 'headers', { value: headers });
  // The exchange has given it one.
  response.assignSocket = () => undefined;
  Object.defineProperty(request.socket, 'writable', { value: true });
  return fresh;
}

/** A plugin with these options, and what it does with queue, log and memory. */
export function made(t: TestContext, given: Partial<WsOptions> = {}, held = new Budget(1_000_000)) {
  const port = new Queue(options(given));
  const logs: string[] = [];
  const log = {
    ...silent,
    warn: (message: string, fields = {}) => void logs.push(`${message} ${JSON.stringify(fields)}`),
  };
  const paths = new Map<string, WsPlugin>();
  const edge = { log, paths, takenElsewhere: () => undefined, held, flushes: new FlushList() };
  const plugin = new WsPlugin(port, edge);
  t.after(() => port.scope.disposeAsync());
  let instance = 0;
  /** A new instance, in the place of the one before it. */
  const next = (): void => {
    plugin.detached(instance);
    plugin.attached(++instance);
    plugin.entered(instance);
    plugin.resend();
  };
  const ready = (): void => plugin.ready(instance);
  const effect = (kind: number, payload: Uint8Array, id: number, of = instance): number =>
    plugin.effect(kind, payload, id, of);
  next();
  ready();
  const connect = async (): Promise<Client> => {
    const [server, client] = duplexPair();
    const { incoming } = upgrade();
    const connected = new Client(client);
    plugin.accept(incoming, '/ws', server, Buffer.alloc(0));
    await settled();
    assert.match(connected.head(), /^HTTP\/1\.1 101 /);
    return connected;
  };
  return { plugin, next, ready, effect, port, logs, edge, held, connect };
}
