import type { HostControl, HostStatus, PluginStatus } from '../../runtime/src/host/status.ts';

/** A plugin as an operator sees it, ready unless something else is said. */
export function pluginStatus(name: string, changes: Partial<PluginStatus> = {}): PluginStatus {
  return {
    name,
    version: '1.2.3',
    manifest: `/plugins/${name}/pulp.plugin.toml`,
    wasm: `/plugins/${name}/plugin.wasm`,
    state: 'ready',
    instance: 1,
    crashes: 0,
    memoryBytes: 65_536,
    maxMemoryBytes: 2 ** 30,
    queuedEvents: 0,
    queuedBytes: 0,
    finishedEvents: 0,
    computedMs: 0,
    capabilities: [],
    provides: [],
    consumes: [],
    restart: 'on_crash',
    callTimeoutMs: 0,
    tickIntervalMs: 0,
    ...changes,
  };
}

/** A host that notes what is asked of it, and does nothing. */
export class FakeHost implements HostControl {
  /** What it was asked for, such as `stop chat`. */
  readonly asked: string[] = [];
  plugins: readonly PluginStatus[];
  stopping = false;
  /** Settles what it is asked for. Default: at once. */
  acts: (asked: string, signal?: AbortSignal) => Promise<void> = () => Promise.resolve();

  constructor(plugins: readonly PluginStatus[] = [pluginStatus('echo'), pluginStatus('chat')]) {
    this.plugins = plugins;
  }

  status(): HostStatus {
    return {
      pid: 1,
      startedAt: 0,
      ready: !this.stopping && this.plugins.every(({ state }) => state === 'ready' || state === 'stopped'),
      stopping: this.stopping,
      guestBytes: 131_072,
      maxGuestBytes: 2 ** 32,
      edgeBytes: 0,
      maxEdgeBytes: 2 ** 28,
      plugins: this.plugins,
    };
  }

  routes(name: string): readonly string[] {
    return [`GET /${name}`];
  }

  stopPlugin(name: string, signal?: AbortSignal): Promise<void> {
    return this.#ask(`stop ${name}`, signal);
  }

  startPlugin(name: string, signal?: AbortSignal): Promise<void> {
    return this.#ask(`start ${name}`, signal);
  }

  restartPlugin(name: string, signal?: AbortSignal): Promise<void> {
    return this.#ask(`restart ${name}`, signal);
  }

  reloadPlugin(name: string, signal?: AbortSignal): Promise<void> {
    return this.#ask(`reload ${name}`, signal);
  }

  #ask(asked: string, signal?: AbortSignal): Promise<void> {
    this.asked.push(asked);
    return this.acts(asked, signal);
  }
}
