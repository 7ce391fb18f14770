import { Buffer } from 'node:buffer';
import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';
import { inlineBytes } from '../../link/link.ts';
import { maxFrameBytes } from './wire.ts';

/** An event as a plugin gives it. All text is binary strings; an empty `id` or `event` is none. */
export interface SseEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

const scratch = Buffer.allocUnsafeSlow(inlineBytes);

/**
 * An event as it is written into a stream (WHATWG HTML, "Server-sent events"): `id`, `event`, a `data` line for
 * each line of the data, an empty line. Data is split wherever a client would end a line: at CR LF, LF and lone CR.
 * `room` bytes before it are left to the caller.
 *
 * A small frame is put into a buffer that the next call uses again; a large one into its own, which can be
 * transferred. Throws a {@link Failure} with code 4 for an id or a name that would end its line, an id with NUL,
 * which clients pass over, and a frame over {@link maxFrameBytes}. Hot: one for each event.
 */
export function encodeFrame({ id, event, data }: SseEvent, room = 0): Uint8Array {
  if (/[\r\n\0]/.test(id)) throw new Failure(Code.refused, 'an id has no line break and no NUL in it');
  if (/[\r\n]/.test(event)) throw new Failure(Code.refused, "an event's name has no line break in it");
  const { lines, bytes } = measure(data);
  // Each line has `data: ` before it and a line break behind it, and so have the other fields.
  const size =
    (id === '' ? 0 : id.length + 5) + (event === '' ? 0 : event.length + 8) + bytes + lines * 7 + 1;
  if (size > maxFrameBytes) {
    throw new Failure(Code.refused, `an event of ${size} bytes; at most ${maxFrameBytes} are sent`);
  }
  const target = room + size <= inlineBytes ? scratch : Buffer.allocUnsafeSlow(room + size);
  let at = room;
  const put = (text: string): void => {
    at += target.write(text, at, 'latin1');
  };
  if (id !== '') put(`id: ${id}\n`);
  if (event !== '') put(`event: ${event}\n`);
  if (lines === 1) put(`data: ${data}\n`);
  else for (const line of data.split(lineBreak)) put(`data: ${line}\n`);
  put('\n');
  return target.subarray(0, at);
}

const lineBreak = /\r\n|[\r\n]/;

/** How many lines a client finds in it, and the bytes of all of them without their line breaks. */
function measure(data: string): { lines: number; bytes: number } {
  if (!data.includes('\n') && !data.includes('\r')) return { lines: 1, bytes: data.length };
  let lines = 1;
  let breaks = 0;
  for (let at = 0; at < data.length; at++) {
    const unit = data.charCodeAt(at);
    if (unit !== cr && unit !== lf) continue;
    breaks += 1;
    // The LF behind a CR ends nothing by itself.
    if (unit === cr || data.charCodeAt(at - 1) !== cr) lines += 1;
  }
  return { lines, bytes: data.length - breaks };
}

const cr = 13;
const lf = 10;
