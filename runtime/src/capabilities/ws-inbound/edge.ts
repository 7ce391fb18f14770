import type { IncomingMessage } from 'node:http';
import { Budget } from '../../edge/budget.ts';
import { ServerResponse } from '../../edge/node-http.ts';
import { decodePercent, hasEncodedSlash } from '../../edge/percent.ts';
import { reply } from '../../edge/reply.ts';
import { readRequest } from '../../edge/request.ts';
import type { EdgeContext, EdgeEnd, EdgeRequest } from '../../ext.ts';
import { asksForWebSocket } from './handshake.ts';
import type { WsOptions } from './options.ts';
import { FlushList } from './outbox.ts';
import { WsPlugin } from './ws-plugin.ts';

/** Bytes of messages that are not complete, or wait for their plugin, of all connections together. */
const heldBytes = 256 * 1024 * 1024;

/** An upgrade on a path that a plugin has registered. */
interface Upgrade {
  readonly incoming: EdgeRequest;
  readonly path: string;
  readonly plugin: WsPlugin;
}

/** The edge end: who has which path, and the connections of each plugin. */
export function edge({ listener, log }: EdgeContext): EdgeEnd<WsOptions> {
  const paths = new Map<string, WsPlugin>();
  const find = (path: string): WsPlugin | undefined => paths.get(decodePercent(path) ?? '');
  const takenElsewhere = listener.owner((path) => (hasEncodedSlash(path) ? undefined : find(path)?.name));
  const shared = { log, paths, takenElsewhere, held: new Budget(heldBytes), flushes: new FlushList() };
  const upgrades = new WeakMap<IncomingMessage, Upgrade>();
  listener.upgrade({
    // What it does not want is a request like any other.
    claims(request) {
      if (upgrades.has(request)) return true;
      const incoming = readRequest(request, new ServerResponse(request));
      if (incoming === undefined || !asksForWebSocket(incoming)) return false;
      const path = decodePercent(incoming.path);
      const plugin = path === undefined ? undefined : paths.get(path);
      if (path === undefined || plugin === undefined) return false;
      // To routes a slash that is encoded is none, so another plugin may have had this path before.
      if (hasEncodedSlash(incoming.path) && takenElsewhere(incoming.path, plugin)) return false;
      upgrades.set(request, { incoming, path, plugin });
      return true;
    },
    take(request, socket, head) {
      const upgrade = upgrades.get(request);
      if (upgrade === undefined) socket.destroy();
      else upgrade.plugin.accept(upgrade.incoming, upgrade.path, socket, head);
    },
  });
  listener.on('fallback', ({ path, response }) => {
    const decoded = decodePercent(path);
    if (decoded === undefined || !paths.has(decoded)) return false;
    reply(response, 426, 'upgrade required', ['Upgrade', 'websocket', 'Connection', 'Upgrade']);
    return true;
  });
  return { plugin: (port) => new WsPlugin(port, shared) };
}
