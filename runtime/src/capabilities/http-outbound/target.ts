import { Buffer } from 'node:buffer';
import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';

/** Longest URL of a request, and longest `Location` that is followed, in bytes as the URL is sent. */
export const maxUrlBytes = 64 * 1024;

/** Where one request goes. */
export interface Target {
  /** An `http:` or `https:` URL without user, password and fragment. */
  readonly url: URL;
  /** The value of `Authorization` that `user:pass@` stands for. */
  readonly authorization: string | undefined;
}

/**
 * Reads a URL as browsers do, so that what is judged is what is connected to: spellings of addresses are
 * folded, names become Punycode. Bytes beyond ASCII stay the bytes that they are, percent-encoded.
 *
 * @param text A binary string: a guest's URL, or a `Location`.
 * @param base What a relative one is relative to.
 * Throws a {@link Failure} with code 4. Its message never has the URL's user, password or query.
 */
export function parseTarget(text: string, base?: URL): Target {
  if (text.length > maxUrlBytes) {
    throw refuse(`a URL of ${text.length} bytes; at most ${maxUrlBytes} are taken`);
  }
  // URL would drop tabs and line ends, and show another URL than the one that is fetched.
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) throw refuse('a control character in the URL');
  const ascii = text.replaceAll(/[^ -~]/g, percentEncoded);
  const url = URL.parse(ascii, base);
  if (url === null) throw refuse('the URL is not one');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw refuse(`the scheme ${url.protocol.slice(0, 32)} is none that is fetched; http: and https: are`);
  }
  if (url.port === '0') throw refuse('port 0 cannot be connected to');
  const authorization =
    url.username === '' && url.password === '' ? undefined : basic(url.username, url.password);
  url.username = '';
  url.password = '';
  url.hash = '';
  // Encoding made it longer.
  if (url.href.length > maxUrlBytes) {
    throw refuse(`a URL of ${url.href.length} bytes as it is sent; at most ${maxUrlBytes} are taken`);
  }
  return { url, authorization };
}

/** What stands behind the method on the first line of the request. */
export function requestPath(url: URL): string {
  return url.href.slice(url.origin.length);
}

/** The host without the brackets of IPv6, and the port. */
export function destinationOf(url: URL): { readonly hostname: string; readonly port: number } {
  const { hostname, port, protocol } = url;
  return {
    hostname: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  };
}

function refuse(reason: string): Failure {
  return new Failure(Code.refused, reason);
}

function percentEncoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** RFC 7617, from the two parts as URL gives them: percent-encoded bytes. */
function basic(user: string, password: string): string {
  const pair = `${decodeBytes(user)}:${decodeBytes(password)}`;
  return `Basic ${Buffer.from(pair, 'latin1').toString('base64')}`;
}

/** Percent-decoding to a binary string; a percent sign that begins no byte stays. */
function decodeBytes(text: string): string {
  return text.replaceAll(/%([\da-f]{2})/gi, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
