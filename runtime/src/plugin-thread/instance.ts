import { join } from 'node:path';
import { binHeader, eventPrefix } from '../abi/step-event.ts';
import { Code } from '../abi/codes.ts';
import {
  type Capability,
  type Delivery,
  Failure,
  type GuestContext,
  type GuestEnd,
  type Log,
  type LogFields,
} from '../ext.ts';
import { functionsOf } from '../capabilities/functions-of.ts';
import type { Registry } from '../capabilities/registry.ts';
import { inTime } from '../capabilities/set-up.ts';
import { type AnyHostFunction, bindImports, mayWait } from '../guest/bind.ts';
import { Guest, GuestAllocationError, GuestTrap } from '../guest/guest.ts';
import type { Later } from '../guest/later.ts';
import type { ModuleMemory } from '../guest/module.ts';
import { GuestOutput } from '../guest/output.ts';
import { createWasi } from '../guest/wasi.ts';
import { hostChannel, type TakenEvent, type ThreadLink } from '../link/link.ts';
import { Activity, Entry } from './activity.ts';
import { shared } from './monotonic.ts';
import { NativeCalls } from './native-calls.ts';
import {
  encodeHostEffect,
  HostEffect,
  type InstanceState,
  type LogEffect,
  type StartCommand,
} from './protocol.ts';
import { Ticks } from './ticks.ts';
import type { Waits } from './waits.ts';
import { WallClock } from './wall-clock.ts';

/** How often a heartbeat is logged at most, in milliseconds. */
const heartbeatMs = 60_000;

export interface InstanceOptions {
  readonly command: StartCommand;
  readonly registry: Registry;
  readonly link: ThreadLink;
  /** Where the thread counts what it waits for. */
  readonly waits: Waits;
  /** Called once when it has ended: nothing may keep it, since its memory is only given back then. */
  ended(instance: Instance): void;
}

type Phase = 'starting' | 'idle' | 'busy' | 'ended';

/** One instance of a plugin in its thread: the guest, its ends of the capabilities, and its link to the edge. */
export class Instance {
  readonly number: number;
  /** Set while the guest waits for the host: its turn goes on when the wait is over. */
  parked: (() => void) | undefined;
  readonly #options: InstanceOptions;
  readonly #log: Log;
  readonly #output: GuestOutput;
  readonly #abort = new AbortController();
  readonly #scope = new AsyncDisposableStack();
  readonly #guest: Guest;
  readonly #channels: readonly Capability[];
  readonly #prefixes: readonly (readonly Uint8Array[])[];
  readonly #native: NativeCalls;
  readonly #activity: Activity;
  #ends: readonly (GuestEnd | undefined)[] = [];
  #phase: Phase = 'starting';
  #stopping = false;
  /** Set once the instance has said that it ended: what it would send later nobody takes. */
  #silent = false;
  #event: TakenEvent | undefined;
  readonly #clock = new WallClock();
  readonly #ticks: Ticks;
  #nextHeartbeat = 0;
  #nextComplaint = 0;

