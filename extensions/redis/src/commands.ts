import { BackOff } from './back-off.ts';
import { type Client, makeClient } from './client.ts';

/** How long the connection of commands may be without any until it is closed, in milliseconds. */
const idleMs = 30_000;

/** What a reply can be: numbers are text, so that they are exact, and so is a status; values are bytes. */
export type Reply = Buffer | string | Error | null | readonly Reply[];

/** A command and its arguments. */
export type Command = readonly (string | Buffer)[];

/** `$` is bytes, `:` is a number (RESP2). */
const typeMapping = { 36: Buffer, 58: String } as const;

/** Redis did not do what it was asked for: `refused` says that the request was at fault, and not the connection. */
export class RedisFailure extends Error {
  readonly refused: boolean;

  constructor(message: string, refused: boolean) {
    super(message);
    this.name = 'RedisFailure';
    this.refused = refused;
  }
}

export interface CommandsOptions {
  readonly url: URL;
  readonly timeoutMs: number;
  readonly maxPending: number;
  /** Keeps the thread on its event loop while a connection is open. */
  readonly ref: () => Disposable;
}

/**
 * The connection for commands. It is made by the first one, and closed after a while without any, so that a plugin which
 * does not use it costs nothing. One that breaks fails the commands under way; a later one connects again, and those that
 * come before it is time to fail at once.
 */
export class Commands implements Disposable {
  readonly #options: CommandsOptions;
  readonly #backOff = new BackOff();
  #client: Client | undefined;
  #connecting: Promise<Client> | undefined;
  #ref: Disposable | undefined;
  #idle: NodeJS.Timeout | undefined;
  #pending = 0;
  #over = false;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  /** Sends commands at once, one behind the other, and gives their replies. Rejects with a {@link RedisFailure}. */
  async send(...commands: readonly Command[]): Promise<readonly Reply[]> {
    const { maxPending, timeoutMs } = this.#options;
    if (this.#pending >= maxPending)
      throw new RedisFailure(`more than ${maxPending} commands at a time`, true);
    this.#pending += 1;
    clearTimeout(this.#idle);
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      // What does not answer would hold all that comes behind it.
      this.#lost(this.#client);
      late.reject(new RedisFailure(`no answer within ${timeoutMs} ms`, false));
    }, timeoutMs);
    try {
      return await Promise.race([this.#send(commands), late.promise]);
    } catch (error) {
      throw failureOf(error);
    } finally {
      clearTimeout(timer);
      this.#pending -= 1;
      if (this.#pending === 0 && this.#client !== undefined)
        this.#idle = setTimeout(() => this.#drop(), idleMs);
    }
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.#drop();
  }

  async #send(commands: readonly Command[]): Promise<readonly Reply[]> {
    const client = await this.#connected();
    return Promise.all(commands.map((command) => client.sendCommand<Reply>([...command], { typeMapping })));
  }

  #connected(): Promise<Client> {
    if (this.#over) return Promise.reject(new RedisFailure('the plugin has ended', false));
    if (this.#connecting === undefined && this.#backOff.waitMs > 0)
      return Promise.reject(new RedisFailure('not reachable a moment ago', false));
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  async #connect(): Promise<Client> {
    const { url, timeoutMs, ref } = this.#options;
    const client = makeClient(url, { timeoutMs });
    this.#client = client;
    this.#ref = ref();
    client.on('end', () => this.#lost(client));
    // Behind the client's own listener, which gives the reason to the commands under way.
    client.on('error', () => queueMicrotask(() => this.#lost(client)));
    try {
      await client.connect();
    } catch (error) {
      this.#lost(client);
      throw error;
    }
    if (this.#client === client) this.#backOff.connected();
    return client;
  }

  #lost(client: Client | undefined): void {
    if (client === undefined || client !== this.#client) return;
    this.#drop();
    this.#backOff.failed();
  }

  /** Gives the connection up, and the commands under way with it. */
  #drop(): void {
    clearTimeout(this.#idle);
    const client = this.#client;
    this.#client = undefined;
    this.#connecting = undefined;
    this.#ref?.[Symbol.dispose]();
    this.#ref = undefined;
    client?.destroy();
  }
}

/** A reply of Redis that says what was wrong with the request begins with one of these. */
const faultOfRequest = /^(?:WRONGTYPE|ERR (?:value is not an integer|increment or decrement|invalid expire))/;

function failureOf(error: unknown): RedisFailure {
  if (error instanceof RedisFailure) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new RedisFailure(text, faultOfRequest.test(text));
}
