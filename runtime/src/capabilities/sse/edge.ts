import type { EdgeContext, EdgeEnd } from '../../ext.ts';
import { reply } from '../../edge/reply.ts';
import { decodeSegment } from '../http-inbound/route-table.ts';
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
    const decoded = decodeSegment(path);
    return decoded === undefined ? undefined : paths.get(decoded);
  };
  listener.on('stream', (incoming) => {
    const claim = incoming.method === 'GET' ? find(incoming.path) : undefined;
    claim?.owner.handle(incoming, claim.stream);
    return claim !== undefined;
  });
  listener.on('fallback', ({ path, response }) => {
    if (find(path) === undefined) return false;
    reply(response, 405, 'method not allowed', ['Allow', 'GET']);
    return true;
  });
  return { plugin: (port) => new SsePlugin(port, { paths, fanOut, listener, log }) };
}
