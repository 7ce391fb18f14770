import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { patiently } from './patiently.ts';
import type { Scope } from './scope.ts';

export interface SseClientOptions {
  readonly port: number;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A client of one stream, with the parser that `eventsource-parser` brings. */
export class SseClient {
  readonly response: IncomingMessage;
  readonly events: EventSourceMessage[] = [];
  readonly comments: string[] = [];
  /** Settles when the stream has ended: true when the host ended it in order. */
  readonly ended: Promise<boolean>;
  #wake = Promise.withResolvers<void>();
  #over = false;

  private constructor(response: IncomingMessage) {
    this.response = response;
    const parser = createParser({
      onEvent: (event) => {
        this.events.push(event);
        this.#changed();
      },
      onComment: (comment) => {
        this.comments.push(comment);
        this.#changed();
      },
    });
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.ended = promise;
    response.setEncoding('utf8');
    response.on('data', (text: string) => parser.feed(text));
    response.on('error', () => undefined);
    response.on('close', () => {
      this.#over = true;
      resolve(response.complete);
      this.#changed();
    });
  }

  /** Connects; the head of the answer is there then. It ends with its test at the latest. */
  static async open(t: Scope, { port, path, headers = {} }: SseClientOptions): Promise<SseClient> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = get({ port, path, host: '127.0.0.1', agent: false, headers }, resolve);
    request.on('error', reject);
    t.after(() => request.destroy());
    const response = await patiently(promise, () => `${path} was not answered`);
    return new SseClient(response);
  }

  /** Waits until so many events are there, and gives them all. Fails when the stream ends before. */
  async first(count: number): Promise<readonly EventSourceMessage[]> {
    await this.until(
      () => this.events.length >= count,
      () => `${this.events.length} of ${count} events came`,
    );
    return this.events;
  }

  /** Waits until something holds, which is looked at with each event and comment. */
  async until(holds: () => boolean, missing: () => string): Promise<void> {
    while (!holds()) {
      if (this.#over) assert.fail(`the stream ended: ${missing()}`);
      await patiently(this.#wake.promise, missing);
    }
  }

  /** Leaves. */
  close(): void {
    this.response.destroy();
  }

  #changed(): void {
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers();
    resolve();
  }
}

/** Looks again and again until something holds. */
export async function eventually<T>(look: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const begun = performance.now();
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    if (performance.now() - begun > 30_000) assert.fail(`it stayed ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
