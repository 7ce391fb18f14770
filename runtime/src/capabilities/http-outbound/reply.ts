import { Writer } from '../../abi/msgpack/writer.ts';
import { canonicalHeaderName } from '../../abi/header-name.ts';

/** The first value of each header, by its canonical name; binary strings. */
export type ReplyHeaders = ReadonlyMap<string, string>;

/**
 * What says how the body was sent, and it is there in one piece. `Connection` and `Keep-Alive` stay, as with Go's
 * client: guests may look at them, and what a guest passes on of them is dropped from its answer.
 */
const framing: ReadonlySet<string> = new Set(['Trailer', 'Transfer-Encoding']);

export interface Reply {
  readonly status: number;
  readonly headers: ReplyHeaders;
  readonly body: Uint8Array;
}

/** Headers as guests get them (contract section 5), from names and values in turn. */
export function replyHeaders(raw: readonly string[]): ReplyHeaders {
  const headers = new Map<string, string>();
  for (let at = 0; at < raw.length; at += 2) {
    const name = canonicalHeaderName(raw[at] ?? '');
    if (!framing.has(name) && !headers.has(name)) headers.set(name, trimmed(raw[at + 1] ?? ''));
  }
  return headers;
}

/** The `HTTPResponse` that `http_fetch` gives, with the widths of the Go host: `id` is 0. */
export function encodeReply({ status, headers, body }: Reply): Uint8Array {
  let size = 64 + body.length;
  for (const [name, value] of headers) size += name.length + value.length + 10;
  const writer = new Writer(size);
  writer.map(4);
  writer.text('id');
  writer.uint64(0);
  writer.text('status');
  writer.uint32(status);
  writer.text('headers');
  writer.map(headers.size);
  for (const [name, value] of headers) {
    writer.text(name);
    writer.text(value);
  }
  writer.text('body');
  writer.binary(body);
  return writer.view();
}

/** Without the blanks around it, which are no part of a value (RFC 9110 section 5.5). */
function trimmed(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value, start)) start += 1;
  while (end > start && isBlank(value, end - 1)) end -= 1;
  return value.slice(start, end);
}

function isBlank(value: string, at: number): boolean {
  const code = value.charCodeAt(at);
  return code === 0x20 || code === 0x09;
}
