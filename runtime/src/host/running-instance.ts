import type { Attachment } from '../edge/attachment.ts';
import type { Edge } from '../edge/edge.ts';
import type { EdgePlugin } from '../edge/plugin.ts';
import type { Slot } from '../edge/slot.ts';
import type { Log } from '../ext.ts';
import { ActivityWatch, createActivity } from '../plugin-thread/activity.ts';
import { createNativeCalls, NativeCallWatch, type OverdueCall } from '../plugin-thread/native-calls.ts';
import {
  decodeLog,
  decodeState,
  type Deployment,
  HostEffect,
  type InstanceState,
} from '../plugin-thread/protocol.ts';
import type { LoadedPlugin } from './load-plugin.ts';
import type { ThreadLease } from './plugin-threads.ts';
import { watchEveryMs } from './watchdog.ts';

/** How an instance ended: as it said, or as was seen from outside. */
export type InstanceEnd =
  | Exclude<InstanceState, { state: 'ready' }>
  /** It computed longer than it may. */
  | { readonly state: 'overdue'; readonly reason: string }
  /** Its thread was ended for another reason than its own. */
  | { readonly state: 'evicted'; readonly reason: string }
  /** It was starting, and an operator has asked for something else. */
  | { readonly state: 'called-off'; readonly reason: string };

export interface RunningInstanceOptions {
  readonly loaded: LoadedPlugin;
  /** Which start of the plugin this is, from 1. */
  readonly number: number;
  readonly lease: ThreadLease;
  readonly edge: Edge;
  readonly plugin: EdgePlugin;
  readonly slots: readonly Slot[];
  readonly deployment: Deployment;
  readonly debug: boolean;
  readonly log: Log;
  /** Called when its init has succeeded. */
  ready(instance: RunningInstance): void;
  /** Called once when it has ended. It may be in the middle of taking what it has sent. */
  ended(instance: RunningInstance, end: InstanceEnd): void;
}

/** From when on a native call is waited for, in milliseconds: a shorter one is over when its thread is ended. */
const longCallMs = 500;

/** How an instance is watched. */
export type Sighting =
  /** It computes longer than it may: it has to be ended. */
  | { readonly sees: 'overdue'; readonly reason: string }
  /** It is, or another guest of its thread is, inside of a native call that has taken too long and cannot be ended. */
  | { readonly sees: 'stuck'; readonly call: OverdueCall }
  /** All is well. It has to be looked at again within so many milliseconds. */
  | { readonly sees: 'nothing'; readonly nextMs: number };

/** An instance of a plugin as its supervisor holds it: its thread, its link, and what is seen of it from outside. */
export class RunningInstance {
  readonly number: number;
  readonly loaded: LoadedPlugin;
  readonly lease: ThreadLease;
  readonly attachment: Attachment;
  /** Settles when its init has succeeded (undefined), or when it has ended. */
  readonly started: Promise<InstanceEnd | undefined>;
  readonly ended: Promise<InstanceEnd>;
  readonly #key: number;
  readonly #options: RunningInstanceOptions;
  readonly #native: NativeCallWatch;
  readonly #activity: ActivityWatch;
  readonly #start = Promise.withResolvers<InstanceEnd | undefined>();
  readonly #end = Promise.withResolvers<InstanceEnd>();
  #phase: 'starting' | 'ready' | 'ended' = 'starting';
  #readyAt: number | undefined;
  #readySince: number | undefined;
  #how: InstanceEnd | undefined;
  #computedMs: number | undefined;

