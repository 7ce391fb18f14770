import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** What a fake server is told: the words of the commands that came at once, and where to answer. */
export type Answer = (words: readonly string[], socket: Socket) => unknown;

/** A server on loopback that answers as a test wants. */
export class FakeRedis {
  readonly url: URL;
  readonly sockets: Socket[] = [];
  answer: Answer;

  private constructor(port: number, answer: Answer) {
    this.url = new URL(`redis://127.0.0.1:${port}`);
    this.answer = answer;
  }

  static async start(t: TestContext, answer: Answer): Promise<FakeRedis> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const fake = new FakeRedis((server.address() as AddressInfo).port, answer);
    server.on('connection', (socket) => {
      fake.sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (data: Buffer) => fake.answer(wordsOf(data), socket));
    });
    t.after(() => {
      for (const socket of fake.sockets) socket.destroy();
      server.close();
    });
    return fake;
  }

  /** Connections that are open. */
  get open(): number {
    return this.sockets.filter(({ destroyed }) => !destroyed).length;
  }
}

/** A value as Redis sends it. */
export function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

/** What Redis says to `subscribe` and `unsubscribe`, and when a message comes. */
export function push(
  kind: 'subscribe' | 'unsubscribe' | 'message',
  channel: string,
  last = ':1\r\n',
): string {
  return `*3\r\n${bulk(kind)}${bulk(channel)}${last}`;
}

/** The words of commands: lengths stand on every other line. */
function wordsOf(data: Buffer): readonly string[] {
  return data
    .toString()
    .split('\r\n')
    .filter((line) => line !== '' && !/^[*$]\d+$/.test(line));
}
