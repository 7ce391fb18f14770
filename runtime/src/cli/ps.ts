import type { ControlStatus, PluginStatus } from '../control/protocol.ts';
import { bytes, span, table } from './table.ts';

/** What `pulp ps` prints of a host. Why a plugin is not ready has a column where there is such a plugin. */
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

function reasonOf({ state, reason = '', reloading = false }: PluginStatus): string {
  if (reloading) return 'a reload is under way';
  return state === 'ready' ? '' : reason;
}
