import type { Edge } from '../edge/edge.ts';
import type { EdgePlugin } from '../edge/plugin.ts';
import type { Slot } from '../edge/slot.ts';
import type { Log } from '../ext.ts';
import type { PluginSpec } from '../manifest/plugin-spec.ts';
import type { Deployment } from '../plugin-thread/protocol.ts';
import type { LoadedPlugin } from './load-plugin.ts';
import type { PluginThread } from './plugin-thread.ts';
import type { PluginThreads, Tenant, ThreadLease } from './plugin-threads.ts';
import { type InstanceEnd, RunningInstance } from './running-instance.ts';
import { shutDown } from './shut-down.ts';
import { late, within } from './within.ts';

/** Why one that was starting did not come up. */
const stopped = 'it was stopped';

/** How long an instance that another one has replaced has for the step that it is in, in milliseconds. */
const retireMs = 30_000;

export interface InstancesOptions {
  readonly edge: Edge;
  readonly threads: PluginThreads;
  readonly deployment: Deployment;
  readonly log: Log;
  readonly debug: boolean;
  /** Called when the init of an instance has succeeded. */
  ready(instance: RunningInstance): void;
  /** Called once when an instance has ended. */
  ended(instance: RunningInstance, end: InstanceEnd): void;
}

/**
 * The instances that a plugin has at one time: the one that serves or will, the one that is to replace it, and those
 * that were replaced and finish their last step; and the places in threads that they have.
 */
export class Instances {
  readonly #name: string;
  readonly #plugin: EdgePlugin;
  readonly #options: InstancesOptions;
  readonly #retiring = new Set<RunningInstance>();
  #serving: RunningInstance | undefined;
  #next: RunningInstance | undefined;
  /** The place in a thread that instances start in, as long as that is good. */
  #lease: ThreadLease | undefined;
  /** Threads that could not be ended yet. */
  readonly #left = new Set<PluginThread>();
  #count = 0;
  /** What those that are forgotten have computed, in milliseconds. */
  #computedBefore = 0;

  /** @param plugin Whose they are, at the edge. */
  constructor(name: string, plugin: EdgePlugin, options: InstancesOptions) {
    this.#name = name;
    this.#plugin = plugin;
    this.#options = options;
  }

  /** How many there were so far: each has its number. */
  get count(): number {
    return this.#count;
  }

  /** The one that serves, or will. */
  get serving(): RunningInstance | undefined {
    return this.#serving;
  }

