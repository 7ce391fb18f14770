import { Budget } from '../../edge/budget.ts';
import { notAllowed } from '../../edge/not-allowed.ts';
import { reply } from '../../edge/reply.ts';
import type { EdgeContext, EdgeEnd } from '../../ext.ts';
import { HttpPlugin } from './http-plugin.ts';
import { RouteTable } from './route-table.ts';

/** Bytes of large answers that all clients together may leave untaken. */
export const maxUntakenBytes = 256 * 1024 * 1024;
/** Bytes of requests that came while their plugin had no instance, of all plugins together. */
export const maxKeptBytes = 64 * 1024 * 1024;

/** The edge end: the route table of all plugins, and the requests that wait for each of them. */
export function edge({ listener, log }: EdgeContext): EdgeEnd {
  const routes = new RouteTable<HttpPlugin>();
  listener.on('route', (incoming) => {
    const match = routes.match(incoming.method, incoming.path);
    if (match === undefined) return false;
    if (match === 'bad-encoding') reply(incoming.response, 400, 'bad percent-encoding in the path');
    else if ('allow' in match) notAllowed(incoming.response, match.allow);
    else match.owner.handle(incoming, match);
    return true;
  });
  const takenElsewhere = listener.owner((path) => {
    const match = routes.match('GET', path);
    return typeof match === 'object' && 'owner' in match ? match.owner.name : undefined;
  });
  const untaken = new Budget(maxUntakenBytes);
  const kept = new Budget(maxKeptBytes);
  const options = { routes, takenElsewhere, log, listener, untaken, kept };
  return { plugin: (port) => new HttpPlugin(port, options) };
}
