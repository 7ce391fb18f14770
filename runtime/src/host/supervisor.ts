import type { Edge } from '../edge/edge.ts';
import type { EdgePlugin } from '../edge/plugin.ts';
import type { Registry } from '../capabilities/registry.ts';
import type { Log } from '../ext.ts';
import type { PluginSpec } from '../manifest/plugin-spec.ts';
import type { Deployment } from '../plugin-thread/protocol.ts';
import { CrashLoop } from './crash-loop.ts';
import type { LoadedPlugin } from './load-plugin.ts';
import type { PluginThreads, Tenant, ThreadLease } from './plugin-threads.ts';
import { describe, type InstanceEnd, RunningInstance } from './running-instance.ts';
import type { PluginState, PluginStatus } from './status.ts';
import { type Watchdog, watchEveryMs } from './watchdog.ts';

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

/** The shortest and the longest time that `pulp_shutdown` has, in milliseconds. */
const shutdownMs = { least: 1000, most: 5000 };

/** How long an instance that another one has replaced has for the step that it is in, in milliseconds. */
const retireMs = 30_000;

/**
 * `crashed`: the instance has ended, and what it leaves is settled in the next turn. `waiting`: the next one starts
 * after a while. `open`: after a long while. `over`: the host is stopping, or the plugin may not be started again.
 */
type Phase = 'starting' | 'ready' | 'crashed' | 'waiting' | 'open' | 'stopping' | 'stopped' | 'over';

/**
 * Keeps one plugin alive: starts instances of it one after the other, each with a number and a link of its own, and
 * decides what happens when one ends. The plugin at the edge, with its routes, its connections and the requests that
 * wait, stays the same over all of them.
 */
export class Supervisor {
  readonly name: string;
  readonly #options: SupervisorOptions;
  readonly #plugin: EdgePlugin;
  readonly #crashLoop = new CrashLoop();
  readonly #retiring = new Set<RunningInstance>();
  #loaded: LoadedPlugin;
  #watch: ReturnType<Watchdog['add']> | undefined;
  /** The place in a thread that instances start in, as long as that is good. */
  #lease: ThreadLease | undefined;
  /** The instance that serves, or will. */
  #running: RunningInstance | undefined;
  /** The one that is to replace it. */
  #next: RunningInstance | undefined;
  #phase: Phase = 'stopped';
  #instances = 0;
  #crashes = 0;
  #reason: string | undefined;
  #retryAt: number | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stuck = false;
  /** A reload is under way. */
  #reloading = false;
  /** The instance that served broke during that. */
  #owesRestart = false;
  /** A thread was left that could not be ended. */
  #left = false;
  /** What operators ask for is done one after the other. */
  #asked: Promise<unknown> = Promise.resolve();

  constructor(options: SupervisorOptions) {
    const { loaded, edge } = options;
    const { name, version } = loaded.spec;
    this.#options = options;
    this.#loaded = loaded;
    this.name = name;
    this.#plugin = edge.plugin({ name, version });
  }

