import { NotAnOption } from '../option.ts';
import { type AddressRange, parseRange } from './address.ts';

/** An entry of `allowed_hosts`: a name or a range of addresses, with or without a port. */
export type AllowedHost = { readonly port: number | undefined } & (
  | { readonly name: string; readonly subdomains: boolean }
  | { readonly range: AddressRange }
);

/** Most entries of `allowed_hosts`: each is looked at for each fetch. */
export const maxAllowedHosts = 1000;

/**
 * Reads an entry: `api.example.org`, `*.example.org` (its subdomains, not itself), `10.0.0.1`, `10.0.0.0/8`,
 * `fd00::1`, `[fd00::1]`, `fd00::/8`, each but the last two forms of IPv6 with `:port` behind it; with a port,
 * IPv6 is in brackets: `[fd00::/8]:443`.
 *
 * Throws {@link NotAnOption}, which names the entry, for anything else.
 */
export function parseAllowedHost(text: string): AllowedHost {
  const refuse = (why: string): NotAnOption =>
    new NotAnOption(`${JSON.stringify(text.slice(0, 100))} is no entry for a host: ${why}`);
  if (text.length > 300) throw refuse('it is too long');
  if (/:\/\//.test(text)) throw refuse('leave the scheme out');
  const { host, port: digits } = split(text);
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && !(port >= 1 && port <= 65_535)) {
    throw refuse('a port is a number from 1 to 65535');
  }
  const range = parseRange(host);
  if (range !== undefined) return { range, port };
  if (host.includes('/')) throw refuse('a range is an address, a slash and a number of bits');
  const subdomains = host.startsWith('*.');
  const name = hostOf(subdomains ? host.slice(2) : host);
  if (name === undefined) throw refuse(`expected a name, *.name, an address or a range of addresses`);
  if (parseRange(name) !== undefined) throw refuse(`write the address as ${name}`);
  return { name, subdomains, port };
}

/** A host's name as entries and URLs are compared: one dot at its end does not count. */
export function comparableHost(hostname: string): string {
  return hostname.endsWith('.') ? hostname.slice(0, -1) : hostname;
}

/** The host and the port of an entry; a bare IPv6 address or range has no port. */
function split(text: string): { readonly host: string; readonly port: string | undefined } {
  const [, inner, bits = '', bracketPort] = /^\[([^[\]]*)\](\/\d+)?(?::([^:]*))?$/.exec(text) ?? [];
  if (inner !== undefined) {
    // Only IPv6 stands in brackets.
    return { host: inner.includes(':') ? inner + bits : '', port: bracketPort };
  }
  const [, host, port] = /^([^:]*):([^:]*)$/.exec(text) ?? [];
  return host === undefined ? { host: text, port: undefined } : { host, port: port ?? '' };
}

/** A name as a URL has it: letters lowered, other scripts as Punycode. Undefined for what is no name. */
function hostOf(text: string): string | undefined {
  // What a URL would take for something else, or drop.
  if (text === '' || /[\s/\\?#@:*%[\]]/.test(text)) return undefined;
  try {
    return comparableHost(new URL(`http://${text}/`).hostname) || undefined;
  } catch {
    return undefined;
  }
}
