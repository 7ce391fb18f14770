import type { ControlStatus, PluginStatus } from '../control/protocol.ts';
import { bytes, span, table } from './table.ts';

/** What `pulp ps` prints of a host. Why a plugin is not ready, or refuses requests, has a column where there is one. */
export function ps({ plugins }: ControlStatus, now: number): string {
  const reasons = plugins.some((plugin) => reasonOf(plugin) !== '');
  const heads = ['NAME', 'VERSION', 'STATE', 'UPTIME', 'CRASHES', 'MEMORY', 'QUEUE', 'THREAD'];
  const rows = plugins.map((plugin) => [
    plugin.name,
    plugin.version,
    plugin.state,
    plugin.readySince === undefined ? '-' : span(now - plugin.readySince),
    String(plugin.crashes),
    bytes(plugin.memoryBytes),
    String(plugin.queuedEvents),
    plugin.thread === undefined ? '-' : String(plugin.thread),
    ...(reasons ? [reasonOf(plugin)] : []),
  ]);
  return table(reasons ? [...heads, 'REASON'] : heads, rows);
}

function reasonOf({ state, reason = '', reloading = false, overMemory = false }: PluginStatus): string {
  if (reloading) return 'a reload is under way';
  if (state === 'ready' && overMemory) return 'the memory of all plugins is used up: new requests get 503';
  return state === 'ready' ? '' : reason;
}
