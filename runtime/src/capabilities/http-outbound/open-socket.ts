import type { LookupAddress } from 'node:dns';
import { type LookupFunction, type Socket, connect as connectTcp, isIP } from 'node:net';
import { type SecureContext, connect as connectTls } from 'node:tls';
import type { Destination, EgressPolicy } from './egress-policy.ts';
import { EgressRefusal } from './egress-refusal.ts';

/** What a name resolves to. Rejects when it does not. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

export interface OpenSocketOptions {
  readonly policy: EgressPolicy;
  readonly resolve: Resolve;
  /** What a server's certificate is held against; undefined for a connection without TLS. */
  readonly secureContext: SecureContext | undefined;
}

/** How much is read at once, in bytes. */
const readBytes = 64 * 1024;

/**
 * Begins a connection: to an allowed address, or to none. A literal is judged here; a name when it has been
 * resolved, and only the addresses that passed are tried, so between judging and connecting nothing can change.
 *
 * Throws {@link EgressRefusal} for a literal; for a name the socket's `error` is one.
 */
export function openSocket(destination: Destination, options: OpenSocketOptions): Socket {
  const { hostname, port } = destination;
  if (isIP(hostname) !== 0) {
    const refusal = options.policy.refusesAddress(destination, hostname);
    if (refusal !== undefined) throw new EgressRefusal(refusal);
  }
  const target = {
    host: hostname,
    port,
    noDelay: true,
    highWaterMark: readBytes,
    lookup: allowedAddresses(destination, options),
    autoSelectFamily: true,
  };
  const { secureContext } = options;
  if (secureContext === undefined) return connectTcp(target);
  return connectTls({
    ...target,
    secureContext,
    ALPNProtocols: ['http/1.1'],
    // No environment variable turns this off.
    rejectUnauthorized: true,
    ...(isIP(hostname) === 0 ? { servername: hostname.replace(/\.$/, '') } : {}),
  });
}

function allowedAddresses(destination: Destination, { policy, resolve }: OpenSocketOptions): LookupFunction {
  return (hostname, { all }, callback) => {
    const judge = async (): Promise<LookupAddress[]> => {
      const addresses = await resolve(hostname);
      const judged = addresses.map((entry) => ({
        entry,
        refusal: policy.refusesAddress(destination, entry.address),
      }));
      const allowed = judged.filter(({ refusal }) => refusal === undefined).map(({ entry }) => entry);
      if (allowed.length > 0) return allowed;
      const [first] = judged;
      throw new EgressRefusal(
        first === undefined ? 'the name has no address' : `${first.entry.address}: ${first.refusal}`,
      );
    };
    judge().then(
      (allowed) => {
        const [first] = allowed;
        if (all === true) callback(null, allowed);
        else callback(null, first?.address ?? '', first?.family);
      },
      (error: Error) => callback(error, ''),
    );
  };
}
