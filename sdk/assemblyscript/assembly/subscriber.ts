import { sseSend } from './host';
import { Writer } from './writer';

/** Reused for all that is sent. */
// @ts-ignore: a decorator of the AssemblyScript compiler, which TypeScript does not know
@lazy
const writer = new Writer();

/** One who is subscribed to a stream: the same object from its `onOpen` to its `onClose`. */
export class Subscriber {
  constructor(
    /** Names this subscriber towards the host, and no other as long as the host runs: a good key of a `Map`. */
    public readonly id: u64,
    /** The path that it is subscribed to. */
    public readonly path: string,
  ) {}

  /** Sends an event to this subscriber alone, as `emit` does to all. False: refused, or it is gone. */
  send(data: string, event: string = "", id: string = ""): bool {
    const writer = encodeEvent(data, event, id);
    writer.str("sub_id");
    writer.u64(this.id);
    return sent(sseSend(writer.start, writer.size));
  }
}

/** For the SDK: a map with all of an event but whom it is for, which is one entry more. */
export function encodeEvent(data: string, event: string, id: string): Writer {
  writer.reset();
  writer.map(2 + u32(event.length != 0) + u32(id.length != 0));
  if (id.length != 0) {
    writer.str("id");
    writer.str(id);
  }
  if (event.length != 0) {
    writer.str("event");
    writer.str(event);
  }
  writer.str("data");
  writer.str(data);
  return writer;
}

/** For the SDK: what was encoded has been sent. */
export function sent(code: u32): bool {
  writer.reset();
  return code == 0;
}
