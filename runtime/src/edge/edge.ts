import type { Capability, EdgeEnd, Log, Plugin } from '../ext.ts';
import { Bell } from '../link/bell.ts';
import { inTime } from '../capabilities/set-up.ts';
import { Budget } from './budget.ts';
import { HttpListener, type ListenerOptions } from './listener.ts';
import { EdgePlugin } from './plugin.ts';

/** Bytes that the queues of all plugins and the bodies being received may hold (contract section 6). */
const hostBytes = 256 * 1024 * 1024;

/**
 * How long the edge looks for effects by itself after it last had something to do, in milliseconds. Waking a
 * thread takes longer than most steps; bench/http.ts at one connection shows the difference.
 */
const lookMs = 0.3;

/** With how many unfinished events at most it does so. */
const fewEvents = 4;

/**
 * How long the edge takes what one instance has sent before it turns to the sockets and the others, in milliseconds.
 * The clients that never read and the flood of events of `npm run faults` show the difference.
 */
const sliceMs = 0.5;

/** Ids of one edge lie in a range of their own, so that an id says which edge it belongs to. */
const idsPerEdge = 2 ** 44;

export interface EdgeOptions extends Omit<ListenerOptions, 'budget' | 'log'> {
  /** Which edge of the host this is, from 0. */
  readonly index: number;
  readonly log: Log;
  /** How long the edge end of a capability may take to be set up, in milliseconds. Default 30,000. */
  readonly setUpMs?: number;
}

/** The thread of the sockets: the listener, the edge ends of the capabilities, and the plugins behind them. */
export class Edge {
  readonly bell = new Bell();
  readonly listener: HttpListener;
  readonly #log: Log;
  readonly #setUpMs: number;
  readonly #budget = new Budget(hostBytes);
  readonly #abort = new AbortController();
  readonly #scope = new AsyncDisposableStack();
  readonly #ends = new Map<Capability, Promise<EdgeEnd | undefined>>();
  readonly #plugins = new Set<EdgePlugin>();
  #lastId: number;
  #lookUntil = 0;
  #looking = false;

  constructor(options: EdgeOptions) {
    this.#log = options.log;
    this.#setUpMs = options.setUpMs ?? 30_000;
    this.#lastId = options.index * idsPerEdge;
    this.listener = new HttpListener({ ...options, budget: this.#budget });
    this.#sleep();
  }

  /** Bytes that queues, and bodies being received, hold. */
  get heldBytes(): number {
    return this.#budget.used;
  }

  get maxHeldBytes(): number {
    return this.#budget.limit;
  }

  /** Adds a plugin. */
  plugin(plugin: Plugin): EdgePlugin {
    const added = new EdgePlugin({
      plugin,
      end: (capability) => this.#end(capability),
      budget: this.#budget,
      log: this.#log,
      nextId: () => ++this.#lastId,
      pushed: () => this.#look(),
    });
    this.#plugins.add(added);
    return added;
  }

  async remove(plugin: EdgePlugin): Promise<void> {
    this.#plugins.delete(plugin);
    await plugin.close();
  }

  async close(): Promise<void> {
    for (const plugin of this.#plugins) await this.remove(plugin);
    this.#abort.abort();
    await this.#scope.disposeAsync();
  }

  #end(capability: Capability): Promise<EdgeEnd | undefined> {
    let end = this.#ends.get(capability);
    if (end === undefined) {
      end = this.#setUp(capability);
      this.#ends.set(capability, end);
      // The next instance tries again.
      end.catch(() => this.#ends.delete(capability));
    }
    return end;
  }

  async #setUp(capability: Capability): Promise<EdgeEnd | undefined> {
    const context = {
      listener: this.listener,
      log: this.#log,
      signal: this.#abort.signal,
      scope: this.#scope,
    };
    const setUp = async (): Promise<EdgeEnd | undefined> => {
      if (capability.edge === undefined) return undefined;
      const end: unknown = await capability.edge(context);
      if (typeof (end as Partial<EdgeEnd> | undefined)?.plugin === 'function') return end as EdgeEnd;
      throw new Error('it gave no `plugin` function');
    };
    return inTime(setUp(), { capability, what: 'its edge end', ms: this.#setUpMs });
  }

  /** Looks for effects in every turn of the event loop for a moment. Hot. */
  #look(): void {
    this.#lookUntil = performance.now() + lookMs;
    if (this.#looking) return;
    this.#looking = true;
    this.bell.stayAwake();
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    for (const plugin of this.#plugins) plugin.wake();
    if (this.#drain()) this.#lookUntil = performance.now() + lookMs;
    if (this.#looksPay && performance.now() < this.#lookUntil) setImmediate(this.#turn);
    else this.#sleep();
  };

  #sleep(): void {
    // What the ends pushed as their events were settled is not announced yet, and this may be the last turn for long.
    for (const plugin of this.#plugins) plugin.wake();
    this.#looking = false;
    if (this.bell.fallAsleep(this.#wake, this.#ready)) return;
    this.#looking = true;
    setImmediate(this.#turn);
  }

  readonly #wake = (): void => {
    if (this.#looking) return;
    this.#looking = true;
    this.#turn();
  };

  readonly #ready = (): boolean => {
    for (const plugin of this.#plugins) if (plugin.hasEffects) return true;
    return false;
  };

  /** Looking pays when an answer is near: with few events under way. Behind many the bell is early enough. */
  get #looksPay(): boolean {
    let unfinished = 0;
    for (const plugin of this.#plugins) unfinished += plugin.unfinished;
    return unfinished > 0 && unfinished <= fewEvents;
  }

  /** True when anything was there. */
  #drain(): boolean {
    let worked = false;
    for (const plugin of this.#plugins) {
      if (!plugin.hasEffects) continue;
      worked = true;
      plugin.drain(sliceMs);
    }
    return worked;
  }
}
