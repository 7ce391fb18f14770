import { type Address, type AddressRange, inRange, parseAddress } from './address.ts';
import { type AllowedHost, comparableHost } from './allowed-host.ts';
import { embedded, notPublic } from './public-address.ts';

export interface EgressPolicyOptions {
  /** Undefined: every public address. Empty: nothing. */
  readonly allowedHosts: readonly AllowedHost[] | undefined;
  /** Whether addresses that are not public may be reached without being listed. */
  readonly allowPrivateNetwork: boolean;
}

/** Where a request goes: the host of its URL, without the brackets of IPv6, and the port. */
export interface Destination {
  readonly hostname: string;
  readonly port: number;
}

/**
 * Where a plugin may fetch from (contract section 7): the host of the URL matches an entry, or the address
 * connected to does; and that address is public, or covered by an entry that is an address or a range, or the
 * operator allows private networks.
 *
 * It MUST be asked about the address that is connected to, since what a name resolves to changes, and before
 * the connection is tried, since a refusal afterwards would tell which ports are open.
 */
export class EgressPolicy {
  readonly #options: EgressPolicyOptions;

  constructor(options: EgressPolicyOptions) {
    this.#options = options;
  }

  /**
   * Why nothing at this host can be reached, whatever its address: undefined when that depends. A name that no
   * entry has is not even looked up, unless it might have a listed address.
   */
  refusesHost(destination: Destination): string | undefined {
    const { allowedHosts } = this.#options;
    if (allowedHosts === undefined || this.#namesHost(destination)) return undefined;
    const ranges = allowedHosts.some((entry) => 'range' in entry && hasPort(entry, destination.port));
    return ranges ? undefined : notListed;
  }

  /** Why this address must not be connected to for this host; undefined when it may. */
  refusesAddress(destination: Destination, text: string): string | undefined {
    const address = parseAddress(text);
    if (address === undefined) return 'it is no address';
    const { allowedHosts, allowPrivateNetwork } = this.#options;
    const covered = this.#covers(address, destination.port);
    if (allowedHosts !== undefined && !covered && !this.#namesHost(destination)) return notListed;
    if (covered || allowPrivateNetwork) return undefined;
    const kind = notPublic(address);
    return kind === undefined ? undefined : `the address is not public: ${kind}`;
  }

  #namesHost({ hostname, port }: Destination): boolean {
    const name = comparableHost(hostname);
    return (this.#options.allowedHosts ?? []).some((entry) => {
      if (!('name' in entry) || !hasPort(entry, port)) return false;
      return entry.subdomains ? name.endsWith(`.${entry.name}`) : name === entry.name;
    });
  }

  /** Whether an entry has the address itself, or all the IPv4 addresses that it stands for. */
  #covers(address: Address, port: number): boolean {
    const ranges: AddressRange[] = [];
    for (const entry of this.#options.allowedHosts ?? []) {
      if ('range' in entry && hasPort(entry, port)) ranges.push(entry.range);
    }
    const listed = (one: Address): boolean => ranges.some((range) => inRange(one, range));
    const inner = embedded(address);
    return listed(address) || (inner.length > 0 && inner.every(listed));
  }
}

const notListed = 'allowed_hosts does not have it';

function hasPort(entry: AllowedHost, port: number): boolean {
  return entry.port === undefined || entry.port === port;
}
