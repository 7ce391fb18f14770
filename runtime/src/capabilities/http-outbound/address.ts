import { isIPv4, isIPv6 } from 'node:net';

/**
 * An IP address as its bytes, 4 or 16 of them. An IPv4-mapped one (`::ffff:a.b.c.d`) is the IPv4 address that
 * it is on the wire.
 */
export type Address = readonly number[];

/** All addresses that begin with the same bits. */
export interface AddressRange {
  readonly address: Address;
  /** How many bits of it count. */
  readonly bits: number;
}

const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Reads an address as the system and URLs write it, with or without a zone; undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  if (isIPv4(text)) return text.split('.').map(Number);
  if (!isIPv6(text)) return undefined;
  const [plain = ''] = text.split('%');
  const bytes = parseIPv6(plain);
  return mappedPrefix.every((byte, index) => bytes[index] === byte) ? bytes.slice(12) : bytes;
}

/** Reads `10.0.0.0/8` or `fd00::/8`; a single address is a range of itself. Undefined for anything else. */
export function parseRange(text: string): AddressRange | undefined {
  const [, base = '', suffix] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseAddress(base);
  if (address === undefined) return undefined;
  const width = isIPv4(base) ? 32 : 128;
  const bits = suffix === undefined ? width : Number(suffix);
  if (bits > width) return undefined;
  // `::ffff:10.0.0.0/104` is `10.0.0.0/8`; what is wider than the mapped addresses is no range of IPv4.
  if (width === 128 && address.length === 4) {
    return bits < 96 ? { address: [...mappedPrefix, ...address], bits } : { address, bits: bits - 96 };
  }
  return { address, bits };
}

/** Whether the range has the address. IPv4 and IPv6 never meet. */
export function inRange(address: Address, range: AddressRange): boolean {
  if (address.length !== range.address.length) return false;
  for (let at = 0, left = range.bits; left > 0; at++, left -= 8) {
    const differing = (address[at] ?? 0) ^ (range.address[at] ?? 0);
    if (differing >> Math.max(0, 8 - left) !== 0) return false;
  }
  return true;
}

/** Groups of 16 bits, `::` as many zeros as are missing; isIPv6 has looked at the form. */
function parseIPv6(text: string): number[] {
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const plain = dotted === null ? text : text.slice(0, dotted.index) + hexGroups(dotted.slice(1).map(Number));
  const [head = '', tail] = plain.split('::');
  const front = groups(head);
  const back = groups(tail ?? '');
  const zeros = Array.from<number>({ length: 8 - front.length - back.length }).fill(0);
  return [...front, ...zeros, ...back].flatMap((group) => [group >> 8, group & 0xff]);
}

function groups(part: string): number[] {
  return part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
}

function hexGroups([a = 0, b = 0, c = 0, d = 0]: readonly number[]): string {
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}
