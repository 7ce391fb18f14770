/**
 * The plugin thread of the carrier suite: it makes its end of the link and does what the suite tells it to,
 * one command after the other.
 */
import { parentPort, workerData } from 'node:worker_threads';
import type { TakenEvent, ThreadLink } from './link.ts';

/** What the thread is started with. */
export interface CarrierThreadData {
  /** A module that exports `connect(data)`, which gives the thread's end of the link. */
  readonly module: string;
  readonly data: unknown;
}

/** An event or an effect, with a payload of its own. */
export interface Message {
  readonly channel: number;
  readonly kind: number;
  readonly id: number;
  readonly payload: Uint8Array;
}

/** What the thread can be told, with its argument and its result. */
export interface CarrierCommands {
  /** Takes an event if one is there. */
  take(): (Message & { readonly cancelled: boolean }) | undefined;
  /** Whether the event taken is cancelled by now. */
  cancelled(): boolean;
  finish(): void;
  ready(): boolean;
  /** Sends the effect so many times, with the ids counting up; the payload is a fresh copy each time. */
  send(effect: Message & { readonly times: number }): void;
  ask(effect: Message): number;
  /** Sends the requests at once and gives what they settle with, in their order. */
  request(
    requests: readonly Message[],
  ): Promise<readonly (Uint8Array | { code: unknown; message: string })[]>;
  /** Sends a request, closes the link at once, and gives what the request is rejected with. */
  requestAndClose(request: Message): Promise<string>;
  /** Answers so many events, each with itself as an effect, as fast as it can. */
  echo(events: number): void;
  /** Sends small effects until it is killed. */
  flood(): void;
  /** Loops until it is killed. */
  spin(): void;
}

export interface CarrierCall {
  readonly serial: number;
  readonly name: keyof CarrierCommands;
  readonly argument: unknown;
}

export interface CarrierResult {
  readonly serial: number;
  readonly result?: unknown;
  readonly error?: unknown;
}

if (parentPort !== null) {
  const port = parentPort;
  const { module, data } = workerData as CarrierThreadData;
  const { connect } = (await import(module)) as {
    connect: (data: unknown) => ThreadLink;
  };
  const commands = commandsOf(connect(data));
  port.on('message', ({ serial, name, argument }: CarrierCall) => {
    const run = async (): Promise<unknown> => commands[name](argument as never);
    run().then(
      (result) => port.postMessage({ serial, result } satisfies CarrierResult),
      (error: unknown) => port.postMessage({ serial, error } satisfies CarrierResult),
    );
  });
}

function commandsOf(link: ThreadLink): CarrierCommands {
  let taken: TakenEvent | undefined;
  const settled = async (request: Message) => {
    try {
      return await link.request(request.channel, request.kind, request.payload);
    } catch (error) {
      const { code, message } = error as { code: unknown; message: string };
      return { code, message };
    }
  };
  return {
    take() {
      taken = link.take();
      if (taken === undefined) return undefined;
      const { channel, kind, id, payload, cancelled } = taken;
      return { channel, kind, id, payload: Uint8Array.from(payload), cancelled };
    },
    cancelled: () => taken?.cancelled === true,
    finish: () => link.finish(),
    ready: () => link.ready,
    send({ channel, kind, id, payload, times }) {
      for (let index = 0; index < times; index++) {
        link.send(channel, kind, id + index, Uint8Array.from(payload));
      }
    },
    ask: ({ channel, kind, payload }) => link.ask(channel, kind, payload),
    request: (requests) => Promise.all(requests.map(settled)),
    async requestAndClose(request) {
      const reason = settled(request);
      link.close();
      const result = await reason;
      return 'message' in result ? result.message : 'it was answered';
    },
    echo(events) {
      for (let left = events; left > 0;) {
        const event = link.take();
        if (event === undefined) continue;
        link.send(event.channel, event.kind, event.id, Uint8Array.from(event.payload));
        link.finish();
        left -= 1;
      }
    },
    flood() {
      for (let id = 0; ; id++) link.send(1, 1, id, new Uint8Array(0));
    },
    spin() {
      for (;;) Atomics.load(new Int32Array(1), 0);
    },
  };
}
