/** The client of `bench/websocket.ts`: sends a message on each connection, and the next when it came back. */
import { connect, type Socket } from 'node:net';
import { moduleOptions } from './owned-process.ts';
import { quantile } from './statistics.ts';

export interface RoundTripOptions {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
}

/** What the client saw. Times are in milliseconds. */
export interface RoundTrips {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

const text = 'a message of thirty-two letters!';
/** A masked text frame; with the mask of zeros the text is as it is (RFC 6455, 5.2). */
const frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
const answer = Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);

class Connection {
  readonly socket: Socket;
  #received = 0;
  #sent = 0;
  readonly #took: (milliseconds: number) => void;

  private constructor(socket: Socket, took: (milliseconds: number) => void) {
    this.socket = socket;
    this.#took = took;
    socket.on('data', (chunk: Buffer) => this.#data(chunk));
  }

  static async open(port: number, took: (milliseconds: number) => void): Promise<Connection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.once('error', reject);
    socket.once('data', (head: Buffer) => {
      if (head.toString('latin1').startsWith('HTTP/1.1 101 ') && head.subarray(-4).toString() === '\r\n\r\n')
        resolve();
      else reject(new Error(`not switched: ${head.toString('latin1')}`));
    });
    socket.write(
      'GET /ws HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await promise;
    return new Connection(socket, took);
  }

  send(): void {
    this.#sent = performance.now();
    this.socket.write(frame);
  }

  #data(chunk: Buffer): void {
    this.#received += chunk.length;
    if (this.#received < answer.length) return;
    if (this.#received > answer.length || !chunk.equals(answer.subarray(-chunk.length))) {
      throw new Error('the message came back as another');
    }
    this.#received = 0;
    this.#took(performance.now() - this.#sent);
    this.send();
  }
}

async function roundTrips({ port, connections, seconds }: RoundTripOptions): Promise<RoundTrips> {
  const latencies: number[] = [];
  let until = Number.POSITIVE_INFINITY;
  const took = (milliseconds: number): void => {
    if (performance.now() < until) latencies.push(milliseconds);
  };
  const all: Connection[] = [];
  // A few at a time: a server's backlog has an end.
  while (all.length < connections) {
    const next = Math.min(50, connections - all.length);
    all.push(...(await Promise.all(Array.from({ length: next }, () => Connection.open(port, took)))));
  }
  const begun = performance.now();
  until = begun + seconds * 1000;
  for (const connection of all) connection.send();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const elapsed = (performance.now() - begun) / 1000;
  for (const { socket } of all) socket.destroy();
  const sorted = Float64Array.from(latencies).toSorted();
  return { perSecond: latencies.length / elapsed, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
}

process.stdout.write(JSON.stringify(await roundTrips(moduleOptions() as RoundTripOptions)));
