import type { Writer } from './msgpack/writer.ts';

/**
 * Pairs as one flat list: key, value, key, value. All are binary strings (one UTF-16 unit, 0 to 255, for each
 * byte), and no key comes twice.
 */
export type Pairs = readonly string[];

/** `HTTPRequest` (contract section 5). All text is binary strings. */
export interface HttpRequest {
  /** From 1, a safe integer. */
  readonly id: number;
  readonly method: string;
  /** Percent-decoded. */
  readonly path: string;
  /** What the pattern's `:name` and `*name` took, percent-decoded. */
  readonly params: Pairs;
  /** First value of each key, decoded, `+` as a space. */
  readonly query: Pairs;
  /** Canonical names, first value of each, without `Host` and `Transfer-Encoding`. */
  readonly headers: Pairs;
  readonly body: Uint8Array;
  readonly host: string;
  /** Address and port of the peer. */
  readonly remoteAddr: string;
  /** Such as `HTTP/1.1`. */
  readonly proto: string;
  /** The path as sent, still percent-encoded. */
  readonly rawPath: string;
}

/** `ws.open`. All text is binary strings. */
export interface WsOpen {
  /** From 1, a safe integer. */
  readonly connId: number;
  /** Percent-decoded. */
  readonly path: string;
  readonly query: Pairs;
  /** Canonical names, without `Host`. */
  readonly headers: Pairs;
}

/** `ws.frame`: a whole message. */
export interface WsFrame {
  readonly connId: number;
  /** 1 is text, 2 is binary. */
  readonly opcode: number;
  readonly payload: Uint8Array;
}

/** `ws.close`. */
export interface WsClose {
  readonly connId: number;
  /** The peer's code; 1005 for a close frame without one, 1006 for a broken connection. */
  readonly code: number;
  /** A binary string of the reason's UTF-8. */
  readonly reason: string;
}

/**
 * Writes an `http.request` event. Hot: one for each request. Integers have the widths of the Go host
 * (contract section 3); maps and body are never nil.
 */
export function encodeHttpRequest(writer: Writer, request: HttpRequest): void {
  writer.map(11);
  writer.text('id');
  writer.uint64(request.id);
  writer.text('method');
  writer.text(request.method);
  writer.text('path');
  writer.text(request.path);
  writer.text('params');
  pairs(writer, request.params);
  writer.text('query');
  pairs(writer, request.query);
  writer.text('headers');
  pairs(writer, request.headers);
  writer.text('body');
  writer.binary(request.body);
  writer.text('host');
  writer.text(request.host);
  writer.text('remote_addr');
  writer.text(request.remoteAddr);
  writer.text('proto');
  writer.text(request.proto);
  writer.text('raw_path');
  writer.text(request.rawPath);
}

/** Writes a `ws.open` event. */
export function encodeWsOpen(writer: Writer, open: WsOpen): void {
  writer.map(4);
  writer.text('conn_id');
  writer.uint64(open.connId);
  writer.text('path');
  writer.text(open.path);
  writer.text('query');
  pairs(writer, open.query);
  writer.text('headers');
  pairs(writer, open.headers);
}

/**
 * The `ws.open` event of a connection that was there before the instance which is told of it: the one that it began
 * with, and `resumed: true`.
 */
export function resumedWsOpen(open: Uint8Array): Uint8Array {
  const resumed = Buffer.concat([open, resumedField]);
  // The map has one entry more, and still few enough for its first byte to say how many.
  resumed[0] = (open[0] ?? 0) + 1;
  return resumed;
}

const resumedField = Buffer.concat([Buffer.from([0xa7]), Buffer.from('resumed'), Buffer.from([0xc3])]);

/** Writes a `ws.frame` event. Hot: one for each message. */
export function encodeWsFrame(writer: Writer, frame: WsFrame): void {
  writer.map(3);
  writer.text('conn_id');
  writer.uint64(frame.connId);
  writer.text('opcode');
  writer.uint8(frame.opcode);
  writer.text('payload');
  writer.binary(frame.payload);
}

/** Writes a `ws.close` event. */
export function encodeWsClose(writer: Writer, close: WsClose): void {
  writer.map(3);
  writer.text('conn_id');
  writer.uint64(close.connId);
  writer.text('code');
  writer.uint16(close.code);
  writer.text('reason');
  writer.text(close.reason);
}

function pairs(writer: Writer, list: Pairs): void {
  writer.map(list.length / 2);
  for (const text of list) writer.text(text);
}
