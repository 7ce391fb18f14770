import type { EdgeContext, EdgeEnd } from '../../ext.ts';
import { noteAllowed, notAllowed } from '../../edge/not-allowed.ts';
import { decodePercent, hasEncodedSlash } from '../../edge/percent.ts';
import { FanOut } from './fan-out.ts';
import type { SseOptions } from './options.ts';
import { type Claim, SsePlugin } from './sse-plugin.ts';

/** The edge end: the paths of all plugins, which GET requests are held against before the routes. */
export function edge({ listener, log }: EdgeContext): EdgeEnd<SseOptions> {
  const paths = new Map<string, Claim>();
  const fanOut = new FanOut();
  /** Matched exactly, after percent-decoding. A path whose encoding is broken is the routes' affair. */
  const find = (path: string): Claim | undefined => {
    if (paths.size === 0) return undefined;
    const decoded = decodePercent(path);
    return decoded === undefined ? undefined : paths.get(decoded);
  };
  const takenElsewhere = listener.owner((path) =>
    hasEncodedSlash(path) ? undefined : find(path)?.owner.name,
  );
  listener.on('stream', (incoming) => {
    const { path } = incoming;
    const claim = find(path);
    if (claim === undefined) return false;
    // To routes a slash that is encoded is none, so another plugin may have had this path before.
    if (hasEncodedSlash(path) && takenElsewhere(path, claim.owner)) return false;
    if (incoming.method === 'GET') claim.owner.handle(incoming, claim.stream);
    else noteAllowed(incoming.response, ['GET']);
    return incoming.method === 'GET';
  });
  listener.on('fallback', ({ path, response }) => {
    if (find(path) === undefined) return false;
    notAllowed(response);
    return true;
  });
  return { plugin: (port) => new SsePlugin(port, { paths, takenElsewhere, fanOut, listener, log }) };
}
