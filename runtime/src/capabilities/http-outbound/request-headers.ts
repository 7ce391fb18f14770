import { Code } from '../../abi/codes.ts';
import type { HeaderField } from '../../abi/field.ts';
import { canonicalHeaderName, isHeaderName, isHeaderValue } from '../../abi/header-name.ts';
import { Failure } from '../../ext.ts';
import { acceptedCodings } from './decode-body.ts';

/** Bytes of all header names and values of a request. */
export const maxRequestHeaderBytes = 64 * 1024;
/** Header lines of a request. */
export const maxRequestHeaders = 1000;

/** One line: a name and a value as they are sent, binary strings. */
export type HeaderLine = readonly [name: string, value: string];

export interface RequestHeaders {
  readonly lines: readonly HeaderLine[];
  /** Whether the host asked for compression, and so undoes it. */
  readonly decode: boolean;
}

export interface RequestHeadersOptions {
  /** From the URL; a header of the guest's own wins. */
  readonly authorization: string | undefined;
  readonly userAgent: string;
}

/**
 * Headers about one connection and its framing, which is the host's: RFC 9110 section 7.6.1, and what a plugin
 * that forwards the headers of its own request would break this one with.
 */
const dropped: ReadonlySet<string> = new Set([
  'Host',
  'Content-Length',
  'Expect',
  'Connection',
  'Keep-Alive',
  'Te',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
]);

/**
 * The headers of a request, from what the guest gave (contract section 5). Throws a {@link Failure} with code 4
 * for a name or a value that HTTP forbids, and for too many or too long ones.
 */
export function requestHeaders(
  given: readonly HeaderField[],
  { authorization, userAgent }: RequestHeadersOptions,
): RequestHeaders {
  check(given);
  const canonical = given.map(([name, values]) => ({ name, values, canonical: canonicalHeaderName(name) }));
  const listed = canonical.flatMap((header) => (header.canonical === 'Connection' ? header.values : []));
  const named = new Set(
    listed.flatMap((value) => value.split(',')).map((token) => canonicalHeaderName(token.trim())),
  );
  const kept = canonical.filter(
    (header) =>
      !dropped.has(header.canonical) &&
      !header.canonical.startsWith('Proxy-') &&
      !named.has(header.canonical) &&
      // As Go: an empty one says that there should be none.
      !(header.canonical === 'User-Agent' && header.values.join('') === ''),
  );
  const lines = kept.flatMap(({ name, values }) => values.map((value): HeaderLine => [name, value]));
  const has = (name: string): boolean => kept.some((header) => header.canonical === name);
  if (!canonical.some((header) => header.canonical === 'User-Agent')) lines.push(['User-Agent', userAgent]);
  if (authorization !== undefined && !has('Authorization')) lines.push(['Authorization', authorization]);
  if (has('Accept-Encoding')) return { lines, decode: false };
  // A part of a compressed body cannot be undone.
  if (has('Range')) return { lines: [...lines, ['Accept-Encoding', 'identity']], decode: false };
  return { lines: [...lines, ['Accept-Encoding', acceptedCodings]], decode: true };
}

function check(given: readonly HeaderField[]): void {
  let count = 0;
  let bytes = 0;
  for (const [name, values] of given) {
    if (!isHeaderName(name)) {
      throw refuse(`a header name that HTTP forbids: ${JSON.stringify(name.slice(0, 64))}`);
    }
    for (const value of values) {
      if (!isHeaderValue(value)) throw refuse(`a value that HTTP forbids in the header ${name.slice(0, 64)}`);
      count += 1;
      bytes += name.length + value.length;
    }
  }
  if (count > maxRequestHeaders) {
    throw refuse(`${count} header lines; at most ${maxRequestHeaders} are sent`);
  }
  if (bytes > maxRequestHeaderBytes) {
    throw refuse(`headers of ${bytes} bytes; at most ${maxRequestHeaderBytes} are sent`);
  }
}

function refuse(reason: string): Failure {
  return new Failure(Code.refused, reason);
}
