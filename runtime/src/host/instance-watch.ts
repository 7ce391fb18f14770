import type { EdgePlugin } from '../edge/plugin.ts';
import type { Log } from '../ext.ts';
import type { OverdueCall } from '../plugin-thread/native-calls.ts';
import type { Instances } from './instances.ts';
import { type Watchdog, watchEveryMs } from './watchdog.ts';

export interface InstanceWatchOptions {
  /** The plugin's name. */
  readonly name: string;
  readonly plugin: EdgePlugin;
  readonly instances: Instances;
  readonly watchdog: Watchdog;
  readonly log: Log;
  /** Whether the plugin is up: only then it can be stuck. */
  up(): boolean;
}

/**
 * Looks at the instances of a plugin now and then. One that computes longer than it may is cut off. A plugin that is
 * in a native call which does not come back is refused until it does: nothing else can be done.
 */
export class InstanceWatch implements Disposable {
  readonly #options: InstanceWatchOptions;
  #watch: ReturnType<Watchdog['add']> | undefined;
  #stuck: OverdueCall | undefined;

  constructor(options: InstanceWatchOptions) {
    this.#options = options;
  }

  /** The native call that the instance that serves is in, when that has taken too long. */
  get stuck(): OverdueCall | undefined {
    return this.#stuck;
  }

  /** Looks from now on. */
  begin(): void {
    this.#watch ??= this.#options.watchdog.add((now) => this.#look(now));
  }

  /** Looks again within so many milliseconds. */
  soon(ms: number): void {
    this.#watch?.soon(ms);
  }

  /** Another instance serves. */
  renewed(): void {
    this.#stuck = undefined;
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
  }

  #look(now: number): number {
    const { instances } = this.#options;
    let next = watchEveryMs;
    for (const instance of instances.all()) {
      if (instance.hasEnded) continue;
      const sighting = instance.look(now);
      if (sighting.sees === 'overdue') instances.cutOff(instance, sighting.reason);
      if (sighting.sees === 'nothing') next = Math.min(next, sighting.nextMs);
      if (instance === instances.serving && this.#options.up()) {
        this.#saw(sighting.sees === 'stuck' ? sighting.call : undefined);
      }
    }
    return next;
  }

  #saw(call: OverdueCall | undefined): void {
    const was = this.#stuck;
    this.#stuck = call;
    if ((call === undefined) === (was === undefined)) return;
    const { name: plugin, plugin: edgePlugin, log } = this.#options;
    edgePlugin.pause('stuck', call !== undefined);
    if (call === undefined) log.info('plugin goes on', { plugin });
    else log.error('plugin is stuck', { plugin, call: call.what, limit_ms: call.limitMs });
  }
}
