/** A capability for tests of plugin threads: it says what guests do, and lets them wait. */
import { defineCapability } from '../ext.ts';

/** Kinds of its effects. The payload of a note is a u32. */
export const ProbeEffect = { note: 0, ended: 1 } as const;

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

export const capability = defineCapability({
  module: import.meta.url,
  name: 'test.probe',
  events: ['probe.event', 'probe.other'],
  imports: {
    /** Sends the number. */
    note: { params: ['u32'] },
    /** Sends the id of the event of the running step, 0 without, and 2^31 more when it is cancelled. */
    note_event: { params: ['u32'] },
    /** Gives its input back. */
    echo: { params: ['in', 'out'] },
    /** Suspends the guest for so many milliseconds. */
    pause: { params: ['u32'], waits: true },
    /** Sends a request and gives what is answered. */
    consult: { params: ['in', 'out'], waits: true },
    /** Holds the thread on its event loop from now on. */
    hold: { params: ['u32'] },
  },
  guest(context) {
    if (context.plugin.name === 'no-end') throw new Error('the end cannot be made');
    context.scope.defer(() => {
      context.send(ProbeEffect.ended, new Uint8Array(0));
      if (context.plugin.name === 'bad-scope') throw new Error('the scope cannot be left');
    });
    return {
      functions: {
        note: (value) => context.send(ProbeEffect.note, u32(value)),
        note_event() {
          const { event } = context;
          context.send(ProbeEffect.note, u32((event?.id ?? 0) + (event?.cancelled === true ? 2 ** 31 : 0)));
        },
        echo: (bytes) => Uint8Array.from(bytes),
        pause: (ms) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
        consult: (bytes) => context.request(0, bytes),
        hold() {
          context.ref();
        },
      },
      deliver(event) {
        if (event.kind === 1) throw new Error('the delivery is refused');
      },
    };
  },
});
