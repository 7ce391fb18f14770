/** HTTP/2 connections without a network, for tests. */
import { type ClientHttp2Session, connect } from 'node:http2';
import { duplexPair } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { TestContext } from 'node:test';
import type { EdgeRequest } from '../ext.ts';
import { headLimits } from './head-limits.ts';
import { Http2Connection, type Http2ConnectionOptions } from './http2-connection.ts';
import type { Http2Response } from './http2-response.ts';

export interface Joined {
  readonly client: ClientHttp2Session;
  readonly connection: Http2Connection;
  /** The requests that were served, in their order. */
  readonly served: EdgeRequest[];
  /** The code of the GOAWAY that the client got. */
  goaway: number | undefined;
  /** Waits until the client's end is over. */
  readonly closed: Promise<void>;
  /** Waits for the next request. */
  next(): Promise<{ readonly incoming: EdgeRequest; readonly response: Http2Response }>;
}

/** Joins a client and a connection. What the connection serves is the test's to answer. */
export function joined(t: TestContext, options: Partial<Http2ConnectionOptions> = {}): Joined {
  const [near, far] = duplexPair();
  const served: EdgeRequest[] = [];
  let taken = 0;
  let wake = Promise.withResolvers<void>();
  // An HTTP/2 session asks no more of its socket than of any stream.
  const connection = new Http2Connection(far as unknown as TLSSocket, headLimits(0), {
    headerTimeoutMs: 1000,
    bodyTimeoutMs: 2000,
    writeTimeoutMs: 3000,
    keepAliveMs: 4000,
    serve: (incoming) => {
      served.push(incoming);
      wake.resolve();
      wake = Promise.withResolvers();
    },
    ...options,
  });
  const client = connect('https://localhost', { createConnection: () => near });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  client.on('error', () => undefined);
  client.on('close', resolve);
  t.after(() => {
    client.destroy();
    connection.destroy();
  });
  const all: Joined = {
    client,
    connection,
    served,
    goaway: undefined,
    closed,
    next: async () => {
      for (;;) {
        const incoming = served[taken];
        if (incoming !== undefined) {
          taken += 1;
          return { incoming, response: incoming.response as unknown as Http2Response };
        }
        await wake.promise;
      }
    },
  };
  client.on('goaway', (code) => {
    all.goaway = code;
  });
  return all;
}

/** Lets both ends say what they have to say. */
export async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
