import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ResponseReader } from './response-reader.ts';

export interface ConnectionOptions {
  readonly port: number;
  readonly path: string;
  /** Called for each response. */
  readonly answered: (connection: Connection, status: number, bytes: Buffer) => void;
  /** Called once when the connection ends before {@link Connection.close}. */
  readonly lost: (connection: Connection) => void;
}

/** A keep-alive connection of a load generator to 127.0.0.1: the same GET, one at a time. */
export class Connection {
  readonly #socket: Socket;
  readonly #request: Buffer;

  private constructor(socket: Socket, path: string) {
    this.#socket = socket;
    this.#request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`, 'latin1');
  }

  /** Rejects when the server does not accept it. */
  static async open({ port, path, answered, lost }: ConnectionOptions): Promise<Connection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const connection = new Connection(socket, path);
    const reader = new ResponseReader((status, bytes) => answered(connection, status, bytes));
    socket.on('data', (chunk: Buffer) => reader.push(chunk));
    // An error is followed by a close.
    socket.on('error', () => undefined);
    socket.once('close', () => lost(connection));
    return connection;
  }

  /** Sends the request. The one before MUST have been answered. */
  send(): void {
    this.#socket.write(this.#request);
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }
}

/** One request on a connection of its own. Rejects when the connection ends without an answer. */
export async function exchange(
  port: number,
  path: string,
): Promise<{ readonly status: number; readonly bytes: Buffer }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; bytes: Buffer }>();
  const connection = await Connection.open({
    port,
    path,
    answered: (_connection, status, bytes) => resolve({ status, bytes }),
    lost: () => reject(new Error(`port ${port}: the connection ended without an answer`)),
  });
  connection.send();
  try {
    return await promise;
  } finally {
    connection.close();
  }
}