  /** Starts the first instance. Rejects with the reason when it does not come up; nothing runs then. */
  async start(): Promise<void> {
    this.#watch ??= this.#options.watchdog.add((now) => this.#look(now));
    try {
      await this.#begin();
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
    let bytes = 0;
    for (const instance of this.#instancesNow()) bytes += instance.memory;
    return bytes;
  }

  /**
   * Whether the plugin is where nothing can end it: in a native call, or in a thread that could not be ended. A
   * process that exits would wait for it.
   */
  get uninterruptible(): boolean {
    return this.#left || this.#instancesNow().some(({ insideNative }) => insideNative);
  }

  status(): PluginStatus {
    const { spec } = this.#loaded;
    const running = this.#running;
    const reason = this.#reason;
    const readySince = running?.readySince;
    const thread = (running?.lease ?? this.#lease)?.index;
    return {
      name: spec.name,
      version: spec.version,
      manifest: spec.file,
      wasm: spec.wasm,
      state: this.#state(),
      ...(reason === undefined ? {} : { reason }),
      instance: running?.number ?? this.#instances,
      crashes: this.#crashes,
      ...(readySince === undefined ? {} : { readySince }),
      ...(this.#retryAt === undefined ? {} : { retryAt: this.#retryAt }),
      ...(thread === undefined ? {} : { thread }),
      memoryBytes: this.memory,
      maxMemoryBytes: spec.maxMemoryPages * 65_536,
      queuedEvents: this.#plugin.unfinished,
      queuedBytes: this.#plugin.queuedBytes,
      finishedEvents: this.#plugin.finished,
      capabilities: spec.capabilities,
      provides: spec.provides,
      consumes: spec.consumes,
      restart: spec.restart,
      callTimeoutMs: spec.callTimeoutMs,
      tickIntervalMs: spec.tickIntervalMs,
    };
  }

  /** Refuses what comes in while the memory of all guests is used up. */
  refuseForMemory(refuse: boolean): void {
    this.#plugin.pause('memory', refuse);
  }

  /** Ends the instance that serves, as if it had broken. */
  breakOff(reason: string): void {
    const running = this.#running;
    if (running?.isReady === true) this.#cutOff(running, { state: 'overdue', reason });
  }

  /** Shuts the plugin down until {@link resume}. */
  halt(): Promise<void> {
    return this.#inTurn(() => this.#halt());
  }

  /** Starts a plugin that does not run. Rejects with the reason when it does not come up: then it stays stopped. */
  resume(): Promise<void> {
    return this.#inTurn(() => this.#resume());
  }

  async #halt(): Promise<void> {
    if (this.#phase === 'over' || this.#phase === 'stopped') return;
    const { log } = this.#options;
    this.#plugin.stopAccepting();
    await this.#shutDownAll(performance.now() + shutdownMs.most);
    this.#phase = 'stopped';
    this.#reason = undefined;
    await this.#release();
    log.info('plugin stopped', { plugin: this.name });
  }

  async #resume(): Promise<void> {
    const { log } = this.#options;
    if (this.#phase !== 'stopped' && this.#phase !== 'open' && this.#phase !== 'waiting') return;
    clearTimeout(this.#restart);
    this.#crashLoop.reset();
    try {
      await this.#begin();
    } catch (error) {
      this.#phase = 'stopped';
      await this.#release();
      throw error;
    }
    log.info('plugin started', { plugin: this.name, instance: this.#instances });
  }

  /** {@link halt} and {@link resume}. */
  renew(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#halt();
      await this.#resume();
    });
  }

  /**
   * Reads the plugin again, and makes an instance of that beside the one that serves: it takes over between two
   * steps, and loses none of what waits. Rejects with the reason when it does not come up: then the old one stays.
   */
  reload(): Promise<void> {
    return this.#inTurn(async () => {
      this.#reloading = true;
      this.#owesRestart = false;
      try {
        await this.#reload();
      } catch (error) {
        this.#reloading = false;
        // What ran before has broken meanwhile, or did not run.
        const down = this.#phase === 'starting' && this.#running === undefined;
        if (this.#owesRestart || down) {
          if (this.#loaded.spec.restart === 'never') this.#giveUp();
          else this.#restartIn(0);
        }
        throw error;
      } finally {
        this.#reloading = false;
      }
    });
  }

  async #reload(): Promise<void> {
    const { log } = this.#options;
    const loaded = await this.#options.load();
    const { name, version } = loaded.spec;
    if (name !== this.name) {
      throw new Error(`${loaded.spec.file}: the plugin ${this.name} is called ${name} now: restart the host`);
    }
    if (this.#phase === 'over') throw new Error(`plugin ${this.name} is not running any more`);
    if (this.#phase === 'stopped') {
      this.#loaded = loaded;
      return;
    }
    clearTimeout(this.#restart);
    this.#crashLoop.reset();
    await this.#begin(loaded);
    log.info('plugin reloaded', { plugin: name, version, instance: this.#instances });
  }

  /** Takes no more events, and takes back those whose step has not begun. */
  stopAccepting(): void {
    if (this.#phase === 'over') return;
    clearTimeout(this.#restart);
    this.#plugin.stopAccepting();
  }

  /**
   * Waits for the steps that run, at most until `deadline` on the clock of `performance.now()`, and then shuts
   * the instance down: for good. False when anything had to be cut off, or `pulp_shutdown` was not content.
   */
  async stop(deadline: number): Promise<boolean> {
    // An operator has asked for the same a moment ago.
    if (this.#phase === 'stopping') await this.#asked;
    if (this.#phase === 'over') {
      await this.#end();
      return true;
    }
    this.stopAccepting();
    const clean = await this.#shutDownAll(deadline);
    this.#phase = 'over';
    await this.#end();
    if (clean && this.#instances > 0) this.#options.log.info('shutdown complete', { plugin: this.name });
    return clean;
  }

  #inTurn(what: () => Promise<void>): Promise<void> {
    const done = this.#asked.then(what);
    this.#asked = done.catch(() => undefined);
    return done;
  }

  #instancesNow(): RunningInstance[] {
    return [this.#running, this.#next, ...this.#retiring].filter((instance) => instance !== undefined);
  }

  #state(): PluginState {
    switch (this.#phase) {
      case 'starting':
        return this.#crashes === 0 ? 'starting' : 'restarting';
      case 'ready':
        return this.#stuck ? 'stuck' : 'ready';
      case 'crashed':
      case 'waiting':
        return 'restarting';
      case 'open':
        return 'failed';
      case 'over':
        return this.#reason === undefined ? 'stopped' : 'failed';
      case 'stopping':
      case 'stopped':
        return this.#phase;
      default:
        return this.#phase satisfies never;
    }
  }

  /** One start of the plugin, the first or a later one: they are the same. With `loaded` beside what runs. */
  async #begin(loaded?: LoadedPlugin): Promise<void> {
    const { edge, registry, startTimeoutMs, deployment, debug, log } = this.#options;
    const { spec } = loaded ?? this.#loaded;
    const beside = loaded !== undefined && this.#running !== undefined;
    if (!beside) this.#phase = 'starting';
    this.#retryAt = undefined;
    const slots = await this.#plugin.slots(registry.channels(spec.capabilities), spec.options);
    if (this.#isStopping()) throw new Error(`plugin ${this.name} did not start: it is being stopped`);
    const lease = beside || this.#lease === undefined ? this.#acquire(spec, beside) : this.#lease;
    if (!beside) this.#lease = lease;
    this.#instances += 1;
    const instance = new RunningInstance({
      loaded: loaded ?? this.#loaded,
      number: this.#instances,
      lease,
      edge,
      plugin: this.#plugin,
      slots,
      deployment,
      debug,
      log,
      ready: (ready) => this.#ready(ready),
      ended: (ended, end) => this.#ended(ended, end),
    });
    if (beside) this.#next = instance;
    else this.#running = instance;
    this.#watch?.soon(spec.callTimeoutMs / 2);
    const end = await within(startTimeoutMs, instance.started, late);
    if (end === undefined) return;
    const reason = end === late ? `it took more than ${startTimeoutMs} ms to start` : describe(end);
    if (end === late) await this.#kill(instance, reason);
    this.#forget(instance);
    if (beside) await this.#leave(instance.lease);
    const evicted = end !== late && end.state === 'evicted';
    throw Object.assign(new Error(`plugin ${this.name} did not start: ${reason}`), { evicted });
  }

  #acquire(spec: PluginSpec, beside: boolean): ThreadLease {
    const of = (): RunningInstance[] => this.#instancesNow().filter((instance) => instance.lease === lease);
    const tenant: Tenant = {
      died: (error) => {
        if (this.#lease === lease) this.#lease = undefined;
        const reason = error.stack ?? error.message;
        for (const instance of of()) instance.over({ state: 'trapped', entry: 'the plugin thread', reason });
      },
      evicted: (reason) => {
        if (this.#lease === lease) this.#lease = undefined;
        for (const instance of of()) instance.over({ state: 'evicted', reason });
      },
    };
    const { dedicatedThread: dedicated } = spec;
    const extra = beside && this.#lease?.tenants === 1;
    const lease: ThreadLease = this.#options.threads.acquire(tenant, { dedicated, extra });
    return lease;
  }

  /** The init of an instance succeeded: it takes over. */
  #ready(instance: RunningInstance): void {
    const old = this.#running;
    // It was replaced before it came up.
    if (instance !== this.#next && instance !== old) return;
    if (instance === this.#next) {
      this.#next = undefined;
      this.#running = instance;
      const left = this.#lease;
      this.#lease = instance.lease;
      // What it was to replace has broken meanwhile: nobody else gives that place back.
      if (old === undefined && left !== undefined) void this.#leave(left);
    }
    this.#loaded = instance.loaded;
    if (!this.#isStopping()) this.#phase = 'ready';
    this.#stuck = false;
    this.#retryAt = undefined;
    this.#plugin.ready(instance.attachment);
    if (old !== undefined && old !== instance) void this.#retire(old);
  }

  /** An instance has ended: as it says, or as was seen from outside. */
  #ended(instance: RunningInstance, end: InstanceEnd): void {
    if (instance !== this.#running || this.#phase !== 'ready') {
      // Settled in a turn of its own: this one still hands over what the instance sent.
      setImmediate(() => this.#forget(instance));
      return;
    }
    this.#phase = 'crashed';
    this.#reason = describe(end);
    this.#options.log.error('plugin crashed', { plugin: this.name, reason: this.#reason });
    setImmediate(() => this.#crashed(instance, end));
  }

  #crashed(instance: RunningInstance, end: InstanceEnd): void {
    const evicted = end.state === 'evicted';
    // A reload that is under way is a start that was asked for.
    const alone = this.#phase === 'crashed' && !this.#reloading;
    const never = alone && !evicted && this.#loaded.spec.restart === 'never';
    // Its connections are told that it is going away, not that it comes back.
    if (never) this.#plugin.stopAccepting();
    this.#forget(instance, end.state === 'overdue' ? 'overdue' : 'broken');
    if (this.#phase !== 'crashed') return;
    if (evicted) return this.#restartIn(0);
    this.#crashes += 1;
    if (never) this.#giveUp();
    else this.#restartLater(instance.readyAt);
  }

  /** It has ended, and may not be started again: the others go on without it. */
  #giveUp(): void {
    this.#phase = 'over';
    this.#watch?.[Symbol.dispose]();
    this.#plugin.stopAccepting();
    void this.#release();
    this.#options.failed(this.#reason ?? '');
  }

  /** @param readyAt When the instance that broke had become ready. */
  #restartLater(readyAt: number | undefined): void {
    const { log } = this.#options;
    const { delayMs, open } = this.#crashLoop.crashed(performance.now(), readyAt);
    const fields = { plugin: this.name, delay_ms: Math.round(delayMs) };
    this.#phase = open ? 'open' : 'waiting';
    if (open) this.#retryAt = Date.now() + delayMs;
    // Before the log: whoever reads it may stop the host at once.
    this.#restartIn(delayMs);
    if (open) {
      log.error('plugin failed', { ...fields, reason: this.#reason ?? '' });
      this.#plugin.refuseWaiting();
    } else {
      log.info('plugin restarts', fields);
    }
  }

  #restartIn(delayMs: number): void {
    if (this.#phase !== 'open') this.#phase = 'waiting';
    // A reload that is under way brings the next instance, or fails.
    this.#owesRestart = this.#reloading;
    if (this.#reloading) return;
    clearTimeout(this.#restart);
    this.#restart = setTimeout(() => void this.#tryAgain(), delayMs);
  }

  async #tryAgain(): Promise<void> {
    const { log } = this.#options;
    try {
      await this.#begin();
      log.info('plugin restarted', { plugin: this.name, instance: this.#instances });
    } catch (error) {
      if (this.#isStopping()) return;
      // That was not its own doing.
      if ((error as { evicted?: unknown }).evicted === true) return this.#restartIn(0);
      this.#crashes += 1;
      this.#reason = error instanceof Error ? error.message : String(error);
      log.error('plugin restart failed', { plugin: this.name, reason: this.#reason });
      this.#restartLater(undefined);
    }
  }

  #isStopping(): boolean {
    return this.#phase === 'stopping' || this.#phase === 'stopped' || this.#phase === 'over';
  }

  /** An instance that another one has replaced finishes its step, and shuts down. */
  async #retire(old: RunningInstance): Promise<void> {
    this.#retiring.add(old);
    await this.#shutDown(old, performance.now() + retireMs);
    this.#forget(old);
    await this.#leave(old.lease);
  }

  /** Shuts down what runs. False when not all went in order. */
  async #shutDownAll(deadline: number): Promise<boolean> {
    const was = this.#phase;
    const running = this.#running;
    this.#phase = 'stopping';
    clearTimeout(this.#restart);
    // In a turn of its own: this one may be in the middle of taking what an instance has sent.
    await new Promise((resolve) => setImmediate(resolve));
    // Before it is ready no step runs, and what waited for it has been taken back: nothing to wait for.
    for (const starting of [this.#next, running]) {
      if (starting?.isReady === false && !starting.hasEnded)
        await this.#kill(starting, `plugin ${this.name} was stopped`);
    }
    const clean = was !== 'ready' || running === undefined || (await this.#shutDown(running, deadline));
    if (running !== undefined) this.#forget(running);
    for (const old of this.#retiring)
      await within(Math.max(0, deadline - performance.now()), old.ended, late);
    return clean;
  }

  /** Waits for the step that runs, and shuts an instance down. */
  async #shutDown(instance: RunningInstance, deadline: number): Promise<boolean> {
    const { log } = this.#options;
    const plugin = this.name;
    const { attachment } = instance;
    while (attachment.unfinished > 0 && !instance.hasEnded && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    if (attachment.unfinished > 0 && !instance.hasEnded) {
      log.error('plugin cut off', { plugin, unfinished: attachment.unfinished });
      await this.#kill(instance, `plugin ${plugin}, which shares the thread, had to be cut off`);
      return false;
    }
    const left = Math.max(shutdownMs.least, deadline - performance.now());
    const timeoutMs = Math.min(shutdownMs.most, left);
    if (!instance.hasEnded) instance.stop();
    const end = await within(timeoutMs, instance.ended, late);
    if (end === late) {
      const reason = `a step or pulp_shutdown still runs after ${Math.round(timeoutMs)} ms`;
      log.error('plugin cut off', { plugin, reason });
      await this.#kill(instance, `plugin ${plugin}, which shares the thread, had to be cut off`);
      return false;
    }
    if (end.state === 'stopped' && end.code === 0) return true;
    const reason = end.state === 'stopped' ? `pulp_shutdown returned ${end.code}` : describe(end);
    log.error('plugin did not shut down in order', { plugin, reason });
    return false;
  }

  /** An instance is over: what it left is settled. */
  #forget(instance: RunningInstance, outcome: 'broken' | 'overdue' = 'broken'): void {
    this.#plugin.detach(instance.attachment, outcome);
    this.#retiring.delete(instance);
    if (this.#running === instance) this.#running = undefined;
    if (this.#next === instance) this.#next = undefined;
  }

  /** Ends an instance that does not end by itself, with its thread. */
  async #kill(instance: RunningInstance, reason: string): Promise<void> {
    const { lease } = instance;
    if (this.#lease === lease) this.#lease = undefined;
    const killed = lease.kill(reason);
    instance.over({ state: 'overdue', reason });
    if (!(await killed)) this.#left = true;
  }

  /** An instance computes longer than it may. */
  #cutOff(instance: RunningInstance, end: InstanceEnd & { readonly reason: string }): void {
    const { lease } = instance;
    if (this.#lease === lease) this.#lease = undefined;
    void lease.kill(`plugin ${this.name}, which shares the thread: ${end.reason}`).then((ended) => {
      if (!ended) this.#left = true;
    });
    // What it said before is worth hearing.
    this.#plugin.drain();
    instance.over(end);
  }

  #look(now: number): number {
    let next = watchEveryMs;
    for (const instance of this.#instancesNow()) {
      if (instance.hasEnded) continue;
      const sighting = instance.look(now);
      if (sighting.sees === 'overdue') this.#cutOff(instance, { state: 'overdue', reason: sighting.reason });
      if (sighting.sees === 'nothing') next = Math.min(next, sighting.nextMs);
      if (instance === this.#running && this.#phase === 'ready') {
        this.#saw(sighting.sees === 'stuck' ? sighting.call : undefined);
      }
    }
    return next;
  }

  /** A plugin whose native call does not come back is refused until it does: nothing else can be done. */
  #saw(call: { readonly what: string; readonly limitMs: number } | undefined): void {
    if ((call !== undefined) === this.#stuck) return;
    const { log } = this.#options;
    const plugin = this.name;
    this.#stuck = call !== undefined;
    this.#plugin.pause('stuck', this.#stuck);
    if (call === undefined) log.info('plugin goes on', { plugin });
    else log.error('plugin is stuck', { plugin, call: call.what, limit_ms: call.limitMs });
  }

  async #release(): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease !== undefined) await this.#leave(lease);
  }

  async #leave(lease: ThreadLease): Promise<void> {
    if (!(await lease.release())) this.#left = true;
  }

  /** Nothing of the plugin is left behind. */
  async #end(): Promise<void> {
    this.#watch?.[Symbol.dispose]();
    const leases = new Set([this.#lease, ...this.#instancesNow().map(({ lease }) => lease)]);
    this.#lease = undefined;
    for (const instance of this.#instancesNow()) this.#forget(instance);
    for (const lease of leases) if (lease !== undefined) await this.#leave(lease);
    await this.#options.edge.remove(this.#plugin);
  }
}

const late = Symbol('late');

/** What a promise settles with, or `otherwise` when that takes longer. */
async function within<T, O>(ms: number, promise: Promise<T>, otherwise: O): Promise<T | O> {
  const { promise: timeout, resolve } = Promise.withResolvers<O>();
  const timer = setTimeout(() => resolve(otherwise), Math.max(0, ms));
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
