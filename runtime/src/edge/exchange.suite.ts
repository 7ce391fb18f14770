/** A request and its response without a network, for tests. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import type { EdgeRequest } from '../ext.ts';
import { readRequest } from './request.ts';

export interface Exchange {
  readonly incoming: EdgeRequest;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What was sent so far. */
  readonly sent: () => string;
}

/** An exchange whose request has this method and these header lines, names and values in turn. */
export function exchange(method = 'GET', lines: readonly string[] = []): Exchange {
  const request = new IncomingMessage(new Socket());
  request.method = method;
  request.url = '/';
  request.httpVersion = '1.1';
  request.httpVersionMajor = 1;
  request.httpVersionMinor = 1;
  request.rawHeaders = [...lines];
  const response = new ServerResponse(request);
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  response.assignSocket(sink as Socket);
  const incoming = readRequest(request, response);
  if (incoming === undefined) throw new Error('the request is refused');
  return { incoming, request, response, sent: () => Buffer.concat(chunks).toString('latin1') };
}
