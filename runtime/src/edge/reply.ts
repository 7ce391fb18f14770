import type { ServerResponse } from 'node:http';

/** What is used of a response, whichever version of HTTP it is of. */
export interface Answerable {
  readonly destroyed: boolean;
  readonly headersSent: boolean;
  readonly req: { readonly method?: string | undefined };
  writeHead(status: number, headers: string[]): unknown;
  end(body?: string): unknown;
}

/**
 * Answers with a line of text, as the edge does for what no plugin sees. Does nothing when the client has
 * gone or has its answer.
 */
export function reply(
  response: Answerable,
  status: number,
  text: string,
  headers: readonly string[] = [],
): void {
  if (response.destroyed || response.headersSent) return;
  const body = `${text}\n`;
  response.writeHead(status, [
    'Content-Type',
    'text/plain; charset=utf-8',
    'X-Content-Type-Options',
    'nosniff',
    'Content-Length',
    String(Buffer.byteLength(body)),
    ...headers,
  ]);
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/**
 * 503: the plugin is down, or has as much to do as it may have.
 *
 * @param retryAfter In how many seconds it is worth to ask again: see `Port.retryAfter`.
 */
export function unavailable(
  response: ServerResponse | undefined,
  {
    retryAfter = 1,
    headers = [],
  }: { readonly retryAfter?: number; readonly headers?: readonly string[] } = {},
): void {
  if (response === undefined) return;
  reply(response, 503, 'plugin unavailable', ['Retry-After', String(retryAfter), ...headers]);
}

/**
 * Gives up a large answer because its client leaves too many of them untaken. On HTTP/1.1 the connection is closed.
 * On HTTP/2 other streams share it, and a client may well ask for much at a time: it gets 503.
 */
export function shed(response: ServerResponse): void {
  if (response.req.httpVersionMajor === 2) return unavailable(response);
  // A response that waits behind others has no socket yet: to destroy it alone would close nothing.
  response.destroy();
  response.req.socket.destroy();
}
