import type { Edge } from '../edge/edge.ts';
import type { EdgePlugin } from '../edge/plugin.ts';
import type { Registry } from '../capabilities/registry.ts';
import type { Log } from '../ext.ts';
import { reasonOf } from '../log/reason.ts';
import type { PluginSpec } from '../manifest/plugin-spec.ts';
import type { Deployment } from '../plugin-thread/protocol.ts';
import { InstanceWatch } from './instance-watch.ts';
import { Instances } from './instances.ts';
import type { LoadedPlugin } from './load-plugin.ts';
import { isDown, isEnding, type Phase } from './phase.ts';
import { pluginStatus } from './plugin-status.ts';
import type { PluginThreads } from './plugin-threads.ts';
import { Restarts } from './restarts.ts';
import { describe, type InstanceEnd, type RunningInstance } from './running-instance.ts';
import { shutDownBy } from './shut-down.ts';
import { accountOf, StartFailure, startWhatever } from './start-failure.ts';
import type { PluginStatus } from './status.ts';
import { Turns } from './turns.ts';
import type { Watchdog } from './watchdog.ts';
import { late, within } from './within.ts';

export interface SupervisorOptions {
  readonly loaded: LoadedPlugin;
  /** Reads manifest and module again. Rejects with what is wrong with them. */
  load(): Promise<LoadedPlugin>;
  readonly registry: Registry;
  readonly threads: PluginThreads;
  readonly watchdog: Watchdog;
  readonly deployment: Deployment;
  readonly edge: Edge;
  readonly log: Log;
  readonly debug: boolean;
  /** How long a start may take in the guest, in milliseconds. */
  readonly startTimeoutMs: number;
  /** Called once when the plugin has ended for good without having been asked to. */
  failed(reason: string): void;
}

/**
 * Keeps one plugin alive: starts instances of it one after the other, each with a number and a link of its own, and
 * decides what happens when one ends. The plugin at the edge, with its routes, its connections and the requests that
 * wait, stays the same over all of them.
 */
export class Supervisor {
  readonly name: string;
  readonly #options: SupervisorOptions;
  readonly #log: Log;
  readonly #plugin: EdgePlugin;
  readonly #instances: Instances;
  readonly #watch: InstanceWatch;
  readonly #restarts = new Restarts(() => void this.#tryAgain());
  #loaded: LoadedPlugin;
  #phase: Phase = 'stopped';
  /** The host is stopping: nothing is started any more, whatever operators have asked for. */
  #closing = false;
  #crashes = 0;
  /** No instance was ready yet. */
  #first = true;
  #reason: string | undefined;
  #retryAt: number | undefined;
  /** What operators ask for. */
  readonly #turns = new Turns<'stop' | 'start' | 'restart' | 'reload'>();

  constructor(options: SupervisorOptions) {
    const { loaded, edge, watchdog, log } = options;
    const { name, version } = loaded.spec;
    this.#options = options;
    this.#log = log;
    this.#loaded = loaded;
    this.name = name;
    const plugin = edge.plugin({ name, version });
    this.#plugin = plugin;
    const instances = new Instances(name, plugin, {
      ...options,
      ready: (instance) => this.#ready(instance),
      ended: (instance, end) => this.#ended(instance, end),
    });
    this.#instances = instances;
    const up = (): boolean => this.#phase === 'ready';
    this.#watch = new InstanceWatch({ name, plugin, instances, watchdog, log, up });
  }

