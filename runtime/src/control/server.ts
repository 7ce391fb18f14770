import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createServer } from '../edge/node-http.ts';
import type { Log } from '../ext.ts';
import type { HostControl, PluginStatus } from '../host/status.ts';
import { claim, type Claim } from './claim.ts';
import { decodeName } from './decode-name.ts';
import { answerHealth, type Health } from './health.ts';
import { limitConnections } from './limit-connections.ts';
import type { LogHistory } from './log-history.ts';
import { ACTS, type Act, type ControlRefusal, type ControlStatus, type PluginDetails } from './protocol.ts';

/** Connections at a time; beyond it the oldest that asks for nothing is closed. */
const maxConnections = 32;
/** Of these follow the log at most, so that there is room for other questions. */
const maxFollowers = 16;
/** Bytes of a request's line and headers. Bodies are refused, no request has one. */
const maxHeaderBytes = 16 * 1024;
/** How long a client may take for a request. */
const requestMs = 5_000;
/** How long what is on its way at the end may take. */
const graceMs = 500;

export interface ControlServerOptions {
  /** A control address. */
  readonly path: string;
  /** The host; undefined while it starts. */
  readonly host: () => HostControl | undefined;
  readonly health: Health;
  readonly history: LogHistory;
  /** The version of Pulp. */
  readonly version: string;
  /** Told of reloads that fail. */
  readonly log?: Log;
}

/** The control socket of a host. Whoever may open it may do with the host's plugins what `pulp` can. */
export class ControlServer implements AsyncDisposable {
  readonly #options: ControlServerOptions;
  readonly #server: Server;
  readonly #ending = new AbortController();
  /** Connections with a request that is not answered. */
  readonly #asking = new WeakSet<Socket>();
  #followers = 0;
  #claim: Claim | undefined;

