import { Code, encode, type Log, type Outcome, type PluginEnd, type Port } from 'pulp-runtime/ext';
import { redisAddress } from './address.ts';
import { Backlog, type Message } from './backlog.ts';
import { prefixOf, type RedisOptions } from './options.ts';
import { Subscriber } from './subscriber.ts';
import { Effect } from './wire.ts';

/** How often dropped messages of a plugin are logged at most, in milliseconds. */
const logMs = 60_000;

/**
 * The subscriptions of a plugin. Each instance claims its channels anew; what the one before had stays until the next
 * one's init is over, so that a restart misses as little as can be.
 */
export class RedisPlugin implements PluginEnd {
  readonly #port: Port<RedisOptions>;
  readonly #log: Log;
  readonly #prefix: string;
  readonly #subscriber: Subscriber;
  readonly #backlog = new Backlog();
  readonly #claims = new Map<number, Set<string>>();
  /** The channels of the last instance that was ready, by the names that guests use. */
  #kept = new Set<string>();
  /** The instance that was. */
  #current = 0;
  /** Whether that is the one which events go to. Before its init is over nobody knows what an instance wants. */
  #serves = false;
  #waitsForRoom = false;
  #received = 0;
  #dropped = 0;
  #nextLog = 0;

  constructor({ port, log }: { readonly port: Port<RedisOptions>; readonly log: Log }) {
    this.#port = port;
    this.#log = log;
    const plugin = port.plugin.name;
    this.#prefix = prefixOf(plugin, port.options).toString();
    this.#subscriber = new Subscriber({
      url: redisAddress(process.env),
      timeoutMs: port.options.timeout_ms,
      received: (channel, payload) => this.#take(channel.slice(this.#prefix.length), payload),
      lost: (reason) => log.warn('redis not reachable', { plugin, reason }),
      restored: () => log.info('redis reachable again', { plugin }),
    });
    port.scope.defer(() => this.#subscriber.clear());
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

  /** Settles when the channel is subscribed, and then it stays so over breaks of the connection, or with a reason. */
  async request(_kind: number, payload: Uint8Array): Promise<Uint8Array> {
    const channel = Buffer.from(payload).toString();
    // The instance that asked may be gone.
    if (!this.#isWanted(channel)) return Buffer.from('the channel was given up');
    try {
      await this.#subscriber.add(this.#prefix + channel);
      return new Uint8Array(0);
    } catch (error) {
      return Buffer.from(error instanceof Error ? error.message : String(error));
    }
  }

  entered(): void {
    this.#serves = false;
  }

  ready(instance: number): void {
    this.#current = instance;
    this.#kept = new Set(this.#claims.get(instance));
    this.#serves = true;
    this.#waitsForRoom = false;
    this.#sweep();
    this.#flush();
  }

  detached(instance: number): void {
    this.#claims.delete(instance);
    this.#sweep();
  }

  closed(): void {
    this.#kept.clear();
    this.#serves = false;
    this.#backlog.retain(() => false);
    this.#sweep();
  }

  #isWanted(channel: string): boolean {
    return this.#kept.has(channel) || this.#claims.values().some((claims) => claims.has(channel));
  }

  /** Gives up channels that nobody wants, and their messages. */
  #sweep(): void {
    for (const name of this.#subscriber.channels) {
      if (!this.#isWanted(name.slice(this.#prefix.length))) this.#subscriber.delete(name);
    }
    this.#backlog.retain(({ channel }) => this.#isWanted(channel));
  }

  #take(channel: string, payload: Buffer): void {
    if (payload.length > this.#port.options.max_value_bytes) return this.#drop();
    this.#received += 1;
    const message = { order: this.#received, channel, payload: encode({ channel, payload }) };
    if (this.#goes(message) && !this.#waitsForRoom && this.#push(message)) return;
    this.#keep(message);
    if (this.#goes(message)) this.#waitForRoom();
  }

  /** Whether it is for the instance that events go to, and not for one whose init is not over. */
  #goes({ channel }: Message): boolean {
    return this.#serves && this.#kept.has(channel);
  }

  #push(message: Message): boolean {
    return this.#port.push({
      kind: 0,
      id: this.#port.nextId(),
      payload: message.payload,
      done: (outcome) => this.#done(message, outcome),
    });
  }

  /** What the plugin broke over does not come again; what it never saw does, as long as there is room. */
  #done(message: Message, outcome: Outcome): void {
    if (outcome === 'undelivered' && this.#isWanted(message.channel)) this.#keep(message);
  }

  #keep(message: Message): void {
    if (!this.#backlog.add(message)) this.#drop();
  }

  #flush(): void {
    for (const message of this.#backlog.messages) {
      if (!this.#goes(message)) continue;
      if (!this.#push(message)) return this.#waitForRoom();
      this.#backlog.delete(message);
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
