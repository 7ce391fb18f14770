import { Buffer } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EdgeRequest } from '../ext.ts';
import type { Budget } from './budget.ts';
import { reply, unavailable } from './reply.ts';

export interface BodyOptions {
  /** Largest body, in bytes: above it the client gets 413. */
  readonly maxBytes: number;
  /** What all bodies of the host share: when it is used up the client gets 503. */
  readonly budget: Budget;
}

/** A response of HTTP/2 can stop its request by itself. */
type Stoppable = ServerResponse & { stopRequest?(): void };

const empty = Buffer.alloc(0);

/** Whether the head announces more than a body may have: it is refused before any of it is read. */
export function announcesTooMuch(headers: readonly string[], maxBytes: number): boolean {
  // Names are at the even places; a value may read like one.
  const index = headers.findIndex((text, place) => place % 2 === 0 && text === 'Content-Length');
  return index >= 0 && Number(headers[index + 1]) > maxBytes;
}

/** Collects a body and hands it over whole; see `Listener.body`. */
export function collectBody(
  incoming: EdgeRequest,
  options: BodyOptions,
  done: (body: Uint8Array) => void,
): void {
  const { request, response, headers } = incoming;
  if (!incoming.hasBody) return done(empty);
  if (announcesTooMuch(headers, options.maxBytes)) return refuseLarge(incoming);
  // Who sends little of a body keeps its head here, too.
  const headBytes = incoming.path.length + incoming.query.length + lengthOf(headers);
  if (!options.budget.take(headBytes)) return refuseForMemory(incoming);
  // One growing buffer instead of a list of chunks: a client may send its body a byte at a time.
  let buffer: Buffer = empty;
  let size = 0;
  const stop = (): void => {
    options.budget.give(buffer.length + headBytes);
    buffer = empty;
    request.off('data', onData).off('end', onEnd).off('close', stop);
  };
  const onData = (chunk: Buffer): void => {
    const needed = size + chunk.length;
    if (needed > options.maxBytes) {
      stop();
      return refuseLarge(incoming);
    }
    if (needed > buffer.length) {
      const capacity = size === 0 ? needed : Math.min(options.maxBytes, Math.max(needed, buffer.length * 2));
      if (!options.budget.take(capacity - buffer.length)) {
        stop();
        return refuseForMemory(incoming);
      }
      const grown = size === 0 ? chunk : Buffer.allocUnsafeSlow(capacity);
      if (grown !== chunk) buffer.copy(grown, 0, 0, size);
      buffer = grown;
    }
    if (buffer !== chunk) chunk.copy(buffer, size);
    size = needed;
  };
  const onEnd = (): void => {
    const body = buffer.subarray(0, size);
    stop();
    if (request.httpVersionMajor === 1) request.rawTrailers = [];
    // On HTTP/2 a body that was cut off ends, too; and one that took too long has its answer already.
    if (!response.destroyed && !response.headersSent) done(body);
  };
  request.on('data', onData).on('end', onEnd).on('close', stop);
}

function lengthOf(texts: readonly string[]): number {
  let length = 0;
  for (const text of texts) length += text.length;
  return length;
}

function refuseLarge(incoming: EdgeRequest): void {
  reply(incoming.response, 413, 'request body too large', ['Connection', 'close']);
  leave(incoming);
}

function refuseForMemory(incoming: EdgeRequest): void {
  unavailable(incoming.response, { headers: ['Connection', 'close'] });
  leave(incoming);
}

/**
 * The rest of the body is not wanted. On HTTP/2 the client is told. Otherwise it is read and dropped for a moment,
 * since a connection that is closed on unread bytes is reset, and the client might never see its answer
 * (RFC 9112 section 9.6).
 */
function leave({ request, response }: { request: IncomingMessage; response: Stoppable }): void {
  if (response.stopRequest !== undefined) {
    response.stopRequest();
    return;
  }
  const { socket } = request;
  request.resume();
  const timer = setTimeout(() => socket.destroy(), 1000);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}
