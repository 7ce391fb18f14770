import { Agent, request } from 'node:http';
import { AssertionError } from 'node:assert/strict';
import type { FaultHost } from './fault-host.ts';

/** How long a plugin may take to serve again before a scenario gives up, in milliseconds. */
const patienceMs = 30_000;

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  /** From the beginning of the request to the end of the answer, in milliseconds. */
  readonly ms: number;
}

export interface Asked {
  readonly method?: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Over a connection of its own, which is new. */
  readonly alone?: boolean;
}

/** A client of the plugin that is broken, which keeps its connections. */
export class Client implements Disposable {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #port: number;

  constructor({ port }: Pick<FaultHost, 'port'>) {
    this.#port = port;
  }

  /** Asks, and takes whatever the answer is. Rejects when there is none. */
  ask(path: string, asked: Asked = {}): Promise<Answer> {
    const { method = 'GET', body, headers: sentHeaders = {}, alone = false } = asked;
    const agent = alone ? false : this.#agent;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const begun = performance.now();
    const sent = request(
      { port: this.#port, host: '127.0.0.1', path, method, headers: sentHeaders, agent },
      (response) => {
        let text = '';
        response.setEncoding('latin1');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode = 0, headers } = response;
          resolve({ status: statusCode, body: text, headers, ms: performance.now() - begun });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
    return promise;
  }

  /** Asks again and again until the answer is 200, and gives how long that took, in milliseconds. */
  async serving(path: string): Promise<number> {
    const begun = performance.now();
    for (;;) {
      const { status, body } = await this.ask(path);
      const ms = performance.now() - begun;
      if (status === 200) return ms;
      if (ms > patienceMs) throw new AssertionError({ message: `${path} still gives ${status} ${body}` });
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Asks over so many lanes, one request after the other in each, for a while. Gives how often each status came. */
  async storm(path: string, { lanes, ms, ...asked }: Storm): Promise<ReadonlyMap<number, number>> {
    const counts = new Map<number, number>();
    const until = performance.now() + ms;
    const lane = async (): Promise<void> => {
      while (performance.now() < until) {
        // A lane whose connection is lost counts that as status 0, and makes another.
        const status = await this.ask(path, asked).then(
          (answer) => answer.status,
          () => 0,
        );
        counts.set(status, (counts.get(status) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return counts;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

export interface Storm extends Asked {
  readonly lanes: number;
  readonly ms: number;
}
