import type { IncomingMessage } from 'node:http';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { request } from '../edge/node-http.ts';
import { suggest } from '../manifest/nearest.ts';
import { controlAddress, dial } from './address.ts';
import type { LogQuery } from './log-history.ts';
import type { Act, ControlRefusal, ControlStatus, PluginDetails, PluginStatus } from './protocol.ts';

/** Bytes of an answer: a host has a few thousand for each plugin. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** What was asked of a host cannot be had. The message is one line for the person who asked. */
export class ControlError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ControlError';
  }
}

/** Asks the host of a storage root, by a connection for each request. Everything rejects with a {@link ControlError}. */
export class ControlClient {
  readonly #root: string;
  readonly #path: string;
  readonly #lookMs: number;

  /** @param lookMs How long the host may take to say how it is, in milliseconds: it may be stopped, or hang. */
  constructor(storageRoot: string, lookMs = 10_000) {
    this.#lookMs = lookMs;
    this.#root = resolve(storageRoot);
    this.#path = controlAddress(storageRoot);
  }

  status(): Promise<ControlStatus> {
    return this.#json('GET', '/v1/status') as Promise<ControlStatus>;
  }

  plugin(name: string): Promise<PluginDetails> {
    return this.#json('GET', `/v1/plugins/${encodeURIComponent(name)}`) as Promise<PluginDetails>;
  }

  /** Does something with a plugin; gives how it is afterwards. */
  act(name: string, act: Act): Promise<PluginStatus> {
    return this.#json('POST', `/v1/plugins/${encodeURIComponent(name)}/${act}`) as Promise<PluginStatus>;
  }

  /** Lines of the log as JSON, without their line ends. */
  async *logs({ plugin, tail, since, follow, signal }: LogQuery): AsyncGenerator<string> {
    const query = new URLSearchParams();
    if (plugin !== undefined) query.set('plugin', plugin);
    if (tail !== undefined) query.set('tail', String(tail));
    if (since !== undefined) query.set('since', String(since));
    if (follow === true) query.set('follow', '1');
    const response = await this.#request('GET', `/v1/logs?${query.toString()}`);
    signal?.addEventListener('abort', () => response.destroy());
    try {
      for await (const line of createInterface({ input: response, crlfDelay: Infinity })) yield line;
    } catch (error) {
      if (signal?.aborted === true) return;
      const why = (error as Error).message;
      throw new ControlError(`${this.#path}: the host ended in the middle of its answer: ${why}`, {
        cause: error,
      });
    } finally {
      response.destroy();
    }
  }

  async #json(method: string, path: string): Promise<unknown> {
    return this.#parse(
      await this.#text(await this.#request(method, path, method === 'GET' ? this.#lookMs : 0)),
    );
  }

  /** Rejects for anything but 200, with what the host says of it, and for no sign of life within `timeoutMs` if not 0. */
  async #request(method: string, path: string, timeoutMs = 0): Promise<IncomingMessage> {
    const socket = await dial(this.#path).catch((error: NodeJS.ErrnoException) => {
      throw new ControlError(this.#noHost(error), { cause: error });
    });
    socket.setTimeout(timeoutMs, () =>
      socket.destroy(new ControlError(`${this.#path}: the host does not answer within ${timeoutMs} ms`)),
    );
    const { promise, resolve: answered, reject } = Promise.withResolvers<IncomingMessage>();
    request({ createConnection: () => socket, method, path, headers: { Host: 'pulp' } }, answered)
      .on('error', reject)
      .end();
    const response = await promise.catch((error: unknown) => {
      throw this.#broken(error);
    });
    if (response.statusCode === 200) return response;
    throw new ControlError(explain(this.#parse(await this.#text(response)) as ControlRefusal));
  }

  async #text(response: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > maxAnswerBytes) break;
        chunks.push(chunk);
      }
    } catch (error) {
      throw this.#broken(error);
    }
    if (bytes > maxAnswerBytes) throw this.#noPulp(`its answer has more than ${maxAnswerBytes} bytes`);
    return Buffer.concat(chunks).toString();
  }

  #parse(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw this.#noPulp('its answer is not JSON', { cause: error });
    }
  }

  #noPulp(why: string, options?: ErrorOptions): ControlError {
    return new ControlError(`${this.#path}: what listens there is no host of Pulp: ${why}`, options);
  }

  #broken(error: unknown): ControlError {
    if (error instanceof ControlError) return error;
    const why = (error as Error).message;
    return new ControlError(
      `${this.#path}: the connection was lost before the host had answered: it has ended, or has as many clients as it takes: ${why}`,
      { cause: error },
    );
  }

  #noHost({ code = '', message }: NodeJS.ErrnoException): string {
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') {
      return `no host listens at ${this.#path}; start one with \`pulp run FOLDER -storage-root ${this.#root}\`, or say with -storage-root which one you mean`;
    }
    if (code === 'EACCES' || code === 'EPERM') {
      return `this user may not use ${this.#path}: be the user whose host it is`;
    }
    return `${this.#path}: ${message}`;
  }
}

/** A refusal as a line. For a plugin that is not there, it says which are. */
function explain({ error, plugins }: ControlRefusal): string {
  if (plugins === undefined) return error;
  const meant = suggest(/"(.*)"/.exec(error)?.[1] ?? '', plugins);
  const hint = meant === undefined ? '.' : `; did you mean ${meant}?`;
  return `${error}${hint} This host has: ${plugins.toSorted().join(', ')}`;
}
