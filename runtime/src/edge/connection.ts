import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Budget } from './budget.ts';
import { reply } from './reply.ts';

/** Requests of one connection whose answers are not over; more get 503, so that one client leaves room for others. */
export const maxPipelined = 256;
/** Requests of all connections whose answers are not over: beyond it each connection may have one. */
export const maxUnanswered = 16_384;
/** Bytes of large answers that a client may leave untaken. One answer always fits. */
export const maxOwedBytes = 64 * 1024 * 1024;

const connection = Symbol('connection');

/** What a connection is owed. */
interface Connection {
  requests: number;
  bytes: number;
  /** The request that came last, and its response. */
  last: { readonly request: IncomingMessage; readonly response: ServerResponse } | undefined;
  /** What came behind the requests cannot be read: the connection ends with their answers. */
  ending: boolean;
}

/** What has it: a socket of HTTP/1.1, or the session that the streams of an HTTP/2 connection share. */
interface Connected {
  [connection]?: Connection;
}

/** Hot. */
function connectionOf(response: ServerResponse & { readonly session?: object }): Connected {
  return response.session ?? response.req.socket;
}

/** Whether a request is taken, or who has too many that are not answered: its connection, or all together. */
export type Begun = 'taken' | 'connection full' | 'all full';

/** Counts a request until its answer is over, with those of all connections. Hot. */
export function beginAnswer(request: IncomingMessage, response: ServerResponse, unanswered: Budget): Begun {
  const connected = connectionOf(response);
  const state = (connected[connection] ??= { requests: 0, bytes: 0, last: undefined, ending: false });
  state.last = { request, response };
  state.requests += 1;
  unanswered.takeAnyway(1);
  response.on('close', () => {
    state.requests -= 1;
    unanswered.give(1);
    if (state.ending && state.requests === 0) request.socket.end();
  });
  if (unanswered.used > unanswered.limit && state.requests > 1) return 'all full';
  return state.requests > maxPipelined ? 'connection full' : 'taken';
}

/** Counts a large answer until it is over. False: the client takes none of what it asks for. */
export function oweAnswer(response: ServerResponse, bytes: number): boolean {
  const state = connectionOf(response)[connection];
  if (state === undefined) return true;
  if (state.bytes > 0 && state.bytes + bytes > maxOwedBytes) return false;
  state.bytes += bytes;
  response.on('close', () => {
    state.bytes -= bytes;
  });
  return true;
}

/** Answers of a connection that are not over yet. */
export function answersOwed(socket: Duplex & Connected): number {
  return socket[connection]?.requests ?? 0;
}

/**
 * Lets the answer that a connection of HTTP/1.1 is owed last say that the connection ends behind it. Where `response`
 * has come behind that one, it is the last now. One that was begun says what it said.
 */
export function endBehindLast(socket: Duplex & Connected, response?: ServerResponse): void {
  const last = socket[connection]?.last?.response;
  if (last !== undefined) last.shouldKeepAlive = response !== undefined;
  if (response !== undefined) response.shouldKeepAlive = false;
}

/**
 * Leaves unread what a connection of HTTP/1.1 has sent behind the request that came last, also where it came in the
 * same read: the server's `clientError` follows, unless there is nothing behind it.
 */
export function stopParsing(socket: Duplex & { readonly parser?: { onIncoming: unknown } | null }): void {
  // The parser asks it what to do with each head; this answer is an error of its own.
  if (socket.parser) socket.parser.onIncoming = () => -1;
}

/** What is wrong with what a client sent. */
export interface Fault {
  readonly status: number;
  readonly text: string;
}

/**
 * Lets a connection end with the answers it is owed, because what came last cannot be read. A request that was
 * under way gets the fault for its answer; what came behind whole requests gets none. False when no answer is owed.
 */
export function endWithAnswers(socket: Duplex & Connected, { status, text }: Fault): boolean {
  const state = socket[connection];
  if (state?.last === undefined || state.requests === 0 || socket.destroyed) return false;
  const { request, response } = state.last;
  if (!request.complete) reply(response, status, text, ['Connection', 'close']);
  state.ending = true;
  socket.pause();
  return true;
}
