import { lookup } from 'node:dns/promises';
import { Code } from '../../abi/codes.ts';
import { isHeaderName } from '../../abi/header-name.ts';
import { decodeHttpFetchRequest } from '../../abi/structs.ts';
import { version } from '../../cli/version.ts';
import { Failure, type GuestContext, type GuestEnd, type Log } from '../../ext.ts';
import { parseAllowedHost } from './allowed-host.ts';
import { boundLookups } from './bound-lookups.ts';
import { EgressPolicy } from './egress-policy.ts';
import type { Fetcher } from './fetch.ts';
import { type Options, maxTimeoutMs } from './options.ts';
import type { Resolve } from './open-socket.ts';
import type { Hop } from './redirect.ts';
import { encodeReply } from './reply.ts';
import { requestHeaders } from './request-headers.ts';
import { parseTarget } from './target.ts';

/** Fetches of one plugin at a time: each may hold a body of `max_body_bytes` in the host's memory. */
export const maxFetches = 16;

/** Names of one plugin that are looked up at a time, those among them whose fetch has ended. */
const maxLookups = 16;

/** A plugin that tries refused destinations again and again is said so once in so many milliseconds. */
const refusalEveryMs = 1000;

const userAgent = `Pulp/${version()}`;

type Functions = { readonly http_fetch: { readonly params: readonly ['in', 'out']; readonly waits: true } };

/** What tests put in the place of the system's. */
export interface GuestOverrides {
  readonly resolve?: Resolve;
}

/** The only end: it checks what the guest says, and makes the request in the plugin's thread. */
export function guest(
  context: GuestContext<Options>,
  { resolve = systemResolve }: GuestOverrides = {},
): GuestEnd<Functions> {
  const { options, log, allowPrivateNetwork } = context;
  const policy = new EgressPolicy({
    allowedHosts: options.allowed_hosts?.map(parseAllowedHost),
    allowPrivateNetwork,
  });
  const refused = refusals(log);
  let fetcher: Promise<Fetcher> | undefined;
  // Only now: undici takes 0.1 s to load, and a plugin may never fetch.
  const load = async (): Promise<Fetcher> => {
    const { Fetcher: Loaded } = await import('./fetch.ts');
    const loaded = new Loaded({
      policy,
      resolve: boundLookups(resolve, maxLookups),
      log,
      refused,
      ref: () => context.ref(),
      maxBodyBytes: options.max_body_bytes,
      maxRedirects: options.max_redirects,
    });
    context.scope.defer(() => loaded.close());
    return loaded;
  };
  let running = 0;
  return {
    functions: {
      async http_fetch(bytes) {
        if (running >= maxFetches) {
          throw new Failure(Code.refused, `${maxFetches} fetches are on their way already`);
        }
        running += 1;
        try {
          const { hop, decode, timeoutMs } = read(bytes, options);
          fetcher ??= load();
          return encodeReply(await (await fetcher).fetch(hop, { decode, timeoutMs }));
        } finally {
          running -= 1;
        }
      },
    },
  };
}

interface Request {
  readonly hop: Hop;
  readonly decode: boolean;
  readonly timeoutMs: number;
}

/** What the guest asks for, checked. Throws a {@link Failure} with code 3 or 4. */
function read(bytes: Uint8Array, options: Options): Request {
  const request = decodeHttpFetchRequest(bytes);
  const { method: given, body, timeout } = request;
  if (given !== '' && !isHeaderName(given)) {
    throw new Failure(Code.refused, `${JSON.stringify(given.slice(0, 64))} is not an HTTP method`);
  }
  // Only now: in upper case some letters beyond ASCII become letters of ASCII.
  const method = given === '' ? 'GET' : given.toUpperCase();
  if (method === 'CONNECT') throw new Failure(Code.refused, 'CONNECT asks for a tunnel, not for an answer');
  if (body.length > options.max_request_body_bytes) {
    throw new Failure(
      Code.refused,
      `a body of ${body.length} bytes; at most ${options.max_request_body_bytes} are sent`,
    );
  }
  const { url, authorization } = parseTarget(request.url);
  const { lines, decode } = requestHeaders(request.headers, { authorization, userAgent });
  const asked = Math.min(Math.ceil(timeout / 1_000_000), maxTimeoutMs);
  return {
    hop: { url, method, headers: lines, body },
    decode,
    // As Go: less than none is the default, too.
    timeoutMs: timeout > 0 ? asked : options.timeout_ms,
  };
}

const systemResolve: Resolve = (hostname) => lookup(hostname, { all: true });

/** Says at the most once a second which destination was refused, and how many were not said since. */
function refusals(log: Log): (origin: string, reason: string) => void {
  let next = 0;
  let unsaid = 0;
  return (origin, reason) => {
    const now = performance.now();
    if (now < next) {
      unsaid += 1;
      return;
    }
    log.warn('fetch refused', { origin, reason, ...(unsaid > 0 ? { unsaid } : {}) });
    next = now + refusalEveryMs;
    unsaid = 0;
  };
}
