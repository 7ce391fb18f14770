import { Buffer } from 'node:buffer';

/** Names that clients, proxies and plugins send all the time, in canonical form. */
const commonNames: readonly string[] = [
  'Accept',
  'Accept-Charset',
  'Accept-Encoding',
  'Accept-Language',
  'Accept-Ranges',
  'Access-Control-Allow-Credentials',
  'Access-Control-Allow-Headers',
  'Access-Control-Allow-Methods',
  'Access-Control-Allow-Origin',
  'Access-Control-Expose-Headers',
  'Access-Control-Max-Age',
  'Access-Control-Request-Headers',
  'Access-Control-Request-Method',
  'Age',
  'Allow',
  'Authorization',
  'Cache-Control',
  'Connection',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-Location',
  'Content-Range',
  'Content-Security-Policy',
  'Content-Type',
  'Cookie',
  'Date',
  'Dnt',
  'Etag',
  'Expect',
  'Expires',
  'Forwarded',
  'From',
  'Host',
  'If-Match',
  'If-Modified-Since',
  'If-None-Match',
  'If-Range',
  'If-Unmodified-Since',
  'Keep-Alive',
  'Last-Event-Id',
  'Last-Modified',
  'Link',
  'Location',
  'Origin',
  'Pragma',
  'Priority',
  'Proxy-Authorization',
  'Proxy-Connection',
  'Range',
  'Referer',
  'Referrer-Policy',
  'Retry-After',
  'Sec-Ch-Ua',
  'Sec-Ch-Ua-Mobile',
  'Sec-Ch-Ua-Platform',
  'Sec-Fetch-Dest',
  'Sec-Fetch-Mode',
  'Sec-Fetch-Site',
  'Sec-Fetch-User',
  'Sec-Websocket-Extensions',
  'Sec-Websocket-Key',
  'Sec-Websocket-Protocol',
  'Sec-Websocket-Version',
  'Server',
  'Set-Cookie',
  'Strict-Transport-Security',
  'Te',
  'Traceparent',
  'Tracestate',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
  'Upgrade-Insecure-Requests',
  'User-Agent',
  'Vary',
  'Via',
  'Www-Authenticate',
  'X-Api-Key',
  'X-Content-Type-Options',
  'X-Correlation-Id',
  'X-Csrf-Token',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Port',
  'X-Forwarded-Proto',
  'X-Frame-Options',
  'X-Real-Ip',
  'X-Request-Id',
  'X-Requested-With',
];

/** How many names are remembered at the most, the common ones included. */
export const maxNames = 1024;
/** Longer names are not remembered, in characters. */
const maxNameLength = 64;

/**
 * Canonical header names, remembered by the form in which they were sent. Peers choose the names, so the memory
 * is bounded: the common ones stay for ever, the others share what is left, and are all forgotten when it is
 * full, which keeps a flood of random names from locking out those that a client really uses.
 */
export class HeaderNames {
  readonly #common = new Map<string, string>();
  readonly #recent = new Map<string, string>();

  constructor() {
    for (const name of commonNames) {
      this.#common.set(name, name);
      this.#common.set(name.toLowerCase(), name);
    }
  }

  /** How many names are remembered: at most {@link maxNames}. */
  get size(): number {
    return this.#common.size + this.#recent.size;
  }

  /** See {@link canonicalHeaderName}. */
  canonical(name: string): string {
    return this.#common.get(name) ?? this.#recent.get(name) ?? this.#learn(name);
  }

  #learn(name: string): string {
    if (!isHeaderName(name)) return name;
    const canonical = name.toLowerCase().replaceAll(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
    if (name.length > maxNameLength) return canonical;
    if (this.size >= maxNames) this.#recent.clear();
    // A slice keeps the string alive that it was taken from, here up to 64 KiB of headers: remember a copy.
    const copy = Buffer.from(name, 'latin1').toString('latin1');
    this.#recent.set(copy, canonical === copy ? copy : canonical);
    return canonical;
  }
}

const names = new HeaderNames();

/**
 * A header name in the form that guests see (contract section 5) and that Go's `net/textproto` calls canonical:
 * the first letter and each one behind a hyphen upper-case, the others lower-case, so `Content-Type`,
 * `X-Request-Id`, `Etag`. A name that is not a token (RFC 9110 section 5.6.2) comes back unchanged.
 *
 * Hot: one for each header of each request.
 */
export function canonicalHeaderName(name: string): string {
  return names.canonical(name);
}

const tokenCharacters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const isToken = new Uint8Array(256);
for (const character of tokenCharacters) isToken[character.charCodeAt(0)] = 1;

/**
 * Whether `name` can be a header's name, or a method: a token of RFC 9110 section 5.6.2. Anything else MUST NOT
 * be written to a connection: CR and LF in it would begin a header, or a whole message, of a plugin's making.
 */
export function isHeaderName(name: string): boolean {
  for (let at = 0; at < name.length; at++) if (isToken[name.charCodeAt(at)] !== 1) return false;
  return name.length > 0;
}

/**
 * Whether a binary string can be a header's value: no control character but tab, no DEL (RFC 9110 section 5.5),
 * and no character above 0xff, which is no byte. Blanks at the ends are allowed. Anything else MUST NOT be
 * written to a connection, for the reason given at {@link isHeaderName}.
 */
export function isHeaderValue(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff) return false;
  }
  return true;
}
