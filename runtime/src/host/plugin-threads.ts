import type { ExtensionModule } from '../capabilities/import-extension.ts';
import { PluginThread } from './plugin-thread.ts';

/** Who is in a thread hears of its end, unless it was his doing. */
export interface Tenant {
  /** Whether a guest of his computes. */
  readonly busy: boolean;
  /** The thread ended by itself: an error of ours, or out of memory. */
  died(error: Error): void;
  /** The thread was ended for the sake of somebody else in it. */
  evicted(reason: string): void;
}

/** A place in a plugin thread. */
export interface ThreadLease {
  readonly thread: PluginThread;
  /** Which thread of the host it is, from 1. */
  readonly index: number;
  /** How many share it, this one included. */
  readonly tenants: number;
  /** A number for an instance that no other in any thread has. */
  nextKey(): number;
  /** Gives the place back. The thread ends with its last one; false when it still runs, inside of a native call. */
  release(): Promise<boolean>;
  /** Ends the thread whoever is in it; the others are told `reason`. False as above. */
  kill(reason: string): Promise<boolean>;
}

interface Occupied {
  readonly thread: PluginThread;
  readonly index: number;
  readonly dedicated: boolean;
  readonly tenants: Set<Tenant>;
}

/** A thread, and who hears of its end. */
interface Begun {
  readonly thread: PluginThread;
  died: (error: Error) => void;
}

/**
 * The plugin threads of a host. Each plugin has one to itself while there are few; beyond the limit plugins share
 * the threads that have the fewest.
 */
export class PluginThreads {
  readonly #max: number;
  readonly #extensions: readonly ExtensionModule[];
  #threads: readonly Occupied[] = [];
  /** One that begins ahead of who will be in it. */
  #spare: Begun | undefined;
  /** How many more will be asked for soon. */
  #expected = 0;
  #indexes = 0;
  #keys = 0;

  constructor(options: { readonly max: number; readonly extensions?: readonly ExtensionModule[] }) {
    this.#max = options.max;
    this.#extensions = options.extensions ?? [];
  }

  /**
   * A place for a tenant. `dedicated`: in a thread that nobody shares, ever. `extra`: in a new one, whatever the limit,
   * since it replaces another that is to end.
   */
  acquire(
    tenant: Tenant,
    { dedicated, extra = false }: { readonly dedicated: boolean; readonly extra?: boolean },
  ): ThreadLease {
    const shared = this.#threads.filter((thread) => !thread.dedicated);
    const free = dedicated || extra || shared.length < this.#max;
    const [least] = shared.toSorted((one, other) => one.tenants.size - other.tenants.size);
    const place = free || least === undefined ? this.#open(dedicated) : least;
    place.tenants.add(tenant);
    return {
      thread: place.thread,
      index: place.index,
      get tenants() {
        return place.tenants.size;
      },
      nextKey: () => ++this.#keys,
      release: async () => {
        if (!place.tenants.delete(tenant) || place.tenants.size > 0) return true;
        return this.#end(place);
      },
      kill: async (reason) => {
        place.tenants.delete(tenant);
        const others = [...place.tenants];
        place.tenants.clear();
        const ended = this.#end(place);
        for (const other of others) other.evicted(reason);
        return ended;
      },
    };
  }

  /**
   * So many places will be asked for soon. A thread takes a while to begin, which it does ahead of being asked for, one at
   * a time, until {@link dismiss}.
   */
  prepare(count: number): void {
    this.#expected = Math.min(count, this.#max);
    this.#begin();
  }

  /** No more places are asked for than there were. */
  async dismiss(): Promise<void> {
    const spare = this.#spare;
    this.#expected = 0;
    this.#spare = undefined;
    await spare?.thread.terminate();
  }

  #begin(): void {
    if (this.#expected > 0) this.#spare ??= this.#begun();
  }

  #begun(): Begun {
    const begun: Begun = {
      thread: new PluginThread({ extensions: this.#extensions, died: (error) => begun.died(error) }),
      // Whoever asks for a thread now gets another, and hears of it if that ends as well.
      died: () => {
        if (this.#spare === begun) this.#spare = undefined;
      },
    };
    return begun;
  }

  #open(dedicated: boolean): Occupied {
    const begun = this.#spare ?? this.#begun();
    const tenants = new Set<Tenant>();
    const place = { thread: begun.thread, index: ++this.#indexes, dedicated, tenants };
    begun.died = (error) => {
      this.#threads = this.#threads.filter((other) => other !== place);
      const all = [...tenants];
      tenants.clear();
      // Whose guest computed alone has done it, as by filling the heap. Otherwise nobody can tell.
      const busy = all.filter((tenant) => tenant.busy);
      const guilty = busy.length === 1 ? busy : all;
      for (const tenant of all) {
        if (guilty.includes(tenant)) tenant.died(error);
        else tenant.evicted(`the thread, which another plugin shares, ended: ${error.message}`);
      }
    };
    this.#threads = [...this.#threads, place];
    this.#spare = undefined;
    this.#expected -= 1;
    this.#begin();
    return place;
  }

  #end(place: Occupied): Promise<boolean> {
    this.#threads = this.#threads.filter((other) => other !== place);
    return place.thread.terminate();
  }
}
