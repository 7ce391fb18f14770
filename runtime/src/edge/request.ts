import { Buffer } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { canonicalHeaderName } from '../abi/header-name.ts';
import type { EdgeRequest } from '../ext.ts';

/** Beyond so many header lines names are looked up in a set, so that a flood of them stays linear. */
export const fewLines = 32;

const remoteAddress = Symbol('remote address');

/**
 * Reads the head of a request: one pass over its raw header lines. Gives undefined when the request has two
 * `Host` headers or a target that is neither a path nor an absolute URL. Hot.
 */
export function readRequest(request: IncomingMessage, response: ServerResponse): EdgeRequest | undefined {
  const target = splitTarget(request.url ?? '');
  if (target === undefined) return undefined;
  const { rawHeaders } = request;
  const seen = rawHeaders.length > fewLines * 2 ? new Set<string>() : undefined;
  const headers: string[] = [];
  let host: string | undefined;
  let hasBody = false;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = canonicalHeaderName(rawHeaders[index] as string);
    if (name === 'Host') {
      if (host !== undefined) return undefined;
      host = rawHeaders[index + 1] as string;
    } else if (name === 'Transfer-Encoding') {
      hasBody = true;
    } else if (!hasHeader(name, headers, seen)) {
      const value = rawHeaders[index + 1] as string;
      if (name === 'Content-Length' && value !== '0') hasBody = true;
      headers.push(name, value);
      seen?.add(name);
    }
  }
  return {
    request,
    response,
    method: request.method ?? 'GET',
    path: target.path,
    query: target.query,
    host: target.authority ?? host ?? '',
    headers,
    remoteAddr: addressOf(request.socket),
    proto: request.httpVersion === '1.1' ? 'HTTP/1.1' : `HTTP/${request.httpVersion}`,
    hasBody,
  };
}

/**
 * Lets go of the head of a request that has been read: its answer may have to wait for others, and for long. What is
 * left of its target is enough for the log.
 */
export function releaseHead(request: IncomingMessage): void {
  request.rawHeaders = noLines;
  request.headers = noHeaders;
  const { url = '' } = request;
  // A part of a string keeps the whole of it, so it has to be made anew.
  if (url.length > keptUrl) request.url = Buffer.from(url.slice(0, keptUrl), 'latin1').toString('latin1');
}

const noLines: string[] = [];
const noHeaders = {};
/** Characters of a target that are kept. */
const keptUrl = 1024;

/** Whether a list of names and values in turn has a name. `seen` has all of its names, where there are many. */
export function hasHeader(
  name: string,
  headers: readonly string[],
  seen: ReadonlySet<string> | undefined,
): boolean {
  if (seen !== undefined) return seen.has(name);
  for (let index = 0; index < headers.length; index += 2) if (headers[index] === name) return true;
  return false;
}

export interface Target {
  readonly path: string;
  readonly query: string;
  readonly authority?: string;
}

/** Splits a request target (RFC 9112 section 3.2): origin form, absolute form, or the asterisk of OPTIONS. */
export function splitTarget(url: string): Target | undefined {
  let rest = url;
  let authority: string | undefined;
  if (!url.startsWith('/')) {
    const absolute = /^https?:\/\/([^/?#]*)(.*)$/is.exec(url);
    if (absolute === null) return url === '*' ? { path: '*', query: '' } : undefined;
    authority = absolute[1] ?? '';
    rest = absolute[2] ?? '';
    if (!rest.startsWith('/')) rest = `/${rest}`;
  }
  // A fragment has no business in a target; what stands behind one is not for the plugin.
  const end = rest.indexOf('#');
  if (end >= 0) rest = rest.slice(0, end);
  const mark = rest.indexOf('?');
  const path = mark < 0 ? rest : rest.slice(0, mark);
  const query = mark < 0 ? '' : rest.slice(mark + 1);
  return authority === undefined ? { path, query } : { path, query, authority };
}

/** Address and port of a client. Asking a socket costs a system call, so it is asked once. */
export function addressOf(socket: Socket & { [remoteAddress]?: string }): string {
  const known = socket[remoteAddress];
  if (known !== undefined) return known;
  const { remoteAddress: address = '', remotePort = 0 } = socket;
  const text = address.includes(':') ? `[${address}]:${remotePort}` : `${address}:${remotePort}`;
  socket[remoteAddress] = text;
  return text;
}
