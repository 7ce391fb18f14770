import { totalmem } from 'node:os';
import type { Log } from '../ext.ts';

/** How long the memory may be used up before the plugin that has the most is started again, in milliseconds. */
const graceMs = 5000;

/** How often the memory is added up, in milliseconds, while there is plenty of it, and from three quarters on. */
const lookMs = { calm: 250, near: 50 };

/** From how many times the limit on there is no such time: what is left of the machine may be used up by then. */
const gross = 1.125;

/** A plugin as the guard knows it. */
export interface Guarded {
  readonly name: string;
  /** Bytes of its linear memory. */
  readonly memory: number;
  /** Takes no new requests, or takes them again. */
  refuseForMemory(refuse: boolean): void;
  /** Ends the instance, as if it had broken. */
  breakOff(reason: string): void;
}

/**
 * What all guests may have together: three quarters of what the machine, or the control group that the process is
 * in, gives.
 */
export function defaultMaxMemory(): number {
  const limit = process.constrainedMemory();
  const machine = totalmem();
  return Math.floor((limit > 0 && limit < machine ? limit : machine) * 0.75);
}

/**
 * Holds the linear memory of all guests together against a limit. A guest's memory never shrinks, so with the limit
 * reached those that have more than their share are refused new requests, and when that lasts, or is far above the
 * limit, the one that has the most is started afresh. Whoever has less than an equal share notices nothing.
 */
export class MemoryGuard {
  readonly limit: number;
  readonly #plugins: () => readonly Guarded[];
  readonly #log: Log;
  #refused: readonly Guarded[] = [];
  #overSince: number | undefined;

  constructor(limit: number, options: { readonly plugins: () => readonly Guarded[]; readonly log: Log }) {
    this.limit = limit;
    this.#plugins = options.plugins;
    this.#log = options.log;
  }

  /** Bytes that all guests have. */
  get used(): number {
    let bytes = 0;
    for (const { memory } of this.#plugins()) bytes += memory;
    return bytes;
  }

  /** Looks, and says in how many milliseconds it wants to look again. */
  look(now: number): number {
    const { used } = this;
    if (used < this.limit) this.#overSince = undefined;
    else this.#overSince ??= now;
    const plugins = this.#plugins();
    const share = this.limit / Math.max(1, plugins.length);
    const over = used < this.limit ? [] : plugins.filter(({ memory }) => memory >= share);
    this.#refuse(over, used);
    const allowedMs = used >= this.limit * gross ? 0 : graceMs;
    if (this.#overSince !== undefined && now - this.#overSince >= allowedMs) {
      this.#overSince = undefined;
      const [most] = over.toSorted((one, other) => other.memory - one.memory);
      most?.breakOff(`the memory of all plugins is used up, and it has the most: ${most.memory} bytes`);
    }
    return used < this.limit * 0.75 ? lookMs.calm : lookMs.near;
  }

  #refuse(over: readonly Guarded[], used: number): void {
    for (const plugin of this.#refused) if (!over.includes(plugin)) plugin.refuseForMemory(false);
    for (const plugin of over) {
      if (this.#refused.includes(plugin)) continue;
      plugin.refuseForMemory(true);
      this.#log.error('plugin over memory', {
        plugin: plugin.name,
        memory_bytes: plugin.memory,
        all_bytes: used,
        max_bytes: this.limit,
      });
    }
    this.#refused = over;
  }
}
