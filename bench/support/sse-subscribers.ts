import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { spawnOwned } from './owned-process.ts';
import type { SubscriberOptions } from './sse-client.ts';

/** Connections of one process, at most: so many are opened in a second or two, and few processes hold them all. */
const connectionsEach = 5000;

/** How long a round may take, or the opening, in milliseconds. The machine may be busy. */
const patienceMs = 60_000;

/** Subscribers of one stream, in processes of their own. Disposing of them ends their connections. */
export class Subscribers implements AsyncDisposable {
  readonly #children: readonly Child[];

  private constructor(children: readonly Child[]) {
    this.#children = children;
  }

  /** Opens all streams, and waits until each has begun. */
  static async open({ connections, ...options }: SubscriberOptions): Promise<Subscribers> {
    const children: Child[] = [];
    const subscribers = new Subscribers(children);
    try {
      for (let left = connections; left > 0; left -= connectionsEach) {
        const child = new Child({ ...options, connections: Math.min(left, connectionsEach) });
        children.push(child);
        const line = await child.line();
        if (line !== 'ready') throw new Error(`the subscribers said ${line}`);
      }
    } catch (error) {
      await subscribers[Symbol.asyncDispose]();
      throw error;
    }
    return subscribers;
  }

  /** Waits until everybody has the last event of a round, and gives the bytes that all have received since the last. */
  async round(): Promise<number> {
    const all = await Promise.all(this.#children.map((child) => child.line()));
    return all.reduce((sum, bytes) => sum + Number(bytes), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((child) => child.end()));
  }
}

/** A process of `sse-client.ts`. */
class Child {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(options: SubscriberOptions) {
    const file = fileURLToPath(new URL('sse-client.ts', import.meta.url));
    this.#process = spawnOwned(process.execPath, [file, JSON.stringify(options)], { showErrors: true });
    const { stdout } = this.#process;
    if (stdout === null) throw new Error('its stdout is a pipe');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** The next line that it says. */
  async line(): Promise<string> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`the subscribers have not all been served after ${patienceMs / 1000} s`)),
      patienceMs,
    );
    try {
      const { done, value } = await Promise.race([this.#lines.next(), late]);
      if (done === true) throw new Error('the subscribers have ended; their reason stands above');
      return value;
    } finally {
      clearTimeout(timer);
    }
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}
