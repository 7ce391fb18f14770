/**
 * Subscribers of `bench/sse.ts`: so many connections that only count what they receive. It says `ready` when each has
 * the head of its stream, and after each round, which ends with an event that has a `!` in it, how many bytes came.
 */
import { connect } from 'node:net';
import { moduleOptions } from './owned-process.ts';

export interface SubscriberOptions {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
}

/** How many connections are opened at a time: a server's backlog has an end. */
const openAtOnce = 100;

const head = 'HTTP/1.1 200 ';
const mark = '!'.charCodeAt(0);

/** Without one of the streams no round would end. */
function lost(error?: Error): never {
  throw new Error(`a stream ended${error === undefined ? '' : `: ${error.message}`}`);
}

async function subscribe({ port, path, connections }: SubscriberOptions): Promise<void> {
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`;
  // Nothing is kept of what is received, so one buffer does for all.
  const buffer = Buffer.allocUnsafe(64 * 1024);
  let bytes = 0;
  let marks = 0;
  const received = (size: number): void => {
    bytes += size;
    if (!buffer.subarray(0, size).includes(mark)) return;
    marks += 1;
    if (marks < connections) return;
    process.stdout.write(`${bytes}\n`);
    bytes = 0;
    marks = 0;
  };
  const open = (): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let began = false;
    const socket = connect({
      port,
      host: '127.0.0.1',
      onread: {
        buffer,
        callback(size) {
          if (began) received(size);
          else if (buffer.toString('latin1', 0, head.length) === head) resolve();
          else reject(new Error(`not a stream:\n${buffer.toString('latin1', 0, size)}`));
          began = true;
          return true;
        },
      },
    });
    socket.on('error', lost);
    socket.on('end', lost);
    socket.write(request);
    return promise;
  };
  for (let left = connections; left > 0; left -= openAtOnce) {
    await Promise.all(Array.from({ length: Math.min(openAtOnce, left) }, open));
  }
  process.stdout.write('ready\n');
}

await subscribe(moduleOptions() as SubscriberOptions);
