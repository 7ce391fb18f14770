import type { Log } from '../ext.ts';
import type { Edge } from '../edge/edge.ts';
import type { EdgePlugin } from '../edge/plugin.ts';
import type { Registry } from '../capabilities/registry.ts';
import {
  decodeLog,
  decodeState,
  type Deployment,
  HostEffect,
  type InstanceState,
} from '../plugin-thread/protocol.ts';
import { createNativeCalls, NativeCallWatch } from '../plugin-thread/native-calls.ts';
import { Backoff } from './backoff.ts';
import type { LoadedPlugin } from './load-plugin.ts';
import { PluginThread } from './plugin-thread.ts';

export interface SupervisorOptions {
  readonly loaded: LoadedPlugin;
  readonly registry: Registry;
  readonly capabilities: readonly string[];
  readonly deployment: Deployment;
  readonly edge: Edge;
  readonly log: Log;
  readonly debug: boolean;
  /** How long a start may take in the guest, in milliseconds. */
  readonly startTimeoutMs: number;
  /** Called once when the plugin has ended for good without having been asked to. */
  readonly failed: (reason: string) => void;
}

type Ended = Exclude<InstanceState, { state: 'ready' }>;

/** The shortest and the longest time that `pulp_shutdown` has, in milliseconds. */
const shutdownMs = { least: 1000, most: 5000 };

/** How often native calls are held against their limits, in milliseconds. */
const watchEveryMs = 500;

/** How long an instance has to run for the next crash to count as the first, in milliseconds. */
const settledMs = 30_000;

