import type { ServerResponse } from 'node:http';

/**
 * Answers with a line of text, as the edge does for what no plugin sees. Does nothing when the client has
 * gone or has its answer.
 */
export function reply(
  response: ServerResponse,
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

/** 503: the plugin is down, or has as much to do as it may have. */
export function unavailable(response: ServerResponse | undefined, headers: readonly string[] = []): void {
  if (response !== undefined) reply(response, 503, 'plugin unavailable', ['Retry-After', '1', ...headers]);
}