  /** Starts the first instance. Rejects with the reason when it does not come up; nothing runs then. */
  async start(): Promise<void> {
    this.#watch.begin();
    try {
      await startWhatever(() => this.#begin());
    } catch (error) {
      this.#phase = 'over';
      await this.#end();
      throw error;
    }
  }

  get spec(): PluginSpec {
    return this.#loaded.spec;
  }

  /** Whether it has ended and will not be started again by itself. */
  get isOver(): boolean {
    return this.#phase === 'over';
  }

  /** Bytes of memory that its instances have. */
  get memory(): number {
    return this.#instances.memory;
  }

  /** What clients reach it by. */
  get routes(): readonly string[] {
    return this.#plugin.routes;
  }

  /**
   * Whether the plugin is where nothing can end it: in a native call, or in a thread that could not be ended. A
   * process that exits would wait for it.
   */
  get uninterruptible(): boolean {
    return this.#instances.uninterruptible;
  }

  status(): PluginStatus {
    return pluginStatus({
      spec: this.#loaded.spec,
      phase: this.#phase,
      reason: this.#reason,
      crashes: this.#crashes,
      retryAt: this.#retryAt,
      stuck: this.#watch.stuck,
      reloading: this.#turns.current === 'reload',
      instances: this.#instances,
      plugin: this.#plugin,
    });
  }

  /** Refuses what comes in while the memory of all guests is used up. */
  refuseForMemory(refuse: boolean): void {
    this.#plugin.pause('memory', refuse);
  }

  /** Ends the instance that serves, as if it had broken; one that it has replaced, and that still has memory, first. */
  breakOff(reason: string): void {
    const { serving, retiring } = this.#instances;
    if (retiring !== undefined) return this.#instances.cutOff(retiring, reason);
    if (serving?.isReady === true) this.#instances.cutOff(serving, reason);
  }

  /** Shuts the plugin down until {@link resume}. A start or reload that is under way is called off. */
  halt(signal?: AbortSignal): Promise<void> {
    this.#callOff();
    return this.#turns.take('stop', () => this.#halt(), signal);
  }

  /** Starts a plugin that does not run. Rejects with the reason when it does not come up: then it stays stopped. */
  resume(signal?: AbortSignal): Promise<void> {
    return this.#turns.take('start', () => this.#resume(), signal);
  }

  async #halt(): Promise<void> {
    if (this.#closing || this.#phase === 'stopped') return;
    this.#plugin.stopAccepting();
    await this.#shutDown(shutDownBy());
    this.#phase = 'stopped';
    this.#reason = undefined;
    await this.#instances.release();
    this.#log.info('plugin stopped', { plugin: this.name });
  }

  async #resume(): Promise<void> {
    if (this.#closing) throw new Error(`plugin ${this.name} is not started: the host is stopping`);
    if (!isDown(this.#phase)) return;
    this.#restarts.forgive();
    this.#watch.begin();
    let instance: number | undefined;
    try {
      instance = await startWhatever(() => this.#begin());
    } catch (error) {
      // Who stops the host sees to what is left.
      if (this.#closing) throw error;
      this.#phase = 'stopped';
      this.#reason = reasonOf(error);
      // What came while it started waits for nobody any more.
      this.#plugin.stopAccepting();
      this.#log.warn('plugin start failed', { plugin: this.name, reason: this.#reason });
      await this.#instances.release();
      throw error;
    }
    this.#log.info('plugin started', { plugin: this.name, instance });
  }

  /** {@link halt} and {@link resume}. */
  renew(signal?: AbortSignal): Promise<void> {
    this.#callOff();
    const renew = async (): Promise<void> => {
      await this.#halt();
      await this.#resume();
    };
    return this.#turns.take('restart', renew, signal);
  }

  /**
   * Reads the plugin again, and makes an instance of that beside the one that serves: it takes over between two
   * steps, and loses none of what waits. Rejects with the reason when it does not come up: then the old one stays.
   */
  reload(signal?: AbortSignal): Promise<void> {
    const reload = async (): Promise<void> => {
      this.#restarts.hold();
      try {
        await this.#reload();
      } catch (error) {
        // What ran before has broken meanwhile, or did not run.
        const down = this.#phase === 'starting' && this.#instances.serving === undefined;
        if ((this.#restarts.release() || down) && !this.#closing) {
          if (this.#loaded.spec.restart === 'never') this.#giveUp();
          else this.#restartNow();
        }
        throw error;
      } finally {
        this.#restarts.release();
      }
    };
    return this.#turns.take('reload', reload, signal);
  }

  async #reload(): Promise<void> {
    const loaded = await this.#options.load();
    const { name, version } = loaded.spec;
    if (this.#closing) throw new Error(`plugin ${this.name} is not reloaded: the host is stopping`);
    if (this.#phase === 'stopped') {
      this.#loaded = loaded;
      return;
    }
    this.#restarts.forgive();
    this.#watch.begin();
    const instance = await startWhatever(() => this.#begin(loaded));
    this.#log.info('plugin reloaded', { plugin: name, version, instance });
  }

  /** Takes no more events, and takes back those whose step has not begun. */
  stopAccepting(): void {
    this.#closing = true;
    if (this.#phase === 'over') return;
    this.#restarts.cancel();
    this.#plugin.stopAccepting();
  }

  /**
   * Waits for the steps that run, at most until `deadline` on the clock of `performance.now()`, and then shuts
   * the instance down: for good. False when anything had to be cut off, or `pulp_shutdown` was not content.
   */
  async stop(deadline: number): Promise<boolean> {
    this.#closing = true;
    // An operator has asked for the same a moment ago.
    if (this.#phase === 'stopping') await this.#turns.done;
    if (this.#phase === 'over') {
      await this.#end();
      return true;
    }
    this.stopAccepting();
    const ran = !isDown(this.#phase) && this.#instances.count > 0;
    const clean = await this.#shutDown(deadline);
    this.#phase = 'over';
    await this.#end();
    if (clean && ran) this.#log.info('shutdown complete', { plugin: this.name });
    return clean;
  }

  /** Ends a start that somebody has asked for before. */
  #callOff(): void {
    if (this.#turns.current !== undefined) this.#instances.callOff();
  }

  /**
   * One start of the plugin, the first or a later one: they are the same. With `loaded` beside what runs. Gives the
   * number of the instance, unless a reload has brought another one meanwhile.
   */
  async #begin(loaded?: LoadedPlugin): Promise<number | undefined> {
    const { registry, startTimeoutMs } = this.#options;
    const instances = this.#instances;
    const { spec } = loaded ?? this.#loaded;
    if (this.#closing) throw new StartFailure(this.name, 'it is being stopped');
    const beside = loaded !== undefined && instances.serving !== undefined;
    if (!beside) this.#phase = 'starting';
    this.#retryAt = undefined;
    const slots = await this.#plugin.slots(registry.channels(spec.capabilities), spec.options);
    if (this.#closing || isEnding(this.#phase)) {
      throw new StartFailure(this.name, 'it is being stopped');
    }
    const instance = instances.begin(loaded ?? this.#loaded, slots, beside);
    this.#watch.soon(spec.callTimeoutMs / 2);
    const end = await within(startTimeoutMs, instance.started);
    if (end === undefined) {
      if (instances.awaits(instance)) return instance.number;
      if (!isEnding(this.#phase)) return undefined;
      throw new StartFailure(this.name, 'it was stopped');
    }
    // It is being retired.
    if (!instances.awaits(instance) && !isEnding(this.#phase)) return undefined;
    const reason = end === late ? `it took more than ${startTimeoutMs} ms to start` : describe(end);
    if (end === late) await instances.kill(instance, reason);
    await instances.abandon(instance, beside);
    throw new StartFailure(this.name, reason, end === late ? 'own' : accountOf(end));
  }

  /** The init of an instance succeeded: it takes over. */
  #ready(instance: RunningInstance): void {
    if (!this.#instances.awaits(instance)) return;
    this.#loaded = instance.loaded;
    if (!isEnding(this.#phase)) this.#phase = 'ready';
    this.#watch.renewed();
    this.#retryAt = undefined;
    // Here, and not where the start is waited for: what the instance says next may have come along with this.
    if (this.#first) this.#log.info('init complete', { plugin: this.name });
    this.#first = false;
    this.#instances.takeOver(instance);
  }

  /** An instance has ended: as it says, or as was seen from outside. */
  #ended(instance: RunningInstance, end: InstanceEnd): void {
    if (instance !== this.#instances.serving || this.#phase !== 'ready') {
      // Settled in a turn of its own: this one still hands over what the instance sent.
      setImmediate(() => this.#instances.forget(instance));
      return;
    }
    this.#phase = 'crashed';
    this.#reason = describe(end);
    this.#log.error('plugin crashed', { plugin: this.name, reason: this.#reason });
    setImmediate(() => this.#crashed(instance, end));
  }

  #crashed(instance: RunningInstance, end: InstanceEnd): void {
    const evicted = end.state === 'evicted';
    // A reload that is under way is a start that was asked for.
    const alone = this.#phase === 'crashed' && !this.#restarts.held;
    const never = alone && !evicted && this.#loaded.spec.restart === 'never';
    // Its connections are told that it is going away, not that it comes back.
    if (never) this.#plugin.stopAccepting();
    this.#instances.forget(instance);
    if (this.#phase !== 'crashed') return;
    if (evicted) return this.#restartNow();
    this.#crashes += 1;
    if (never) this.#giveUp();
    else this.#restartLater(instance.readyAt);
  }

  /** It has ended, and may not be started again: the others go on without it. */
  #giveUp(): void {
    const reason = this.#reason ?? '';
    this.#phase = 'over';
    this.#watch[Symbol.dispose]();
    this.#plugin.stopAccepting();
    void this.#instances.release();
    this.#log.error('plugin failed', { plugin: this.name, reason });
    this.#options.failed(reason);
  }

  /** @param readyAt When the instance that broke had become ready. */
  #restartLater(readyAt: number | undefined): void {
    // Before the log: whoever reads it may stop the host at once.
    const { delayMs, open } = this.#restarts.afterCrash(readyAt);
    const fields = { plugin: this.name, delay_ms: Math.round(delayMs) };
    this.#phase = open ? 'open' : 'waiting';
    if (open) {
      this.#retryAt = Date.now() + delayMs;
      this.#log.error('plugin failed', { ...fields, reason: this.#reason ?? '' });
      this.#plugin.refuseWaiting(delayMs);
    } else {
      this.#plugin.expectNext();
      this.#log.info('plugin restarts', fields);
    }
  }

  #restartNow(): void {
    this.#phase = 'waiting';
    this.#plugin.expectNext();
    this.#restarts.startIn(0);
  }

  async #tryAgain(): Promise<void> {
    try {
      const instance = await this.#begin();
      if (instance !== undefined) this.#log.info('plugin restarted', { plugin: this.name, instance });
    } catch (error) {
      if (this.#closing || isEnding(this.#phase)) return;
      // That was not its own doing.
      if (error instanceof StartFailure && error.account !== 'own') return this.#restartNow();
      this.#crashes += 1;
      this.#reason = reasonOf(error);
      this.#log.error('plugin restart failed', { plugin: this.name, reason: this.#reason });
      this.#restartLater(undefined);
    }
  }

  /** Shuts down what runs. False when not all went in order. */
  #shutDown(deadline: number): Promise<boolean> {
    this.#phase = 'stopping';
    this.#restarts.cancel();
    return this.#instances.shutDown(deadline);
  }

  /** Nothing of the plugin is left behind. */
  async #end(): Promise<void> {
    this.#watch[Symbol.dispose]();
    await this.#instances.end();
    await this.#options.edge.remove(this.#plugin);
  }
}
