import { type Address, type AddressRange, inRange, parseRange } from './address.ts';

/**
 * Why an address is not public, as a word or two such as `loopback`; undefined for a public one.
 *
 * Public is what the special-purpose registries of IANA do not take out of global unicast, less the metadata
 * services of clouds. An IPv6 address that stands for an IPv4 one is judged by that.
 */
export function notPublic(address: Address): string | undefined {
  const own = inRange(address, teredo) ? undefined : special.find((entry) => inRange(address, entry.range));
  if (own !== undefined) return own.kind;
  const inner = embedded(address);
  if (inner.length > 0) {
    return inner.map(notPublic).find((kind) => kind !== undefined);
  }
  return address.length === 4 || inRange(address, globalUnicast) ? undefined : 'reserved';
}

/** The IPv4 addresses that an IPv6 address stands for: through a translator or a tunnel it would reach those. */
export function embedded(address: Address): readonly Address[] {
  const form = transitions.find(({ range }) => inRange(address, range));
  return form === undefined
    ? []
    : form.places.map((places) => places.map((at) => address[at] ?? 0)).map(form.read);
}

function rangeOf(text: string): AddressRange {
  const parsed = parseRange(text);
  if (parsed === undefined) throw new Error(`${text} is not a range of addresses`);
  return parsed;
}

const globalUnicast = rangeOf('2000::/3');
const teredo = rangeOf('2001::/32');

/** First match counts. RFC 6890 and the registries that it began, as of 2025. */
const special: readonly { readonly range: AddressRange; readonly kind: string }[] = (
  [
    ['0.0.0.0/8', 'unspecified'],
    ['10.0.0.0/8', 'private'],
    ['100.64.0.0/10', 'shared by a carrier'],
    ['127.0.0.0/8', 'loopback'],
    ['169.254.0.0/16', 'link-local'],
    ['172.16.0.0/12', 'private'],
    ['192.0.0.0/24', 'reserved'],
    ['192.0.2.0/24', 'for documentation'],
    ['192.88.99.0/24', 'reserved'],
    ['192.168.0.0/16', 'private'],
    ['198.18.0.0/15', 'for benchmarks'],
    ['198.51.100.0/24', 'for documentation'],
    ['203.0.113.0/24', 'for documentation'],
    ['224.0.0.0/4', 'multicast'],
    ['255.255.255.255/32', 'broadcast'],
    ['240.0.0.0/4', 'reserved'],
    // Azure's platform address answers inside every virtual network though it is a public one.
    ['168.63.129.16/32', 'cloud metadata'],
    ['::/128', 'unspecified'],
    ['::1/128', 'loopback'],
    ['fc00::/7', 'unique-local'],
    ['fe80::/10', 'link-local'],
    ['fec0::/10', 'site-local'],
    ['ff00::/8', 'multicast'],
    ['2001:db8::/32', 'for documentation'],
    ['3fff::/20', 'for documentation'],
    // Protocols, not hosts. Teredo, which is in it, is judged by the addresses within.
    ['2001::/23', 'reserved'],
  ] as const
).map(([text, kind]) => ({ range: rangeOf(text), kind }));

interface Transition {
  readonly range: AddressRange;
  /** Where the bytes of the IPv4 addresses are. */
  readonly places: readonly (readonly number[])[];
  readonly read: (bytes: Address, index: number) => Address;
}

const plain = (bytes: Address): Address => bytes;
const last = [12, 13, 14, 15];

const transitions: readonly Transition[] = [
  // IPv4-compatible, RFC 4291 section 2.5.5.1.
  { range: rangeOf('::/96'), places: [last], read: plain },
  // NAT64, RFC 6052.
  { range: rangeOf('64:ff9b::/96'), places: [last], read: plain },
  // NAT64 of a site's own, RFC 8215: which of the prefix lengths it uses cannot be seen, so both must do.
  { range: rangeOf('64:ff9b:1::/48'), places: [[6, 7, 9, 10], last], read: plain },
  // 6to4, RFC 3056.
  { range: rangeOf('2002::/16'), places: [[2, 3, 4, 5]], read: plain },
  // Teredo, RFC 4380: the server as it is, the client with its bits turned round.
  {
    range: teredo,
    places: [[4, 5, 6, 7], last],
    read: (bytes, index) => (index === 0 ? bytes : bytes.map((byte) => byte ^ 0xff)),
  },
];
