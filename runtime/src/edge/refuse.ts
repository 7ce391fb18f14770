import type { Duplex } from 'node:stream';

/** What a request that the parser refused gets (contract section 6). */
export function statusOf(error: NodeJS.ErrnoException): number {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return 431;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 408;
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return 413;
    case undefined:
    default:
      return 400;
  }
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large',
};

/** The line of text that a refused request gets. */
export function textOf(status: number): string {
  return `${status} ${(reasons[status] ?? 'Bad Request').toLowerCase()}`;
}

/** Answers on a socket that has no response object, and closes it. */
export function refuse(socket: Duplex, status: number): void {
  // Node lets go of the socket of a CONNECT or an upgrade: without a listener its reset would end the process.
  socket.on('error', () => socket.destroy());
  if (!socket.writable || socket.destroyed) {
    socket.destroy();
    return;
  }
  const reason = reasons[status] ?? 'Bad Request';
  const body = `${textOf(status)}\n`;
  // A 405 has to say what is allowed (RFC 9110 section 15.5.6). To who asks for a tunnel that is nothing.
  const allow = status === 405 ? 'Allow: \r\n' : '';
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${body.length}\r\n${allow}Connection: close\r\n\r\n${body}`,
  );
  // Nobody reads from it any more; whoever keeps it open has a moment to take the answer.
  setTimeout(() => socket.destroy(), 1000).unref();
}
