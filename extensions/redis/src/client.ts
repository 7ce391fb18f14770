import { createClient } from '@redis/client';

/** How long the connection of commands may be without any until it is closed, in milliseconds. */
const idleMs = 30_000;

/** The least and the longest time between two attempts to connect, in milliseconds. */
const backoffMs = { least: 50, most: 5000 };

/** A connection of `@redis/client`, as it is used here. Replies: numbers as text, so that they are exact; text as bytes. */
type Client = ReturnType<typeof makeClient>;

/** What a reply can be. */
export type Reply = Buffer | string | null | readonly Reply[];

export function makeClient(
  url: URL,
  { timeoutMs, reconnects }: { readonly timeoutMs: number; readonly reconnects: boolean },
) {
  const options = {
    url: url.href,
    // The older protocol does all that is needed, and has no greeting that could be refused.
    RESP: 2,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    disableOfflineQueue: !reconnects,
    socket: {
      connectTimeout: timeoutMs,
      reconnectStrategy: reconnects ? (retries: number) => backoff(retries) : false,
    },
  } as const;
  const client = createClient(options);
  // Each command is told of its own failure; without a listener an error would end the thread.
  client.on('error', () => undefined);
  return client;
}

/** How long to wait before the next attempt: longer each time, and never at one time with everybody else. */
export function backoff(retries: number): number {
  const most = Math.min(backoffMs.most, backoffMs.least * 2 ** Math.min(retries, 10));
  return most / 2 + Math.random() * (most / 2);
}

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
 * does not use it costs nothing. One that breaks fails the commands under way; the next one connects again, unless the last
 * attempt was just now.
 */
export class Commands implements AsyncDisposable {
  readonly #options: CommandsOptions;
  #connecting: Promise<Client> | undefined;
  #client: Client | undefined;
  #ref: Disposable | undefined;
  #idle: NodeJS.Timeout | undefined;
  #pending = 0;
  #failures = 0;
  #notBefore = 0;
  #over = false;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  /** Sends commands at once, and gives their replies. Rejects with a {@link RedisFailure}. */
  async send(...commands: readonly (readonly (string | Buffer)[])[]): Promise<readonly Reply[]> {
    const { maxPending, timeoutMs } = this.#options;
    if (this.#pending >= maxPending)
      throw new RedisFailure(`more than ${maxPending} commands at a time`, true);
    this.#pending += 1;
    clearTimeout(this.#idle);
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      // What does not answer would hold all that comes behind it.
      this.#drop();
      late.reject(new RedisFailure(`no answer within ${timeoutMs} ms`, false));
    }, timeoutMs);
    try {
      return await Promise.race([this.#send(commands), late.promise]);
    } catch (error) {
      throw failureOf(error);
    } finally {
      clearTimeout(timer);
      this.#pending -= 1;
      if (this.#pending === 0) this.#idle = setTimeout(() => this.#drop(), idleMs);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    clearTimeout(this.#idle);
    this.#drop();
    return Promise.resolve();
  }

  async #send(commands: readonly (readonly (string | Buffer)[])[]): Promise<readonly Reply[]> {
    const client = await this.#connected();
    return Promise.all(commands.map((command) => client.sendCommand<Reply>([...command], { typeMapping })));
  }

  #connected(): Promise<Client> {
    if (this.#over) return Promise.reject(new RedisFailure('the plugin has ended', false));
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  async #connect(): Promise<Client> {
    if (performance.now() < this.#notBefore) {
      this.#connecting = undefined;
      throw new RedisFailure('not reachable a moment ago', false);
    }
    const { url, timeoutMs, ref } = this.#options;
    const client = makeClient(url, { timeoutMs, reconnects: false });
    this.#client = client;
    this.#ref ??= ref();
    const gone = (): void => {
      if (this.#client === client) this.#drop();
    };
    client.on('end', gone);
    client.on('error', gone);
    try {
      await client.connect();
      this.#failures = 0;
      return client;
    } catch (error) {
      gone();
      this.#notBefore = performance.now() + backoff(this.#failures);
      this.#failures += 1;
      throw error;
    }
  }

  /** Gives the connection up, and the commands under way with it. */
  #drop(): void {
    const client = this.#client;
    this.#client = undefined;
    this.#connecting = undefined;
    this.#ref?.[Symbol.dispose]();
    this.#ref = undefined;
    if (client?.isOpen === true) client.destroy();
  }
}

/** `$` and `+` are text, `:` is a number (RESP2). */
const typeMapping = { 36: Buffer, 58: String } as const;

/** A reply of Redis that says what was wrong with the request begins with one of these. */
const faultOfRequest = /^(?:WRONGTYPE|ERR (?:value is not an integer|increment or decrement|invalid expire))/;

function failureOf(error: unknown): RedisFailure {
  if (error instanceof RedisFailure) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new RedisFailure(text, faultOfRequest.test(text));
}