  constructor(options: InstanceOptions) {
    const { command, registry } = options;
    const { spec, info } = command;
    this.#options = options;
    this.number = command.instance;
    this.#ticks = new Ticks(spec.tickIntervalMs);
    this.#native = new NativeCalls(command.nativeCalls);
    this.#activity = new Activity(command.activity);
    this.#channels = registry.channels(spec.capabilities);
    this.#prefixes = this.#channels.map(({ events = [] }) => events.map(eventPrefix));
    this.#log = this.#logger();
    this.#output = new GuestOutput({
      line: (fd, text) => this.#log.info(text, { stream: fd === 1 ? 'stdout' : 'stderr' }),
      dropped: (count) => this.#log.warn('guest output dropped', { lines: count }),
    });
    const declared = new Set(this.#channels.map(({ name }) => name));
    const { memory } = info;
    this.#guest = new Guest({
      suspendable: mayWait(info, registry.imports, declared),
      goBuilt: info.goBuilt,
      grown: (bytes) => (this.#activity.memory = bytes),
      ...(memory?.imported === true ? { memory: importedMemory(memory, spec.maxMemoryPages) } : {}),
    });
  }

  /** Whether a turn would do something now. Hot: it is asked while spinning. */
  due(now: number): boolean {
    if (this.#phase !== 'idle') return false;
    return this.#options.link.ready || this.#stopping || now >= this.#ticks.next;
  }

  /** When the next tick is due, on the clock of `performance.now()`. */
  get nextTick(): number {
    return this.#phase === 'idle' ? this.#ticks.next : Number.POSITIVE_INFINITY;
  }

  get ended(): boolean {
    return this.#phase === 'ended';
  }

  /** Bytes of its memory, as far as the host has seen it grow. */
  get memoryBytes(): number {
    return this.#activity.memory;
  }

  /** Makes the guest ends, instantiates the module and runs its init. Never rejects: it says how it went. */
  async start(): Promise<void> {
    try {
      await this.#start();
      this.#left();
      this.#phase = 'idle';
      this.#ticks.begin(performance.now());
      this.#state({ state: 'ready' });
    } catch (error) {
      await this.#end({ state: 'failed', reason: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Asks for a shutdown: the instance makes it its next turn. */
  stop(): void {
    this.#stopping = true;
  }

  /** One step, or the shutdown. Never throws or rejects. Only for an instance that is due. */
  turn(now: number): Later<void> {
    this.#phase = 'busy';
    this.#native.reset();
    this.#activity.enter(this.#stopping ? Entry.shutdown : Entry.step, now);
    try {
      if (this.#stopping) return this.#shutdown();
      const step = this.#step(now);
      if (step instanceof Promise) return step.then(this.#stepped, this.#broke);
      this.#stepped(step);
    } catch (error) {
      return this.#broke(error);
    }
  }

  async #start(): Promise<void> {
    const { command, registry, waits } = this.#options;
    const passedMs = shared(performance.now()) - command.postedAt;
    const setUpMs = Math.max(1, command.deployment.setUpMs - passedMs);
    this.#ends = await Promise.all(
      this.#channels.map((capability, channel) => {
        const make = async (): Promise<GuestEnd | undefined> =>
          capability.guest?.(this.#context(capability, channel));
        return inTime(make(), { capability, what: 'its guest end', ms: setUpMs });
      }),
    );
    const functions = new Map<string, AnyHostFunction>();
    for (const [channel, capability] of this.#channels.entries()) {
      for (const [name, fn] of functionsOf(capability, this.#ends[channel])) functions.set(name, fn);
    }
    const guest = this.#guest;
    const wasi = createWasi({
      memory: () => guest.memory.memory,
      write: (fd, bytes) => this.#output.write(fd, bytes),
      sleep: (ms) => {
        this.#seeMemory();
        return this.#wait(waits.sleep(ms));
      },
    });
    const { info, module, spec } = command;
    const imports = bindImports({
      info,
      guest,
      known: registry.imports,
      functions: this.#holding(functions),
      wasi: wasi.imports,
      log: this.#log,
    });
    for (const { module: from, name, kind } of info.imports) {
      if (kind === 'memory') (imports[from] ??= {})[name] = guest.memory.memory;
    }
    this.#activity.enter(Entry.start, performance.now());
    guest.instantiate(module, imports);
    await guest.initialize();
    await guest.init(spec.config);
  }

  /** Functions that wait count as something the thread waits for. */
  #holding(functions: ReadonlyMap<string, AnyHostFunction>): Map<string, AnyHostFunction> {
    return new Map(
      [...functions].map(([name, fn]) => [
        name,
        (...args) => {
          const result = fn(...args);
          if (!(result instanceof Promise)) return result;
          this.#seeMemory();
          return this.#wait(result);
        },
      ]),
    );
  }

  /** Whether the memory has grown is seen by a look into it, and a wait may be long. */
  #seeMemory(): void {
    this.#activity.memory = this.#guest.memory.bytes.length;
  }

  /** The guest waits for the host: others get their turns, and the time is not the guest's. */
  #wait<T>(promise: Promise<T>): Promise<T> {
    this.#activity.wait();
    return this.#options.waits.hold(this, promise).finally(() => this.#activity.resume());
  }

  #step(now: number): Later<number> {
    if (this.#ticks.take(now, this.#options.link.ready)) {
      this.#heartbeat(now);
      return this.#guest.step(none, none, this.#clock.at(now));
    }
    const event = this.#options.link.take();
    // All that waited may have been cancelled.
    if (event === undefined) return 0;
    this.#event = event;
    this.#heartbeat(now);
    const wallTimeNs = this.#clock.at(now);
    const { channel, kind, payload } = event;
    this.#ends[channel]?.deliver?.(event);
    const prefix = this.#prefixes[channel]?.[kind] ?? none;
    const { eventPayload } = this.#options.command.spec;
    if (eventPayload === 'embedded') return this.#guest.step(prefix, payload, wallTimeNs);
    const header = binHeader(payload.length);
    return this.#guest.step(Buffer.concat([prefix, header]), payload, wallTimeNs);
  }

  readonly #stepped = (handle: number): void => {
    if (handle !== 0 && this.#options.command.debug) this.#log.debug('step returned a handle', { handle });
    this.#finish();
  };

  /** The step is over. Its effects were sent before, so its event may count as finished. */
  #finish(): void {
    this.#left();
    if (this.#event !== undefined) this.#options.link.finish();
    this.#event = undefined;
    this.#output.sayDropped();
    this.#phase = 'idle';
  }

  /** The guest has returned. */
  #left(): void {
    this.#activity.leave();
    this.#seeMemory();
  }

  readonly #broke = (error: unknown): Later<void> => {
    if (error instanceof GuestAllocationError) {
      this.#complain(error.message);
      this.#finish();
      return undefined;
    }
    const entry = error instanceof GuestTrap ? error.entry : 'the host';
    const reason = error instanceof Error ? error.message : String(error);
    return this.#end({ state: 'trapped', entry, reason });
  };

  /** A guest without memory fails each of its ticks: once a second says enough of those. */
  #complain(reason: string): void {
    const now = performance.now();
    if (this.#event === undefined && now < this.#nextComplaint) return;
    this.#nextComplaint = now + 1000;
    this.#log.error('step not made', { reason });
  }

  async #shutdown(): Promise<void> {
    try {
      await this.#probe('probe_last_call', (last_call) =>
        this.#log.info('probe last envelope', { last_call }),
      );
      await this.#probe('probe_config_marker', (marker) => this.#log.info('probe config marker', { marker }));
      const code = await this.#guest.shutdown();
      await this.#end({ state: 'stopped', code });
    } catch (error) {
      await this.#broke(error);
    }
  }

  async #probe(name: string, say: (value: number) => void): Promise<void> {
    const value = await this.#guest.probe(name);
    if (value !== undefined) say(Number(value));
  }

  /** The instance is over. What it printed is said first, a last line without its end included. */
  async #end(state: InstanceState): Promise<void> {
    this.#phase = 'ended';
    this.#activity.leave();
    this.#output.flush();
    this.#abort.abort();
    try {
      await this.#options.waits.hold(this, this.#scope.disposeAsync());
    } catch (error) {
      this.#log.error('capability failed to end', {
        error: error instanceof Error ? error.stack : String(error),
      });
    }
    this.#state(state);
    this.#silent = true;
    this.#options.ended(this);
  }

  #context(capability: Capability, channel: number): GuestContext {
    const { command, link, waits } = this.#options;
    const { spec, info, deployment } = command;
    const native = this.#native;
    const current = (): Delivery | undefined => (this.#event?.channel === channel ? this.#event : undefined);
    return {
      plugin: { name: spec.name, version: spec.version },
      options: spec.options.get(capability.name) ?? {},
      log: this.#log,
      signal: this.#abort.signal,
      scope: this.#scope,
      folder: join(deployment.storageRoot, spec.name),
      allowPrivateNetwork: deployment.allowPrivateNetwork,
      get event() {
        return current();
      },
      arity: (name) =>
        info.imports.find((entry) => entry.module === 'pulp' && entry.name === name)?.params?.length ?? 0,
      // Effects that nobody takes would fill the ring and block the thread in the end.
      send: (kind, payload, id = 0) => {
        if (!this.#silent) link.send(channel, kind, id, payload);
      },
      ask: (kind, payload) => (this.#silent ? Code.refused : link.ask(channel, kind, payload)),
      request: (kind, payload) =>
        this.#silent
          ? Promise.reject(new Failure(Code.refused, 'the instance has ended'))
          : this.#wait(link.request(channel, kind, payload)),
      native,
      ref: () => waits.ref(),
    };
  }

  #heartbeat(now: number): void {
    if (now < this.#nextHeartbeat) return;
    this.#nextHeartbeat = now + heartbeatMs;
    this.#log.info('step heartbeat', { call_number: this.#guest.callNumber });
  }

  #state(state: InstanceState): void {
    this.#options.link.send(hostChannel, HostEffect.state, 0, encodeHostEffect(state));
  }

  #logger(): Log {
    const plugin = this.#options.command.spec.name;
    const say =
      (level: LogEffect['level']) =>
      (message: string, fields: LogFields = {}) => {
        if (level === 'debug' && !this.#options.command.debug) return;
        const effect = { level, message, fields: { plugin, ...fields } } as LogEffect;
        this.#options.link.send(hostChannel, HostEffect.log, 0, encodeHostEffect(effect));
      };
    return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  }
}

const none = new Uint8Array(0);

function importedMemory({ min, max = 65_536 }: ModuleMemory, limit: number): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: min, maximum: Math.min(max, limit) });
}
