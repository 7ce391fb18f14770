import { canonicalHeaderName } from '../../abi/header-name.ts';
import type { HeaderLine } from './request-headers.ts';
import { parseTarget } from './target.ts';

/** One request of an exchange: the guest's own, or the one that a redirect leads to. */
export interface Hop {
  readonly url: URL;
  readonly method: string;
  readonly headers: readonly HeaderLine[];
  readonly body: Uint8Array;
}

const noBody = new Uint8Array(0);

/** Headers that are for the host that they were given for, and no other. */
const secrets: ReadonlySet<string> = new Set(['Authorization', 'Cookie']);

/** Headers that describe a body, and go with it (Fetch standard, "request-body-header name"). */
const aboutBody: ReadonlySet<string> = new Set([
  'Content-Encoding',
  'Content-Language',
  'Content-Location',
  'Content-Type',
]);

/** Whether a status says that the answer is elsewhere. 300, 304 and 305 do not. */
export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/**
 * The request that follows a redirect, as Go makes it: 301, 302 and 303 turn every method but HEAD into GET
 * without a body, 307 and 308 repeat method and body. `Authorization` and `Cookie` go along only to the same
 * host and port, and never from https to http.
 *
 * @param location The header's value, a binary string; it may be relative.
 * Throws a {@link Failure} with code 4 for a location that cannot be fetched.
 */
export function follow(hop: Hop, status: number, location: string): Hop {
  const { url, authorization } = parseTarget(location, hop.url);
  const repeats = status === 307 || status === 308;
  const downgrade = hop.url.protocol === 'https:' && url.protocol === 'http:';
  const sameHost = url.host === hop.url.host && !downgrade;
  const headers = hop.headers.filter(([name]) => {
    const canonical = canonicalHeaderName(name);
    if (!sameHost && secrets.has(canonical)) return false;
    return repeats || !aboutBody.has(canonical);
  });
  const authorized = headers.some(([name]) => canonicalHeaderName(name) === 'Authorization');
  return {
    url,
    method: repeats || hop.method === 'HEAD' ? hop.method : 'GET',
    headers:
      authorization === undefined || authorized ? headers : [...headers, ['Authorization', authorization]],
    body: repeats ? hop.body : noBody,
  };
}
