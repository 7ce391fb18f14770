import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from '../edge/node-http.ts';
import type { HostStatus, PluginStatus } from '../host/status.ts';
import { decodeName } from './decode-name.ts';
import { limitConnections } from './limit-connections.ts';

/** Connections at a time; beyond it the oldest is closed. */
const maxConnections = 64;
/** How long a client may take for its request, and for its answer. */
const timeoutMs = 5_000;

/** How the host is, as orchestrators ask for it. Undefined while it starts. */
export type Health = () => Pick<HostStatus, 'ready' | 'stopping' | 'plugins'> | undefined;

export interface HealthServerOptions {
  readonly health: Health;
  readonly port: number;
  /** Default: every interface. */
  readonly host?: string | undefined;
}

/** An answer to `/livez` or `/readyz`. */
export interface HealthAnswer {
  readonly status: 200 | 503;
  readonly text: string;
}

/**
 * `/livez` is 200 for as long as the process can answer at all. `/readyz` is 200 when the host is ready: every plugin is
 * that was not stopped on purpose, those apart that the query names as `exclude`. Otherwise it is 503 with a line for each
 * that is not: its name and its state, and nothing of why, since anybody may ask. `/readyz/NAME` says the same of one
 * plugin, which is not ready when it is stopped. Undefined for any other path.
 *
 * @param target Path and query, as sent.
 */
export function answerHealth(target: string, health: Health): HealthAnswer | undefined {
  const [path = '', query] = target.split('?', 2);
  if (path === '/livez') return ok;
  const [all, encoded] = /^\/readyz(?:\/([^/]+))?$/.exec(path) ?? [];
  if (all === undefined) return undefined;
  const now = health();
  if (now === undefined) return { status: 503, text: 'the host is starting\n' };
  if (now.stopping) return { status: 503, text: 'the host is stopping\n' };
  if (encoded !== undefined) {
    const asked = now.plugins.find(({ name }) => name === decodeName(encoded));
    return asked === undefined ? undefined : readiness([asked]);
  }
  const excluded = new URLSearchParams(query).getAll('exclude');
  return readiness(now.plugins.filter(({ name, state }) => state !== 'stopped' && !excluded.includes(name)));
}

const ok: HealthAnswer = { status: 200, text: 'ok\n' };

function readiness(plugins: readonly PluginStatus[]): HealthAnswer {
  const not = plugins.filter(({ state }) => state !== 'ready');
  if (not.length === 0) return ok;
  return { status: 503, text: not.map(({ name, state }) => `${name} is ${state}\n`).join('') };
}

/** The listener for `-health-port`: GET and HEAD of those paths, and 404 for anything else. */
export class HealthServer implements AsyncDisposable {
  readonly #server;

  private constructor(health: Health) {
    this.#server = createServer(
      {
        headersTimeout: timeoutMs,
        requestTimeout: timeoutMs,
        connectionsCheckingInterval: 1_000,
        maxHeaderSize: 16 * 1024,
      },
      (request, response) => answer(request, response, health),
    );
    limitConnections(this.#server, maxConnections);
    this.#server.setTimeout(timeoutMs);
  }

  /** Rejects with the system's error, `syscall: 'listen'`, when it cannot listen. */
  static async listen({ health, port, host }: HealthServerOptions): Promise<HealthServer> {
    const made = new HealthServer(health);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    made.#server.once('error', reject);
    made.#server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
    await promise;
    made.#server.off('error', reject);
    return made;
  }

  /** Where it listens, as the log shows it. */
  get address(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    return `${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => {
      resolve();
    });
    this.#server.closeAllConnections();
    await promise;
  }
}

function answer({ method, url = '' }: IncomingMessage, response: ServerResponse, health: Health): void {
  const found = method === 'GET' || method === 'HEAD' ? answerHealth(url, health) : undefined;
  const { status, text } = found ?? { status: 404, text: '404 page not found\n' };
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    Connection: 'close',
  });
  response.end(method === 'HEAD' ? undefined : text);
}
