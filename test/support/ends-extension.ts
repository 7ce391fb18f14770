/** An extension for tests of what its two ends say to each other. Its plugin end does what a text tells it. */
import { z } from 'zod';
import { defineCapability, type Delivery, Failure, type Port } from 'pulp-runtime/ext';

/** The plugins that declare it, by name, as its edge end knows them in this thread. */
export const ports = new Map<string, Port>();

export const capability = defineCapability({
  module: import.meta.url,
  name: 'test.ends',
  events: ['ends.first', 'ends.second'],
  options: { greeting: z.string().default('hello') },
  imports: {
    /** Asks the edge with a text, and refuses with its code. */
    ends_ask: { params: ['in'] },
    /** Requests with a text, and logs the answer. */
    ends_request: { params: ['in'], waits: true },
    /** Gives the bytes in reverse. */
    ends_reverse: { params: ['in', 'out'] },
    /** Logs a text a moment after it returned. */
    ends_later: { params: ['in'] },
    /** Logs the event of the running step. */
    ends_event: { params: [] },
  },
  guest(context) {
    const { log, options } = context;
    let delivered: Delivery | undefined;
    return {
      functions: {
        ends_ask(text) {
          const code = context.ask(0, Uint8Array.from(text));
          if (code !== 0) throw new Failure(code, 'the edge refuses');
        },
        async ends_request(text) {
          const answer = await context.request(0, text);
          log.info(`answer: ${Buffer.from(answer).toString()}`, { greeting: options.greeting });
        },
        ends_reverse: (bytes) => bytes.toReversed(),
        ends_later(text) {
          const message = `later: ${Buffer.from(text).toString()}`;
          const held = context.ref();
          setTimeout(() => {
            log.info(message);
            held[Symbol.dispose]();
          }, 20);
        },
        ends_event() {
          const { event } = context;
          log.info('event', { kind: event?.kind, id: event?.id, same: event === delivered });
        },
      },
      deliver(event) {
        delivered = event;
      },
    };
  },
  edge({ log }) {
    return {
      plugin(port) {
        const { greeting } = port.options;
        ports.set(port.plugin.name, port);
        return {
          effect(_kind, payload) {
            const text = Buffer.from(payload).toString();
            if (text === 'throw') throw new Error('told to throw');
            log.info(`asked: ${text}`, { greeting });
            return text === 'refuse' ? 42 : 0;
          },
          async request(_kind, payload) {
            const text = Buffer.from(payload).toString();
            if (text === 'throw') throw new Error('told to throw');
            if (text === 'refuse') throw new Failure(43, 'told to refuse');
            return Buffer.from(`${greeting}, ${text}`);
          },
        };
      },
    };
  },
});
