import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { canonicalHeaderName } from '../abi/header-name.ts';
import type { EdgeRequest } from '../ext.ts';
import type { Http2Response } from './http2-response.ts';
import { fewLines, hasHeader, splitTarget } from './request.ts';

export interface HeadOptions {
  /** Largest head in bytes, counted as HTTP/1.1 would write it: 431 above it. */
  readonly maxBytes: number;
  /** Address and port of the client. */
  readonly remoteAddr: string;
}

/** Bytes of a header line besides name and value: colon, blank, CR, LF. */
const lineBytes = 4;

/**
 * Reads the head of an HTTP/2 request as `readRequest` reads that of HTTP/1.1. Gives the status of its refusal
 * instead: 400 when `:authority` and `Host` name different hosts, or the target is no path, and 431.
 */
export function readHttp2Request(
  request: Http2ServerRequest,
  response: Http2Response,
  { maxBytes, remoteAddr }: HeadOptions,
): EdgeRequest | 400 | 431 {
  const { rawHeaders } = request;
  const seen = rawHeaders.length > fewLines * 2 ? new Set<string>() : undefined;
  const headers: string[] = [];
  let size = 0;
  let method = '';
  let path = '';
  let authority: string | undefined;
  let host: string | undefined;
  let cookieAt = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const sent = rawHeaders[index] as string;
    const value = rawHeaders[index + 1] as string;
    size += sent.length + value.length + lineBytes;
    if (sent.startsWith(':')) {
      if (sent === ':method') method = value;
      else if (sent === ':path') path = value;
      else if (sent === ':authority') authority = value;
      continue;
    }
    const name = canonicalHeaderName(sent);
    if (name === 'Host') {
      if (host !== undefined) return 400;
      host = value;
    } else if (name === 'Cookie' && cookieAt > 0) {
      // A client may send each cookie in a line of its own (RFC 9113 section 8.2.3).
      headers[cookieAt] += `; ${value}`;
    } else if (!hasHeader(name, headers, seen)) {
      headers.push(name, value);
      if (name === 'Cookie') cookieAt = headers.length - 1;
      seen?.add(name);
    }
  }
  if (size > maxBytes) return 431;
  if (authority !== undefined && host !== undefined && authority.toLowerCase() !== host.toLowerCase()) {
    return 400;
  }
  const target = path.startsWith('/') || path === '*' ? splitTarget(path) : undefined;
  if (target === undefined) return 400;
  return {
    // The members that the edge and its capabilities use are those of HTTP/1.1.
    request: request as unknown as IncomingMessage,
    response: response as unknown as ServerResponse,
    method,
    path: target.path,
    query: target.query,
    host: authority ?? host ?? '',
    headers,
    remoteAddr,
    proto: 'HTTP/2.0',
    hasBody: !request.stream.endAfterHeaders,
  };
}
