import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type Transferable, Worker } from 'node:worker_threads';
import type {
  CarrierCall,
  CarrierCommands,
  CarrierResult,
  CarrierThreadData,
  Message,
} from './carrier-thread.suite.ts';
import type { EdgeLink, EffectReceiver, EventPlace } from './link.ts';

/** A fresh link under test. */
export interface CarrierEnds {
  readonly edge: EdgeLink;
  /** A module for the thread that exports `connect(data)`, which gives its end of the link. */
  readonly module: string;
  readonly data: unknown;
  readonly transfer: readonly Transferable[];
}

type Argument<K extends keyof CarrierCommands> = Parameters<CarrierCommands[K]>;
type Result<K extends keyof CarrierCommands> = Awaited<ReturnType<CarrierCommands[K]>>;

/** How long anything may take before the suite says that it hangs, in milliseconds. */
export const patienceMs = 30_000;

/** The edge's end, what it has received, and the thread at the other end. */
export class Pair implements EffectReceiver {
  readonly edge: EdgeLink;
  readonly received: Message[] = [];
  /** The count of the last drain. */
  finished = 0;
  /** What an effect is answered with. */
  code: (effect: Message) => number = () => 0;
  /** What a request is answered with. */
  answer: (request: Message) => Promise<Uint8Array> = () => Promise.reject(new Error('not expected'));
  readonly #worker: Worker;
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  #serial = 0;

  constructor(t: TestContext, { edge, module, data, transfer }: CarrierEnds) {
    this.edge = edge;
    const workerData: CarrierThreadData = { module, data };
    this.#worker = new Worker(new URL('carrier-thread.suite.ts', import.meta.url), {
      workerData,
      transferList: [...transfer],
    });
    this.#worker.on('message', ({ serial, result, error }: CarrierResult) => {
      const call = this.#calls.get(serial);
      if (error === undefined) call?.resolve(result);
      else call?.reject(error);
    });
    t.after(async () => {
      await this.kill();
      edge.close();
    });
  }

  effect(channel: number, kind: number, payload: Uint8Array, id: number): number {
    const effect = { channel, kind, id, payload: Uint8Array.from(payload) };
    this.received.push(effect);
    return this.code(effect);
  }

  request(channel: number, kind: number, payload: Uint8Array): Promise<Uint8Array> {
    return this.answer({ channel, kind, id: 0, payload });
  }

  drain(): void {
    this.finished = this.edge.drain(this);
  }

  /** Tells the thread to do something. */
  async thread<K extends keyof CarrierCommands>(name: K, ...argument: Argument<K>): Promise<Result<K>> {
    const serial = ++this.#serial;
    const call = Promise.withResolvers<unknown>();
    this.#calls.set(serial, call);
    this.#worker.postMessage({ serial, name, argument: argument[0] } satisfies CarrierCall);
    return (await call.promise) as Result<K>;
  }

  /** As {@link thread}, while the edge drains. */
  async draining<K extends keyof CarrierCommands>(name: K, ...argument: Argument<K>): Promise<Result<K>> {
    let done = false;
    const result = this.thread(name, ...argument).finally(() => {
      done = true;
    });
    await this.until(() => done, `${name} is done`);
    return result;
  }

  /** Drains until the condition holds. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (this.drain(); !condition(); this.drain()) {
      assert.ok(performance.now() < deadline, `not within ${patienceMs} ms: ${what}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The next event the thread takes; it may be on its way. */
  async take(): Promise<Message & { readonly cancelled: boolean }> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const event = await this.thread('take');
      if (event !== undefined) return event;
      assert.ok(performance.now() < deadline, 'an event has not come');
    }
  }

  send(event: Message): EventPlace {
    const place = this.edge.send(event);
    assert.notEqual(place, undefined, 'there is no room for an event');
    return place as EventPlace;
  }

  async kill(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Bytes that tell where they were cut or moved. */
export function pattern(length: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + (index >>> 8) * 17 + seed) & 0xff;
  return bytes;
}

export function message(id: number, payload: Uint8Array = pattern(8, id)): Message {
  return { channel: id % 7, kind: id % 200, id, payload };
}

export function assertSame(found: Message, expected: Message): void {
  const { channel, kind, id } = expected;
  assert.deepEqual({ channel: found.channel, kind: found.kind, id: found.id }, { channel, kind, id });
  assert.ok(Buffer.compare(found.payload, expected.payload) === 0, `the payload of ${id} is another`);
}
