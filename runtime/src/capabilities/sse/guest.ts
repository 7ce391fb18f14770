import { Code } from '../../abi/codes.ts';
import { field } from '../../abi/field.ts';
import { struct } from '../../abi/struct.ts';
import { decodeSseEmit } from '../../abi/structs.ts';
import { type Delivery, Failure, type GuestContext, type GuestEnd } from '../../ext.ts';
import { encodeFrame } from './frame.ts';
import { asBuffer, Effect, encodeClaim, Kind, maxPathBytes, numberBytes } from './wire.ts';

/** `sse_send`: an event for one subscriber. An empty `id` or `event` is none. */
export const decodeSseSend = struct(
  { sub_id: field.uint(), id: field.text(), event: field.text(), data: field.text() },
  { name: 'sse_send' },
);

/**
 * The guest end: checks what the guest says and writes its events as they go into the streams, so that the edge
 * only passes bytes on. It knows the paths that this instance has claimed and the subscribers that it was told of.
 */
export function guest(context: Pick<GuestContext, 'ask' | 'send'>): GuestEnd<Functions> {
  const paths = new Map<string, number>();
  const subscribers = new Set<number>();
  let numbers = 0;
  return {
    functions: {
      sse_register(bytes) {
        if (bytes.length > maxPathBytes) {
          throw new Failure(
            Code.refused,
            `a path of ${bytes.length} bytes; at most ${maxPathBytes} are taken`,
          );
        }
        const path = asBuffer(bytes).toString('latin1');
        if (!path.startsWith('/')) throw new Failure(Code.refused, 'a path begins with /');
        if (paths.has(path)) return;
        const number = numbers++;
        const code = context.ask(Effect.register, encodeClaim({ number, path }));
        if (code !== Code.ok) throw new Failure(code, `the path ${path} was not taken`);
        paths.set(path, number);
      },
      sse_emit(bytes) {
        const { path, ...event } = decodeSseEmit(bytes);
        const number = paths.get(path);
        if (number === undefined) {
          throw new Failure(Code.refused, `this plugin has not registered the path ${path}`);
        }
        const effect = encodeFrame(event, numberBytes);
        asBuffer(effect).writeUInt32LE(number);
        context.send(Effect.emit, effect);
      },
      sse_send(bytes) {
        const { sub_id: id, ...event } = decodeSseSend(bytes);
        if (!subscribers.has(id)) throw new Failure(Code.refused, `there is no subscriber ${id}`);
        context.send(Effect.send, encodeFrame(event), id);
      },
    },
    deliver({ kind, id }: Delivery) {
      if (kind === Kind.open) subscribers.add(id);
      else subscribers.delete(id);
    },
  };
}

type Functions = {
  readonly sse_register: { readonly params: readonly ['in'] };
  readonly sse_emit: { readonly params: readonly ['in'] };
  readonly sse_send: { readonly params: readonly ['in'] };
};
