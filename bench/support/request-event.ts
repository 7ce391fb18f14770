import { encodeHttpRequest } from '../../runtime/src/abi/events.ts';
import { Writer } from '../../runtime/src/abi/msgpack/writer.ts';

export interface RequestEvent {
  readonly id: number;
  readonly method: string;
  readonly path: string;
  readonly body: Uint8Array;
}

/** The event of a request, as the edge writes it. */
export function requestEvent({ id, method, path, body }: RequestEvent): Uint8Array {
  const writer = new Writer();
  encodeHttpRequest(writer, {
    id,
    method,
    path,
    params: [],
    query: [],
    headers: ['Content-Type', 'application/octet-stream', 'Content-Length', String(body.length)],
    body,
    host: '127.0.0.1',
    remoteAddr: '127.0.0.1:40000',
    proto: 'HTTP/1.1',
    rawPath: path,
  });
  return writer.take();
}
