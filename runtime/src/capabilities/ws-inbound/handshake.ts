import { answersOwed } from '../../edge/connection.ts';
import { reply } from '../../edge/reply.ts';
import type { EdgeRequest } from '../../ext.ts';
import type { WsOptions } from './options.ts';

/** What an upgrade is answered with instead of 101. */
export interface Refusal {
  readonly status: number;
  readonly text: string;
  /** Names and values in turn. */
  readonly headers?: readonly string[];
}

/** The plugin is down or has as many connections, or as much to do, as it may have. */
export function busy({ retryAfter }: { readonly retryAfter: number }): Refusal {
  return { status: 503, text: 'plugin unavailable', headers: ['Retry-After', String(retryAfter)] };
}

/** A handshake that `ws` found wrong. */
export const badHandshake: Refusal = { status: 400, text: 'bad websocket handshake' };

/** How long a client may take to read why it was refused, in milliseconds. */
const refusalMs = 1000;

/** Whether a request asks for a WebSocket (RFC 6455 section 4.2.1): then it is one, or refused as one. */
export function asksForWebSocket({ request }: EdgeRequest): boolean {
  return (
    request.method === 'GET' &&
    request.httpVersion === '1.1' &&
    request.headers.host !== undefined &&
    request.headers.upgrade?.toLowerCase() === 'websocket' &&
    // An answer before this one is not over: two protocols would share the connection (RFC 9112 section 9.3.2).
    answersOwed(request.socket) === 0
  );
}

/** What is wrong with a handshake; undefined when it may go on. */
export function checkHandshake(
  { request: { headers } }: EdgeRequest,
  { allowed_origins: origins }: WsOptions,
): Refusal | undefined {
  if (headers['sec-websocket-version'] !== '13') {
    return {
      status: 426,
      text: 'websocket version not supported',
      headers: ['Upgrade', 'websocket', 'Sec-WebSocket-Version', '13'],
    };
  }
  // 16 bytes in base64 (RFC 6455 section 4.1).
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')) return badHandshake;
  // Browsers always send it (RFC 6455 section 10.2). Other clients have no cookies that a page could abuse.
  if (origins !== undefined && headers.origin !== undefined && !origins.includes(headers.origin)) {
    return { status: 403, text: 'origin not allowed' };
  }
  return undefined;
}

/** Refuses an upgrade whose socket is out of the hands of `node:http`, and closes it. */
export function refuse(
  { request: { socket }, response }: EdgeRequest,
  { status, text, headers }: Refusal,
): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => socket.destroySoon());
  reply(response, status, text, headers);
  setTimeout(() => socket.destroy(), refusalMs).unref();
}