  private constructor(options: ControlServerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        headersTimeout: requestMs,
        requestTimeout: requestMs,
        connectionsCheckingInterval: 1_000,
        maxHeaderSize: maxHeaderBytes,
      },
      (request, response) => void this.#answer(request, response),
    );
    limitConnections(this.#server, maxConnections, (socket) => this.#asking.has(socket));
  }

  /** Rejects when the address cannot be had: see {@link claim}. Nothing listens then. */
  static async open(options: ControlServerOptions): Promise<ControlServer> {
    const made = new ControlServer(options);
    try {
      made.#claim = await claim(made.#server, options.path);
    } catch (error) {
      made.#server.close();
      throw error;
    }
    return made;
  }

  /** Gives the address back, and ends what is on its way: followers of the log once they have the last line. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.history.end();
    await this.#claim?.[Symbol.asyncDispose]();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeIdleConnections();
    const late = setTimeout(() => {
      this.#ending.abort();
      this.#server.closeAllConnections();
    }, graceMs);
    await promise;
    clearTimeout(late);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    // Nobody who asks for one thing after the other needs that, and who does not could ask without end.
    if (this.#asking.has(socket)) {
      socket.destroy();
      return;
    }
    this.#asking.add(socket);
    response.once('finish', () => this.#asking.delete(socket));
    try {
      if (!this.#server.listening) response.setHeader('Connection', 'close');
      await this.#route(request, response);
    } catch (error) {
      const refusal =
        error instanceof Refusal ? error : new Refusal(409, { error: (error as Error).message });
      if (response.headersSent) response.destroy();
      else send(response, refusal.status, refusal.body);
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers } = request;
    if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0') {
      response.setHeader('Connection', 'close');
      throw new Refusal(413, { error: 'no request has a body' });
    }
    const url = URL.parse(request.url ?? '', 'http://pulp');
    if (url === null) throw new Refusal(400, { error: 'that is no path' });
    const { pathname: path, searchParams: query } = url;
    if (method === 'GET') {
      const health = answerHealth(`${path}${url.search}`, this.#options.health);
      if (health !== undefined) {
        response.writeHead(health.status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(health.text);
        return;
      }
      if (path === '/v1/logs') return this.#logs(query, response);
      if (path === '/v1/status') return send(response, 200, this.#status());
    }
    const [, encoded = '', act] = /^\/v1\/plugins\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
    if (encoded === '') throw new Refusal(404, { error: `there is no ${method} ${path}` });
    const name = decodeName(encoded);
    if (name === undefined) {
      throw new Refusal(400, { error: 'the name of the plugin is not percent-encoded as it has to be' });
    }
    if (method === 'GET' && act === undefined) return send(response, 200, this.#details(name));
    const known = ACTS.find((candidate) => candidate === act);
    if (method !== 'POST' || known === undefined) {
      throw new Refusal(404, { error: `there is no ${method} ${path}` });
    }
    this.#plugin(name);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      await this.#host()[methods[known]](name, gone.signal);
    } catch (error) {
      // Its turn came when whoever asked had gone, and so it was not done.
      if (error === gone.signal.reason) return;
      // Who asked is told as well; of a reload the log is where everybody looks.
      if (known === 'reload') {
        this.#options.log?.warn('plugin reload failed', { plugin: name, reason: (error as Error).message });
      }
      throw error;
    }
    send(response, 200, this.#plugin(name));
  }

  #host(): HostControl {
    const host = this.#options.host();
    if (host === undefined) throw new Refusal(503, { error: 'the host is still starting' });
    return host;
  }

  #status(): ControlStatus {
    const { user, system } = process.cpuUsage();
    const status = this.#host().status();
    // Where the host is told to stop, it is not ready a while before it does.
    const { ready, stopping } = this.#options.health() ?? status;
    return {
      ...status,
      ready,
      stopping,
      pulp: this.#options.version,
      cpuMs: Math.round((user + system) / 1_000),
      rssBytes: process.memoryUsage.rss(),
    };
  }

  #plugin(name: string): PluginStatus {
    const { plugins } = this.#host().status();
    const found = plugins.find((plugin) => plugin.name === name);
    if (found !== undefined) return found;
    throw new Refusal(404, {
      error: `no plugin is called ${JSON.stringify(name)}`,
      plugins: plugins.map((plugin) => plugin.name),
    });
  }

  #details(name: string): PluginDetails {
    return { ...this.#plugin(name), routes: this.#host().routes(name) };
  }

  async #logs(query: URLSearchParams, response: ServerResponse): Promise<void> {
    const plugin = query.get('plugin') ?? undefined;
    // While the host starts, nobody knows its plugins yet.
    if (plugin !== undefined && this.#options.host() !== undefined) this.#plugin(plugin);
    const follow = query.get('follow') === '1';
    if (follow && this.#followers >= maxFollowers) {
      throw new Refusal(503, { error: `${maxFollowers} clients follow the log already` });
    }
    const gone = new AbortController();
    if (follow) this.#followers += 1;
    response.once('close', () => {
      if (follow) this.#followers -= 1;
      gone.abort();
    });
    const lines = this.#options.history.read({
      plugin,
      tail: number(query, 'tail'),
      since: number(query, 'since'),
      follow,
      signal: AbortSignal.any([gone.signal, this.#ending.signal]),
    });
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    response.flushHeaders();
    // A client that goes away is none of our errors.
    await pipeline(Readable.from(lines), response).catch(() => {});
  }
}

/** What a request gets instead of what it asked for. */
class Refusal extends Error {
  readonly status: number;
  readonly body: ControlRefusal;

  constructor(status: number, body: ControlRefusal) {
    super(body.error);
    this.name = 'Refusal';
    this.status = status;
    this.body = body;
  }
}

const methods = {
  stop: 'stopPlugin',
  start: 'startPlugin',
  restart: 'restartPlugin',
  reload: 'reloadPlugin',
} as const satisfies Readonly<Record<Act, keyof HostControl>>;

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
}

function number(query: URLSearchParams, key: string): number | undefined {
  const text = query.get(key);
  if (text === null) return undefined;
  if (/^\d{1,16}$/.test(text)) return Number(text);
  throw new Refusal(400, { error: `${key} is ${JSON.stringify(text)}: it must be a whole number` });
}
