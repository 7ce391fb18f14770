import assert from 'node:assert/strict';
import { RawConnection, type RawResponse } from './raw-http.ts';
import type { Scope } from './scope.ts';

export interface ManyRequests {
  readonly port: number;
  readonly connections: number;
  readonly requests: number;
  /** The bytes of the request with this number, as a binary string. */
  request(number: number): string;
  /** The body that it has to be answered with, or a function that looks at it. */
  body(number: number): string | ((body: string) => boolean);
}

/** Makes requests over connections that are kept, one at a time on each, and checks every answer. */
export async function manyRequests(t: Scope, options: ManyRequests): Promise<void> {
  const { port, connections, requests } = options;
  let next = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const connection = await RawConnection.open(t, port);
      while (next < requests) {
        const number = next++;
        connection.send(options.request(number));
        check(await connection.response(), options.body(number), number);
      }
    }),
  );
}

function check(
  { status, body }: RawResponse,
  wanted: ReturnType<ManyRequests['body']>,
  number: number,
): void {
  const text = body.toString('latin1');
  assert.equal(status, 200, `request ${number} gave ${status} ${text}`);
  if (typeof wanted === 'string') assert.equal(text, wanted, `request ${number}`);
  else assert.ok(wanted(text), `request ${number} was answered with ${text}`);
}