  constructor(options: RunningInstanceOptions) {
    const { loaded, number, lease, edge, plugin, slots, deployment, debug } = options;
    const { spec, module, info } = loaded;
    this.#options = options;
    this.number = number;
    this.loaded = loaded;
    this.lease = lease;
    this.started = this.#start.promise;
    this.ended = this.#end.promise;
    this.#key = lease.nextKey();
    const nativeCalls = createNativeCalls();
    const activity = createActivity();
    this.#native = new NativeCallWatch(nativeCalls);
    this.#activity = new ActivityWatch(activity);
    const link = lease.thread.link(edge.bell);
    this.attachment = plugin.attach({
      instance: number,
      link: link.edge,
      slots,
      host: (kind, payload) => this.#said(kind, payload),
    });
    lease.thread.start(
      { instance: this.#key, spec, deployment, module, info, debug, nativeCalls, activity },
      link,
    );
  }

  get isReady(): boolean {
    return this.#phase === 'ready';
  }

  get hasEnded(): boolean {
    return this.#phase === 'ended';
  }

  /** How it ended. */
  get how(): InstanceEnd | undefined {
    return this.#how;
  }

  /** When it became ready, on the clock of `performance.now()`. */
  get readyAt(): number | undefined {
    return this.#readyAt;
  }

  /** The same in milliseconds since 1970. */
  get readySince(): number | undefined {
    return this.#readySince;
  }

  /** Bytes of its memory. */
  get memory(): number {
    return this.#phase === 'ended' ? 0 : this.#activity.memory;
  }

  /** For how long it has computed, in milliseconds. */
  get computedMs(): number {
    return this.#computedMs ?? this.#activity.computedMs(performance.now());
  }

  /** Whether it is inside of a call that nothing can end. */
  get insideNative(): boolean {
    return this.#native.inside;
  }

  /** Whether the guest computes, or is inside of a native call. */
  get busy(): boolean {
    return this.#phase !== 'ended' && (this.#activity.computesSince !== undefined || this.#native.inside);
  }

  /** Asks it to shut down. */
  stop(): void {
    this.lease.thread.stop(this.#key);
  }

  /** It is over, as was seen from outside. Nothing that it says counts any more. */
  over(end: InstanceEnd): void {
    if (this.#phase === 'ended') return;
    // One that was cut off never says that it computes no more.
    this.#computedMs = this.computedMs;
    this.#phase = 'ended';
    this.#how = end;
    this.#start.resolve(end);
    this.#end.resolve(end);
    this.#options.ended(this, end);
  }

  /** Looks at what it is doing. */
  look(now: number): Sighting {
    const { callTimeoutMs } = this.loaded.spec;
    const call = this.#stuckIn(now);
    if (call !== undefined) return { sees: 'stuck', call };
    const native = this.#native.time(now);
    const since = this.#activity.computesSince;
    if (since === undefined) {
      // What begins right behind this look has to be seen before its time is over.
      return { sees: 'nothing', nextMs: Math.min(watchEveryMs, Math.max(10, callTimeoutMs / 2)) };
    }
    // Native calls have a time of their own, but many short ones must not go on for ever.
    const computes = callTimeoutMs - (now - since - native.spentMs);
    const goesOn = callTimeoutMs + native.limitMs - (now - since - native.spentMs + native.countedMs);
    const left = Math.min(computes, goesOn);
    if (left > 0) return { sees: 'nothing', nextMs: Math.min(watchEveryMs, left) };
    // Its thread could not be ended before the call is over.
    if (native.insideMs > longCallMs) return { sees: 'nothing', nextMs: watchEveryMs };
    const reason = `${this.#activity.entry} took longer than call_timeout_ms, ${callTimeoutMs} ms`;
    return { sees: 'overdue', reason };
  }

  /** The call that keeps it from going on: its own, or that of another guest in its thread. */
  #stuckIn(now: number): OverdueCall | undefined {
    const { thread } = this.lease;
    const own = this.#native.overdue(now);
    if (own !== undefined) {
      thread.stuck = { plugin: this.loaded.spec.name, native: this.#native };
      return own;
    }
    const other = thread.stuck?.native.overdue(now);
    if (thread.stuck === undefined || other === undefined) {
      thread.stuck = undefined;
      return undefined;
    }
    return { ...other, what: `of ${thread.stuck.plugin}, in the same thread: ${other.what}` };
  }

  /** What it says to the host. */
  #said(kind: number, payload: Uint8Array): void {
    if (kind === HostEffect.log) {
      const { level, message, fields } = decodeLog(payload);
      this.#options.log[level](message, fields);
      return;
    }
    const state = decodeState(payload);
    if (state.state !== 'ready') return this.over(state);
    if (this.#phase !== 'starting') return;
    this.#phase = 'ready';
    this.#readyAt = performance.now();
    this.#readySince = Date.now();
    this.#options.ready(this);
    this.#start.resolve(undefined);
  }
}

/** What is said of an end in a log line. */
export function describe(end: InstanceEnd): string {
  return end.state === 'stopped' ? `it stopped with ${end.code}` : end.reason;
}
