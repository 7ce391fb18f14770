import { isDeepStrictEqual } from 'node:util';
import type { Capability, PluginEnd, Port } from '../ext.ts';

/** The options of a capability: its validated table. */
export type SlotOptions = Readonly<Record<string, unknown>>;

/**
 * A capability of a plugin at the edge: its end there, with what is given back when that is over. It stays over
 * restarts, and over reloads that leave the capability's options as they are.
 */
export class Slot {
  readonly capability: Capability;
  readonly options: SlotOptions;
  readonly #abort = new AbortController();
  readonly scope = new AsyncDisposableStack();
  /** How many kinds of events it has. */
  readonly kinds: number;
  /** Undefined when the capability has nothing at the edge. */
  readonly end: PluginEnd | undefined;
  /** Its place in the list of the instance that takes events: negative while that does not have the capability. */
  channel = -1;

  /** @param end Makes the end, which is given its port. */
  constructor(
    { capability, options }: { readonly capability: Capability; readonly options: SlotOptions },
    end: (slot: Slot) => PluginEnd | undefined,
  ) {
    this.capability = capability;
    this.options = options;
    this.kinds = capability.events?.length ?? 0;
    this.end = end(this);
  }

  /** Aborted when no instance will use this slot any more. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Gives back what the end holds. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.scope.disposeAsync();
  }

  /** Whether it serves a manifest with this capability and these options as it is. */
  fits(capability: Capability, options: SlotOptions): boolean {
    return this.capability === capability && isDeepStrictEqual(this.options, options);
  }
}

/** Makes the port of a slot. */
export type PortOf = (slot: Slot) => Port;