/**
 * Keeps one plugin alive: starts instances of it one after the other, each with a number and a link of its
 * own, and decides what happens when one ends. The plugin at the edge, with its routes and the requests that
 * wait, stays the same over all of them.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #backoff = new Backoff({ firstMs: 10, maxMs: 10_000 });
  #plugin: EdgePlugin | undefined;
  #thread: PluginThread | undefined;
  #instance = 0;
  #readyAt = 0;
  /** `crashed`: the instance has ended, and what it leaves is settled in the next turn. */
  #state: 'starting' | 'ready' | 'crashed' | 'down' | 'stopping' | 'ended' = 'down';
  /** How the instance broke that was to be stopped. */
  #broken: Ended | undefined;
  #change: PromiseWithResolvers<InstanceState> = Promise.withResolvers();
  #restart: NodeJS.Timeout | undefined;
  #watch: NativeCallWatch | undefined;
  #watching: NodeJS.Timeout | undefined;
  #overdue = false;
  #left = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Starts the first instance. Rejects with the reason when it does not come up; nothing runs then. */
  async start(): Promise<void> {
    const { edge, loaded, registry } = this.#options;
    const { spec } = loaded;
    this.#plugin = await edge.plugin(registry.channels(spec.capabilities), {
      plugin: { name: spec.name, version: spec.version },
      options: spec.options,
      host: (kind, payload) => this.#said(kind, payload),
    });
    try {
      await this.#begin();
    } catch (error) {
      this.#state = 'ended';
      await this.#terminate();
      await edge.remove(this.#plugin);
      throw error;
    }
  }

  /** Events the plugin has not finished. */
  get unfinished(): number {
    return this.#plugin?.unfinished ?? 0;
  }

  /**
   * Whether the plugin is where nothing can end it: in a native call, or in a thread that could not be ended. A
   * process that exits would wait for it.
   */
  get uninterruptible(): boolean {
    return this.#left || this.#watch?.inside === true;
  }

  /** Takes no more events, and takes back those whose step has not begun. */
  stopAccepting(): void {
    if (this.#state === 'ended') return;
    clearTimeout(this.#restart);
    this.#plugin?.stopAccepting();
  }

  /**
   * Waits for the steps that run, at most until `deadline` on the clock of `performance.now()`, and then shuts
   * the instance down. False when anything had to be cut off, or `pulp_shutdown` was not content.
   */
  async stop(deadline: number): Promise<boolean> {
    if (this.#state === 'ended') return true;
    this.stopAccepting();
    const { edge, loaded, log } = this.#options;
    const { name } = loaded.spec;
    let clean = true;
    // Before it is ready no step runs, and what waited for it has been taken back: nothing to wait for.
    if (this.#state === 'ready') {
      this.#state = 'stopping';
      while (this.unfinished > 0 && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      if (this.unfinished > 0) {
        clean = false;
        log.error('plugin cut off', { plugin: name, unfinished: this.unfinished });
      } else {
        const left = deadline - performance.now();
        clean = await this.#shutdown(Math.min(shutdownMs.most, Math.max(shutdownMs.least, left)));
      }
    }
    this.#state = 'ended';
    clearInterval(this.#watching);
    this.#change.resolve({ state: 'failed', reason: 'the host is stopping' });
    await this.#terminate();
    if (this.#plugin !== undefined) await edge.remove(this.#plugin);
    if (clean) log.info('shutdown complete', { plugin: name });
    return clean;
  }

  async #shutdown(timeoutMs: number): Promise<boolean> {
    const { log, loaded } = this.#options;
    const plugin = loaded.spec.name;
    const changed = this.#change.promise;
    if (this.#broken === undefined) this.#thread?.stop(this.#instance);
    const end = this.#broken ?? (await within(timeoutMs, changed));
    if (end === undefined) {
      log.error('plugin cut off', {
        plugin,
        reason: `a step or pulp_shutdown still runs after ${Math.round(timeoutMs)} ms`,
      });
      return false;
    }
    if (end.state === 'stopped' && end.code === 0) return true;
    const reason = end.state === 'stopped' ? `pulp_shutdown returned ${end.code}` : describe(end);
    log.error('plugin did not shut down in order', { plugin, reason });
    return false;
  }

  /** One start of the plugin, the first or a later one: they are the same. */
  async #begin(): Promise<void> {
    const { edge, loaded, capabilities, deployment, debug, startTimeoutMs } = this.#options;
    const { spec, module, info } = loaded;
    this.#state = 'starting';
    const changed = this.#change.promise;
    this.#thread ??= this.#spawn(capabilities);
    const link = this.#thread.link(edge.bell);
    const nativeCalls = createNativeCalls();
    this.#overdue = false;
    this.#watch = new NativeCallWatch(nativeCalls);
    this.#watching ??= setInterval(() => this.#look(), watchEveryMs).unref();
    this.#instance += 1;
    this.#plugin?.attach(link.edge);
    this.#thread.start(
      { instance: this.#instance, spec, deployment, module, info, debug, nativeCalls },
      link,
    );
    const state = await within(startTimeoutMs, changed);
    if (state?.state === 'ready') return;
    const reason = state === undefined ? `it took more than ${startTimeoutMs} ms to start` : describe(state);
    if (state === undefined) await this.#terminate();
    this.#plugin?.detach();
    throw new Error(`plugin ${spec.name} did not start: ${reason}`);
  }

  #spawn(capabilities: readonly string[]): PluginThread {
    const thread = new PluginThread({
      capabilities,
      died: (error) => {
        if (this.#thread !== thread) return;
        this.#thread = undefined;
        this.#changed({ state: 'trapped', entry: 'the plugin thread', reason: error.stack ?? error.message });
      },
    });
    return thread;
  }

  /** What the instance says to the host. */
  #said(kind: number, payload: Uint8Array): void {
    if (kind === HostEffect.log) {
      const { level, message, fields } = decodeLog(payload);
      this.#options.log[level](message, fields);
    } else {
      this.#changed(decodeState(payload));
    }
  }

  #changed(state: InstanceState): void {
    if (state.state === 'ready' && this.#state === 'starting') {
      this.#state = 'ready';
      this.#readyAt = performance.now();
      this.#plugin?.ready();
    }
    this.#change.resolve(state);
    this.#change = Promise.withResolvers();
    if (state.state === 'ready') return;
    // Settled in a turn of its own: this one still hands over what the instance sent.
    if (this.#state === 'ready') {
      this.#state = 'crashed';
      const { loaded, log } = this.#options;
      log.error('plugin crashed', { plugin: loaded.spec.name, reason: describe(state) });
      setImmediate(() => this.#crashed(state));
    } else if (state.state === 'trapped' && this.#state === 'stopping') {
      this.#broken = state;
      setImmediate(() => this.#plugin?.detach());
    }
  }

  #crashed(state: Ended): void {
    if (this.#state !== 'crashed') return;
    const { loaded, failed } = this.#options;
    const { spec } = loaded;
    this.#plugin?.detach();
    if (spec.restart === 'never') {
      this.#state = 'down';
      this.#plugin?.stopAccepting();
      failed(describe(state));
      return;
    }
    if (performance.now() - this.#readyAt > settledMs) this.#backoff.reset();
    this.#restartLater();
  }

  #restartLater(): void {
    const { loaded, log } = this.#options;
    const plugin = loaded.spec.name;
    this.#state = 'down';
    const delay = this.#backoff.next();
    log.info('plugin restarts', { plugin, delay_ms: delay });
    this.#restart = setTimeout(() => {
      this.#begin().then(
        () => log.info('plugin restarted', { plugin, instance: this.#instance }),
        (error: unknown) => {
          if (this.#state !== 'starting') return;
          log.error('plugin restart failed', {
            plugin,
            reason: error instanceof Error ? error.message : String(error),
          });
          this.#restartLater();
        },
      );
    }, delay);
  }

  async #terminate(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    if (thread === undefined) return;
    if (await thread.terminate()) this.#watch = undefined;
    else this.#left = true;
  }

  /** A plugin whose native call does not come back is refused until it does: nothing else can be done. */
  #look(): void {
    const { loaded, log } = this.#options;
    const plugin = loaded.spec.name;
    const call = this.#state === 'ready' ? this.#watch?.overdue(performance.now()) : undefined;
    if ((call !== undefined) === this.#overdue) return;
    this.#overdue = call !== undefined;
    this.#plugin?.pause(this.#overdue);
    if (call === undefined) log.info('plugin goes on', { plugin });
    else log.error('plugin is stuck', { plugin, call: call.what, limit_ms: call.limitMs });
  }
}

function describe(state: InstanceState): string {
  switch (state.state) {
    case 'ready':
      return 'it is ready';
    case 'stopped':
      return `it stopped with ${state.code}`;
    case 'failed':
    case 'trapped':
      return state.reason;
    default:
      return state satisfies never;
  }
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), Math.max(0, ms));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
