import { Code, encode, Failure, type Log, type Outcome, type PluginEnd, type Port } from 'pulp-runtime/ext';
import { redisAddress } from './address.ts';
import { Backlog, type Message } from './backlog.ts';
import { makeClient } from './client.ts';
import { prefixOf, type RedisOptions } from './options.ts';
import { Effect } from './wire.ts';

/** How often dropped messages of a plugin are logged at most, in milliseconds. */
const logMs = 60_000;

type Client = ReturnType<typeof makeClient>;

/**
 * The subscriptions of a plugin, over one connection. Each instance claims its channels anew; what the one before had
 * stays until the next one's init is over, so that a restart misses as little as can be.
 */
export class RedisPlugin implements PluginEnd {
  readonly #port: Port<RedisOptions>;
  readonly #log: Log;
  readonly #prefix: Buffer;
  readonly #claims = new Map<number, Set<string>>();
  readonly #backlog = new Backlog();
  /** The channels of the last instance that was ready, by the names that guests use. */
  #kept = new Set<string>();
  /** The instance that was. */
  #current = 0;
  /** Channels that Redis was asked for: each settles when it has said that it sends. */
  readonly #subscribed = new Map<string, Promise<void>>();
  #client: Client | undefined;
  #waitsForRoom = false;
  #dropped = 0;
  #nextLog = 0;

  constructor({ port, log }: { readonly port: Port<RedisOptions>; readonly log: Log }) {
    this.#port = port;
    this.#log = log;
    this.#prefix = prefixOf(port.plugin.name, port.options);
    port.scope.defer(() => this.closed());
  }

  attached(instance: number): void {
    this.#claims.set(instance, new Set());
  }

  effect(kind: number, payload: Uint8Array, _id: number, instance: number): number {
    const channel = Buffer.from(payload).toString();
    const claims = this.#claims.get(instance);
    if (claims === undefined) return Code.refused;
    if (kind === Effect.release) {
      claims.delete(channel);
      if (instance === this.#current) this.#kept.delete(channel);
      this.#sweep();
      return Code.ok;
    }
    if (!claims.has(channel) && claims.size >= this.#port.options.max_channels) return Code.refused;
    claims.add(channel);
    if (instance === this.#current) this.#kept.add(channel);
    return Code.ok;
  }

  /** Settles when the channel is subscribed. It stays so over breaks of the connection. */
  async request(_kind: number, payload: Uint8Array): Promise<Uint8Array> {
    const channel = Buffer.from(payload).toString();
    const { timeout_ms: ms } = this.#port.options;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Failure(Code.failed, `Redis: not subscribed within ${ms} ms`)),
      ms,
    );
    try {
      await Promise.race([this.#subscribe(channel), late.promise]);
      return new Uint8Array(0);
    } finally {
      clearTimeout(timer);
    }
  }

  ready(instance: number): void {
    this.#current = instance;
    this.#kept = new Set(this.#claims.get(instance));
    this.#sweep();
  }

  detached(instance: number): void {
    this.#claims.delete(instance);
    this.#sweep();
  }

  resend(): void {
    this.#flush();
  }

  closed(): void {
    this.#kept.clear();
    this.#backlog.clear();
    this.#sweep();
  }

  #isWanted(channel: string): boolean {
    return this.#kept.has(channel) || this.#claims.values().some((claims) => claims.has(channel));
  }

  #subscribe(channel: string): Promise<void> {
    const known = this.#subscribed.get(channel);
    if (known !== undefined) return known;
    const subscribed = this.#connected().subscribe(
      this.#named(channel),
      (payload: Buffer) => this.#received(channel, payload),
      true,
    );
    this.#subscribed.set(channel, subscribed);
    subscribed.catch(() => {
      if (this.#subscribed.get(channel) === subscribed) this.#subscribed.delete(channel);
    });
    return subscribed;
  }

  #connected(): Client {
    if (this.#client !== undefined) return this.#client;
    const client = makeClient(redisAddress(process.env), {
      timeoutMs: this.#port.options.timeout_ms,
      reconnects: true,
    });
    let lost = false;
    client.on('error', (error: Error) => {
      if (lost || this.#client !== client) return;
      lost = true;
      this.#log.warn('redis not reachable', { plugin: this.#port.plugin.name, reason: error.message });
    });
    client.on('ready', () => {
      if (!lost) return;
      lost = false;
      this.#log.info('redis reachable again', { plugin: this.#port.plugin.name });
    });
    this.#client = client;
    // It tries until it is destroyed, and each subscription is told of its own failure.
    client.connect().catch(() => undefined);
    return client;
  }

  /** Gives up channels that nobody wants, and the connection with the last of them. */
  #sweep(): void {
    for (const channel of this.#subscribed.keys()) {
      if (this.#isWanted(channel)) continue;
      this.#subscribed.delete(channel);
      if (this.#client?.isReady === true)
        this.#client.unsubscribe(this.#named(channel)).catch(() => undefined);
    }
    if (this.#subscribed.size > 0 || this.#client === undefined) return;
    const client = this.#client;
    this.#client = undefined;
    if (client.isOpen) client.destroy();
  }

  #named(channel: string): string {
    return `${this.#prefix.toString()}${channel}`;
  }

  #received(channel: string, payload: Buffer): void {
    if (!this.#isWanted(channel)) return;
    if (payload.length > this.#port.options.max_value_bytes) return this.#drop();
    const message = { channel, payload };
    // The order stays as it was.
    if (this.#backlog.isEmpty && this.#push(message)) return;
    if (!this.#backlog.add(message)) this.#drop();
    this.#waitForRoom();
  }

  #push(message: Message): boolean {
    const { channel, payload } = message;
    return this.#port.push({
      kind: 0,
      id: this.#port.nextId(),
      payload: encode({
        channel,
        payload: new Uint8Array(payload),
      }),
      done: (outcome) => this.#done(message, outcome),
    });
  }

  /** What the plugin broke over does not come again; what it never saw does, as long as there is room. */
  #done(message: Message, outcome: Outcome): void {
    if (outcome === 'undelivered' && !this.#backlog.add(message)) this.#drop();
  }

  #flush(): void {
    for (let message = this.#backlog.first; message !== undefined; message = this.#backlog.first) {
      if (!this.#push(message)) return this.#waitForRoom();
      this.#backlog.removeFirst();
    }
  }

  /** For room in the queue, for an instance, or for the end of a pause. */
  #waitForRoom(): void {
    if (this.#waitsForRoom) return;
    this.#waitsForRoom = true;
    void this.#port.drained().then(() => {
      this.#waitsForRoom = false;
      this.#flush();
    });
  }

  #drop(): void {
    this.#dropped += 1;
    const now = performance.now();
    if (now < this.#nextLog) return;
    this.#nextLog = now + logMs;
    this.#log.warn('redis messages dropped', { plugin: this.#port.plugin.name, messages: this.#dropped });
    this.#dropped = 0;
  }
}
