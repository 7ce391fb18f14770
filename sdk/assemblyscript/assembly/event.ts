import { Kind, Reader } from './reader';
import { MapView, sameText } from './map-view';

/** Handles the events of one kind. The view and all that comes from it end with the step. */
export type EventHandler = (event: MapView) => void;

/** For the SDK: the same by addresses, for what decodes the event itself. */
export type RawEventHandler = (start: usize, end: usize) => void;

class Listener {
  constructor(
    public kind: string,
    public handler: EventHandler | null,
    public raw: RawEventHandler | null,
  ) {}
}

const listeners: Listener[] = [];
const reader = new Reader(0, 0);

/**
 * Calls a handler for every event of a kind, such as `ws.open`. Routes are built on it; it serves the
 * capabilities that this SDK does not wrap. At the top level or in `onInit`; a kind has one handler, the last.
 */
export function onEvent(kind: string, handler: EventHandler): void {
  add(new Listener(kind, handler, null));
}

/** For the SDK: `onEvent` by addresses. */
export function onRawEvent(kind: string, handler: RawEventHandler): void {
  add(new Listener(kind, null, handler));
}

function add(listener: Listener): void {
  for (let i = 0; i < listeners.length; i++) {
    if (listeners[i].kind == listener.kind) {
      listeners[i] = listener;
      return;
    }
  }
  listeners.push(listener);
}

/**
 * For the SDK: decodes a StepEvent, `{kind, payload}`, and calls the handler. Events without a handler are
 * passed over. False: the bytes are not a StepEvent.
 */
export function dispatchEvent(pointer: usize, length: usize): bool {
  const end = pointer + length;
  let kindStart: usize = 0;
  let kindSize: usize = 0;
  let payload: usize = 0;
  let payloadEnd: usize = 0;
  reader.reset(pointer, end);
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    reader.span();
    const start = reader.start;
    const size = reader.size;
    if (sameText("kind", start, size)) {
      reader.span();
      kindStart = reader.start;
      kindSize = reader.size;
    } else if (sameText("payload", start, size)) {
      // The per-kind map stands there itself; hosts that follow the contract to the letter wrap it in a bin.
      if (reader.peek() == Kind.Bin) {
        reader.span();
        payload = reader.start;
        payloadEnd = reader.start + reader.size;
      } else {
        payload = reader.at;
        payloadEnd = end;
        // Mostly it comes last, and what reads it will see whether it is whole.
        if (left > 1) reader.skip();
      }
    } else {
      reader.skip();
    }
  }
  if (!reader.ok || kindSize == 0 || payload == 0) return false;
  for (let i = 0; i < listeners.length; i++) {
    const listener = unchecked(listeners[i]);
    if (!sameText(listener.kind, kindStart, kindSize)) continue;
    const raw = listener.raw;
    if (raw !== null) raw(payload, payloadEnd);
    else listener.handler!(new MapView(payload, payloadEnd));
    return true;
  }
  return true;
}
