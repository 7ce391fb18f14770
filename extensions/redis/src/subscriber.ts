import { BackOff } from './back-off.ts';
import { type Client, makeClient } from './client.ts';

/** How often Redis is asked whether it is still there, in milliseconds: one that is cut off says nothing of it. */
const pingMs = 10_000;

/** How long the connection may be without channels until it is closed, in milliseconds. */
const idleMs = 30_000;

interface Channel extends PromiseWithResolvers<void> {
  /** Redis has said so once. It is subscribed again when the connection breaks. */
  confirmed: boolean;
}

export interface SubscriberOptions {
  readonly url: URL;
  /** How long connecting, a subscription or a ping may take, in milliseconds: then the connection is given up. */
  readonly timeoutMs: number;
  /** A message of a channel. The payload may be part of more that was received: what is kept MUST be a copy. */
  readonly received: (channel: string, payload: Buffer) => void;
  /** Redis was not reachable, or is no longer: told once, until `restored`. */
  readonly lost: (reason: string) => void;
  readonly restored: () => void;
  /** Milliseconds between two pings. Ten seconds unless given. */
  readonly pingMs?: number;
}

/** Channels that are subscribed to, over one connection, which is made for the first one and again when it breaks. */
export class Subscriber {
  readonly #options: SubscriberOptions;
  readonly #backOff = new BackOff();
  readonly #channels = new Map<string, Channel>();
  #client: Client | undefined;
  #isReady = false;
  #isDown = false;
  #attempt: NodeJS.Timeout | undefined;
  #ping: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: SubscriberOptions) {
    this.#options = options;
  }

  get channels(): readonly string[] {
    return [...this.#channels.keys()];
  }

  /**
   * Subscribes to a channel: settles when Redis has confirmed it, and then it holds until it is deleted. Rejects with an
   * Error when it is refused or cannot be asked for, and then it does not hold. At once while Redis is known to be gone.
   */
  add(name: string): Promise<void> {
    clearTimeout(this.#idle);
    const known = this.#channels.get(name);
    if (known !== undefined) return known.promise;
    if (this.#client === undefined && this.#backOff.waitMs > 0)
      return Promise.reject(new Error('not reachable a moment ago'));
    const channel = { ...Promise.withResolvers<void>(), confirmed: false };
    channel.promise.catch(() => undefined);
    this.#channels.set(name, channel);
    const client = this.#client;
    if (client === undefined) void this.#connect();
    else if (this.#isReady) void this.#within(client, () => this.#subscribe(client, name, channel));
    return channel.promise;
  }

  delete(name: string): void {
    const channel = this.#channels.get(name);
    if (channel === undefined) return;
    this.#channels.delete(name);
    channel.reject(new Error('given up'));
    // With the listener: without it the client takes another subscription to the channel meanwhile for this one.
    if (this.#isReady) this.#client?.unsubscribe(name, this.#received, true).catch(() => undefined);
    this.#dropWhenIdle();
  }

  /** Gives up all channels and the connection. */
  clear(): void {
    for (const channel of this.#channels.values()) channel.reject(new Error('given up'));
    this.#channels.clear();
    this.#drop();
  }

  async #connect(): Promise<void> {
    clearTimeout(this.#attempt);
    const { url, timeoutMs } = this.#options;
    const client = makeClient(url, { timeoutMs });
    this.#client = client;
    client.on('error', (error: Error) => this.#lost(client, error.message));
    client.on('end', () => this.#lost(client, 'the connection was closed'));
    await this.#within(client, async () => {
      await client.connect();
      if (this.#client !== client) return;
      this.#isReady = true;
      this.#backOff.connected();
      await Promise.all(
        this.#channels.entries().map(([name, channel]) => this.#subscribe(client, name, channel)),
      );
    });
    if (this.#client !== client) return;
    this.#schedulePing(client);
    this.#dropWhenIdle();
    if (!this.#isDown) return;
    this.#isDown = false;
    this.#options.restored();
  }

  async #subscribe(client: Client, name: string, channel: Channel): Promise<void> {
    try {
      await client.subscribe(name, this.#received, true);
      channel.confirmed = true;
      channel.resolve();
    } catch (error) {
      // What was promised is tried again, with the rest.
      if (channel.confirmed) throw error;
      this.#refuse(name, channel, error);
    }
  }

  /** Gives the connection up when it fails at that, or is not done with it in time. */
  async #within(client: Client, work: () => Promise<unknown>): Promise<void> {
    const { timeoutMs } = this.#options;
    const timer = setTimeout(() => this.#lost(client, `no answer within ${timeoutMs} ms`), timeoutMs);
    try {
      await work();
    } catch (error) {
      this.#lost(client, error instanceof Error ? error.message : String(error));
    } finally {
      clearTimeout(timer);
    }
  }

  #schedulePing(client: Client): void {
    this.#ping = setTimeout(() => void this.#pingOnce(client), this.#options.pingMs ?? pingMs);
  }

  async #pingOnce(client: Client): Promise<void> {
    // Whatever it answers, it is there.
    await this.#within(client, () => client.ping().catch(() => undefined));
    if (this.#client === client) this.#schedulePing(client);
  }

  #lost(client: Client, reason: string): void {
    if (this.#client !== client) return;
    this.#drop();
    this.#backOff.failed();
    for (const [name, channel] of this.#channels) {
      if (!channel.confirmed) this.#refuse(name, channel, new Error(reason));
    }
    if (this.#channels.size > 0) this.#attempt = setTimeout(() => void this.#connect(), this.#backOff.waitMs);
    if (this.#isDown) return;
    this.#isDown = true;
    this.#options.lost(reason);
  }

  #refuse(name: string, channel: Channel, error: unknown): void {
    if (this.#channels.get(name) === channel) this.#channels.delete(name);
    channel.reject(error);
  }

  #dropWhenIdle(): void {
    if (this.#channels.size > 0) return;
    clearTimeout(this.#attempt);
    clearTimeout(this.#idle);
    if (this.#client !== undefined) this.#idle = setTimeout(() => this.#drop(), idleMs);
  }

  #drop(): void {
    for (const timer of [this.#attempt, this.#ping, this.#idle]) clearTimeout(timer);
    const client = this.#client;
    this.#client = undefined;
    this.#isReady = false;
    client?.destroy();
  }

  readonly #received = (payload: unknown, channel: unknown): void => {
    // A server can say that a number is a message. What is thrown here ends the connection.
    if (!Buffer.isBuffer(payload) || !Buffer.isBuffer(channel))
      throw new Error('a message that is not bytes');
    const name = channel.toString();
    if (this.#channels.has(name)) this.#options.received(name, payload);
  };
}
