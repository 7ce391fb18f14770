import { once } from 'node:events';
import { type Server, type Socket, createServer } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { Scope } from './scope.ts';

/** A request as a server received it. Text is binary strings. */
export interface Received {
  readonly method: string;
  readonly target: string;
  /** Names as sent, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  /** The socket, for answers that come bit by bit. */
  readonly socket: Socket;
}

/** Gives the bytes of an answer, a binary string; undefined when it writes to the socket by itself. */
export type Respond = (request: Received) => string | Buffer | undefined;

/** A server that answers byte for byte what a test says, and remembers what it was asked. */
export interface CannedServer {
  readonly port: number;
  readonly url: string;
  readonly received: readonly Received[];
  /** How many connections were made so far. */
  readonly connections: number;
  /** How many of them are open. */
  readonly open: number;
}

export interface CannedServerOptions {
  /** Key and certificate of a server with TLS. */
  readonly tls?: TlsOptions;
  readonly host?: string;
}

/** Starts a server on a free port. It ends with the test. */
export async function cannedServer(
  t: Scope,
  respond: Respond,
  { tls, host = '127.0.0.1' }: CannedServerOptions = {},
): Promise<CannedServer> {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const serve = (socket: Socket): void => {
    connections += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // A client that goes is no failure of the server's.
    socket.on('error', () => undefined);
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (let request = take(rest, socket); request !== undefined; request = take(rest, socket)) {
        rest = rest.subarray(request.size);
        received.push(request.received);
        const bytes = respond(request.received);
        if (bytes !== undefined) {
          socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
        }
      }
    });
  };
  const server: Server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  server.on('tlsClientError', () => undefined);
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    url: `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    received,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
  };
}

/** The first value of a header, whatever the case of its name. */
export function headerOf({ headers }: Received, name: string): string | undefined {
  return headers.find(([found]) => found.toLowerCase() === name.toLowerCase())?.[1];
}

/** An answer with a `Content-Length`. */
export function answer(
  body: string | Buffer = '',
  {
    status = '200 OK',
    headers = [],
  }: { readonly status?: string; readonly headers?: readonly string[] } = {},
): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body;
  const head = [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${bytes.length}`].join('\r\n');
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), bytes]);
}

function take(
  bytes: Buffer,
  socket: Socket,
): { readonly received: Received; readonly size: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const [method = '', target = ''] = first.split(' ');
  const headers = lines.map((line) => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), line.slice(colon + 2)] as const;
  });
  const length = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1] ?? '0';
  const size = end + 4 + Number(length);
  if (bytes.length < size) return undefined;
  const body = bytes.subarray(end + 4, size);
  return { received: { method, target, headers, body, socket }, size };
}