  /** Which thread of the host the one that serves is in, or the next one will be in. */
  get thread(): number | undefined {
    return (this.#serving?.lease ?? this.#lease)?.index;
  }

  /** Bytes of memory that they have. */
  get memory(): number {
    let bytes = 0;
    for (const instance of this.all()) bytes += instance.memory;
    return bytes;
  }

  /** For how long they have computed, those before them included, in milliseconds. */
  get computedMs(): number {
    let ms = this.#computedBefore;
    for (const instance of this.all()) ms += instance.computedMs;
    return ms;
  }

  /** Whether one is where nothing can end it: in a native call, or in a thread that could not be ended. */
  get uninterruptible(): boolean {
    return this.lingers || this.all().some(({ insideNative }) => insideNative);
  }

  /** Whether a thread of theirs goes on that was to end: it is inside of a native call. */
  get lingers(): boolean {
    return this.#left.size > 0;
  }

  /** One that was replaced and is not down yet. */
  get retiring(): RunningInstance | undefined {
    const [first] = this.#retiring;
    return first;
  }

  all(): readonly RunningInstance[] {
    return [this.#serving, this.#next, ...this.#retiring].filter((instance) => instance !== undefined);
  }

  /** Begins one: the one that serves, or, `beside` that, the one that is to replace it. */
  begin(loaded: LoadedPlugin, slots: readonly Slot[], beside: boolean): RunningInstance {
    const lease = beside || this.#lease === undefined ? this.#acquire(loaded.spec, beside) : this.#lease;
    if (!beside) this.#lease = lease;
    this.#count += 1;
    const instance = new RunningInstance({
      ...this.#options,
      loaded,
      number: this.#count,
      lease,
      plugin: this.#plugin,
      slots,
    });
    if (beside) this.#next = instance;
    else this.#serving = instance;
    return instance;
  }

  /** One that was begun did not come up. What it had is given back, but for the place of those that serve. */
  async abandon(instance: RunningInstance, beside: boolean): Promise<void> {
    this.forget(instance);
    if (beside) await this.#leave(instance.lease);
  }

  /** Whether one that is ready now is awaited: it may have been replaced, or called off, before it came up. */
  awaits(instance: RunningInstance): boolean {
    return instance === this.#next || instance === this.#serving;
  }

  /** One that is ready serves from now on; the one that it replaces finishes its step, and shuts down. */
  takeOver(instance: RunningInstance): void {
    const old = this.#serving;
    if (instance === this.#next) {
      this.#next = undefined;
      this.#serving = instance;
      const left = this.#lease;
      this.#lease = instance.lease;
      // What it was to replace has broken meanwhile: nobody else gives that place back.
      if (old === undefined && left !== undefined) void this.#leave(left);
    }
    this.#plugin.ready(instance.attachment);
    if (old !== undefined && old !== instance) void this.#retire(old);
  }

  /**
   * Shuts all of them down, waiting until `deadline` on the clock of `performance.now()` for the steps that run. False
   * when not all went in order.
   */
  async shutDown(deadline: number): Promise<boolean> {
    // In a turn of its own: this one may be in the middle of taking what an instance has sent.
    await new Promise((resolve) => setImmediate(resolve));
    for (const starting of this.#starting) await this.#callOff(starting, deadline);
    const serving = this.#serving;
    const clean = serving?.readyAt === undefined || (await this.#shutDown(serving, deadline));
    if (serving !== undefined) this.forget(serving);
    for (const old of this.#retiring) {
      const end = await within(Math.max(0, deadline - performance.now()), old.ended);
      if (end === late) await this.kill(old, stopped, this.#stopped);
    }
    return clean;
  }

  /** Ends what is starting and has a thread to itself: nobody waits for it any more. */
  callOff(): void {
    for (const starting of this.#starting) {
      if (starting.lease.tenants > 1) continue;
      void this.#killThread(starting.lease, stopped);
      starting.over({ state: 'called-off', reason: stopped });
    }
  }

  /** One is over: what it left is settled. */
  forget(instance: RunningInstance): void {
    if (this.all().includes(instance)) this.#computedBefore += instance.computedMs;
    this.#plugin.detach(instance.attachment, instance.how?.state === 'overdue' ? 'overdue' : 'broken');
    this.#retiring.delete(instance);
    if (this.#serving === instance) this.#serving = undefined;
    if (this.#next === instance) this.#next = undefined;
  }

  /** Ends one that does not end by itself, with its thread; who shares that hears `others`. */
  async kill(instance: RunningInstance, reason: string, others = reason): Promise<void> {
    const killed = this.#killThread(instance.lease, others);
    instance.over({ state: 'overdue', reason });
    await killed;
  }

  /** Ends one that computes longer than it may, without waiting for its thread. */
  cutOff(instance: RunningInstance, reason: string): void {
    void this.#killThread(instance.lease, `plugin ${this.#name}, which shares the thread: ${reason}`);
    // What it said before is worth hearing.
    this.#plugin.drain();
    instance.over({ state: 'overdue', reason });
  }

  /** Gives the place in a thread back that the next one would start in. */
  async release(): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease !== undefined) await this.#leave(lease);
  }

  /** Nothing of them is left behind. */
  async end(): Promise<void> {
    const all = this.all();
    const leases = new Set([this.#lease, ...all.map(({ lease }) => lease)]);
    this.#lease = undefined;
    for (const instance of all) this.forget(instance);
    for (const lease of leases) if (lease !== undefined) await this.#leave(lease);
  }

  /** Those that were begun, and are neither ready nor over. */
  get #starting(): readonly RunningInstance[] {
    return [this.#next, this.#serving].filter(
      (instance) => instance?.isReady === false && !instance.hasEnded,
    ) as readonly RunningInstance[];
  }

  get #stopped(): string {
    return `plugin ${this.#name}, which shares the thread, was stopped`;
  }

  /**
   * Ends one that is starting. Before it is ready no step runs, and what waited for it has been taken back, so in a
   * thread of its own there is nothing to wait for. Others in its thread are to shut down in order, and it before them.
   */
  async #callOff(starting: RunningInstance, deadline: number): Promise<void> {
    if (starting.lease.tenants === 1) return this.kill(starting, stopped);
    this.#retiring.add(starting);
    if (starting === this.#next) this.#next = undefined;
    else this.#serving = undefined;
    const end = await within(Math.max(0, deadline - performance.now()), starting.started);
    if (end === undefined) await this.#shutDown(starting, deadline);
    else if (end === late) await this.kill(starting, stopped, this.#stopped);
    this.forget(starting);
    if (starting.lease !== this.#lease) await this.#leave(starting.lease);
  }

  #acquire({ dedicatedThread: dedicated }: PluginSpec, beside: boolean): ThreadLease {
    const instances = (): readonly RunningInstance[] => this.all().filter((one) => one.lease === lease);
    const end = (why: InstanceEnd): void => {
      if (this.#lease === lease) this.#lease = undefined;
      for (const instance of instances()) instance.over(why);
    };
    const tenant: Tenant = {
      get busy() {
        return instances().some((instance) => instance.busy);
      },
      died: (error) =>
        end({ state: 'trapped', entry: 'the plugin thread', reason: error.stack ?? error.message }),
      evicted: (reason) => end({ state: 'evicted', reason }),
    };
    const extra = beside && this.#lease?.tenants === 1;
    const lease: ThreadLease = this.#options.threads.acquire(tenant, { dedicated, extra });
    return lease;
  }

  async #retire(old: RunningInstance): Promise<void> {
    this.#retiring.add(old);
    await this.#shutDown(old, performance.now() + retireMs);
    this.forget(old);
    await this.#leave(old.lease);
  }

  #shutDown(instance: RunningInstance, deadline: number): Promise<boolean> {
    const { log } = this.#options;
    const kill = (reason: string): Promise<void> => this.kill(instance, reason);
    return shutDown(instance, { plugin: this.#name, deadline, log, kill });
  }

  async #killThread(lease: ThreadLease, reason: string): Promise<void> {
    if (this.#lease === lease) this.#lease = undefined;
    if (!(await lease.kill(reason))) this.#leaveBehind(lease);
  }

  async #leave(lease: ThreadLease): Promise<void> {
    if (!(await lease.release())) this.#leaveBehind(lease);
  }

  #leaveBehind({ thread }: ThreadLease): void {
    this.#left.add(thread);
    void thread.end().then(() => this.#left.delete(thread));
  }
}
