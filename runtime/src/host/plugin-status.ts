import type { EdgePlugin } from '../edge/plugin.ts';
import type { PluginSpec } from '../manifest/plugin-spec.ts';
import type { OverdueCall } from '../plugin-thread/native-calls.ts';
import type { Instances } from './instances.ts';
import type { Phase } from './phase.ts';
import type { PluginState, PluginStatus } from './status.ts';

/** What a supervisor knows of its plugin. */
export interface Supervised {
  readonly spec: PluginSpec;
  readonly phase: Phase;
  /** Why it is not ready, or how the instance before this one ended. */
  readonly reason: string | undefined;
  /** Instances that broke. */
  readonly crashes: number;
  /** When it is tried again, in milliseconds since 1970. */
  readonly retryAt: number | undefined;
  /** The native call that it is in and that does not come back. */
  readonly stuck: OverdueCall | undefined;
  /** An operator's reload is under way. */
  readonly reloading: boolean;
  readonly instances: Instances;
  readonly plugin: EdgePlugin;
}

/** Why the database of a plugin that is stopped may still be locked, and a processor busy. */
const lingering = 'a call that nothing can end goes on in its thread';

/** A plugin as an operator sees it. */
export function pluginStatus(supervised: Supervised): PluginStatus {
  const { spec, crashes, retryAt, instances, plugin } = supervised;
  const reason = reasonFor(supervised);
  const { serving, count, thread, memory } = instances;
  const readySince = serving?.readySince;
  return {
    name: spec.name,
    version: spec.version,
    manifest: spec.file,
    wasm: spec.wasm,
    state: stateOf(supervised),
    ...(supervised.reloading ? { reloading: true } : {}),
    ...(plugin.isPaused('memory') ? { overMemory: true } : {}),
    ...(reason === undefined ? {} : { reason }),
    instance: serving?.number ?? count,
    crashes,
    ...(readySince === undefined ? {} : { readySince }),
    ...(retryAt === undefined ? {} : { retryAt }),
    ...(thread === undefined ? {} : { thread }),
    memoryBytes: memory,
    maxMemoryBytes: spec.maxMemoryPages * 65_536,
    queuedEvents: plugin.unfinished,
    queuedBytes: plugin.queuedBytes,
    finishedEvents: plugin.finished,
    computedMs: Math.round(instances.computedMs),
    capabilities: spec.capabilities,
    provides: spec.provides,
    consumes: spec.consumes,
    restart: spec.restart,
    callTimeoutMs: spec.callTimeoutMs,
    tickIntervalMs: spec.tickIntervalMs,
  };
}

function reasonFor({ phase, reason, stuck, instances }: Supervised): string | undefined {
  if (phase === 'stopped' && instances.lingers) return lingering;
  if (phase !== 'ready' || stuck === undefined) return reason;
  return `a call takes longer than ${stuck.limitMs} ms, and nothing can end it: ${stuck.what}`;
}

function stateOf({ phase, reason, crashes, stuck }: Supervised): PluginState {
  switch (phase) {
    case 'starting':
      return crashes === 0 ? 'starting' : 'restarting';
    case 'ready':
      return stuck === undefined ? 'ready' : 'stuck';
    case 'crashed':
    case 'waiting':
      return 'restarting';
    case 'open':
      return 'failed';
    case 'over':
      return reason === undefined ? 'stopped' : 'failed';
    case 'stopping':
    case 'stopped':
      return phase;
    default:
      return phase satisfies never;
  }
}
