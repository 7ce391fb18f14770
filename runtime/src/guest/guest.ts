import { Buffer } from 'node:buffer';
import { envelopeBytes, writeEnvelope } from '../abi/envelope.ts';
import { type Later, chain } from './later.ts';
import { GuestMemory } from './memory.ts';
import { isStackOverflow } from './stack-overflow.ts';
import { ProcExit } from './wasi.ts';

/** The guest broke: it trapped, ran out of stack, exited, or let an exception out. It is never entered again. */
export class GuestTrap extends Error {
  /** The export that was running. */
  readonly entry: string;

  constructor(entry: string, cause: unknown) {
    super(`${entry} trapped: ${describe(cause)}`, { cause });
    this.name = 'GuestTrap';
    this.entry = entry;
  }
}

/** The guest gave no usable memory for what the host had to pass; it was not entered further. */
export class GuestAllocationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'GuestAllocationError';
  }
}

/** `pulp_init` refused to start. */
export class GuestInitError extends Error {
  readonly code: number;

  constructor(code: number, reason: string | undefined) {
    super(`pulp_init returned ${code}${reason === undefined ? '' : `: ${reason}`}`);
    this.name = 'GuestInitError';
    this.code = code;
  }
}

function describe(cause: unknown): string {
  if (cause instanceof ProcExit) return `the guest called proc_exit(${cause.code})`;
  if (isStackOverflow(cause)) return 'stack overflow';
  if (cause instanceof Error) return cause.message;
  return 'an exception that the guest did not catch';
}

/** How many bytes a Go-built guest's `pulp_alloc` is asked for at least (contract section 2). */
const goAllocationMinimum = 64;

/** How much of the guest's own error text is read, in bytes. */
const errorTextBytes = 4096;

type Result = number | bigint | undefined;
type Entry = (...args: number[]) => Later<Result>;

export interface GuestOptions {
  /**
   * Whether the guest may have to wait in a host call. Then each of its exports is entered through JSPI: a
   * Go guest can wait even inside `pulp_alloc`, and a suspending import under a direct entry traps.
   */
  readonly suspendable: boolean;
  /** Whether a Go compiler made the module. */
  readonly goBuilt: boolean;
  /** The memory that the guest imports, where it does. */
  readonly memory?: WebAssembly.Memory;
  /** Told how large its memory is, as often as the host sees that it has grown. */
  readonly grown?: (bytes: number) => void;
}

/**
 * One instance of a plugin's module, and the only code that calls into it. It is entered by one caller at a
 * time. For a direct guest everything happens at once; for a suspendable one everything gives promises.
 */
export class Guest {
  readonly suspendable: boolean;
  /** Set once the guest has broken. Every later entry, and every import it might still call, throws it. */
  broken: GuestTrap | undefined;
  /** Whether the host is in the guest's allocator, where imports that would re-enter it are refused. */
  allocating = false;
  readonly #goBuilt: boolean;
  readonly #importedMemory: WebAssembly.Memory | undefined;
  readonly #grown: ((bytes: number) => void) | undefined;
  readonly #entries = new Map<string, Entry>();
  #memory: GuestMemory | undefined;
  #allocEntry: Entry = missingEntry;
  #freeEntry: Entry | undefined;
  #stepEntry: Entry = missingEntry;
  #callNumber = 0;

  constructor(options: GuestOptions) {
    this.suspendable = options.suspendable;
    this.#goBuilt = options.goBuilt;
    this.#importedMemory = options.memory;
    this.#grown = options.grown;
    if (options.memory !== undefined) this.#memory = new GuestMemory(options.memory, this.#grown);
  }

  /** Instantiates the module, which runs its start section. Nothing can wait in there. */
  instantiate(module: WebAssembly.Module, imports: WebAssembly.Imports): void {
    let exports: WebAssembly.Exports;
    try {
      exports = new WebAssembly.Instance(module, imports).exports;
    } catch (error) {
      if (error instanceof WebAssembly.LinkError) throw error;
      const waited = error instanceof Error && error.name === 'SuspendError';
      throw this.#break(
        'the start section',
        waited ? new Error('nothing can wait in a start section') : error,
      );
    }
    if (exports['memory'] instanceof WebAssembly.Memory && exports['memory'] !== this.#importedMemory) {
      this.#memory = new GuestMemory(exports['memory'], this.#grown);
    }
    for (const [name, value] of Object.entries(exports)) {
      if (typeof value === 'function') {
        this.#entries.set(name, (this.suspendable ? WebAssembly.promising(value) : value) as Entry);
      }
    }
    this.#allocEntry = this.#entries.get('pulp_alloc') ?? missingEntry;
    this.#freeEntry = this.#entries.get('pulp_free');
    this.#stepEntry = this.#entries.get('pulp_step') ?? missingEntry;
  }

  /** The guest's memory. It is there once the guest is instantiated, or before when it is imported. */
  get memory(): GuestMemory {
    if (this.#memory === undefined) throw new Error('the guest has no memory yet');
    return this.#memory;
  }

  /** Steps made so far: the next step's `call_number`. */
  get callNumber(): number {
    return this.#callNumber;
  }

  /** Runs `_initialize`, else `_start` where there is one. */
  initialize(): Later<void> {
    const name = ['_initialize', '_start'].find((candidate) => this.#entries.has(candidate));
    if (name === undefined) return undefined;
    return chain(this.#enter(name, this.#entries.get(name) as Entry, 0, 0), () => undefined);
  }

  /** Runs `pulp_init`. Throws {@link GuestInitError} with the guest's own reason when it refuses. */
  init(config: Uint8Array): Later<void> {
    const entry = this.#entries.get('pulp_init') ?? missingEntry;
    const run = (pointer: number) => this.#enter('pulp_init', entry, pointer, config.length);
    const code = chain(this.#alloc(config.length), (pointer) => {
      this.memory.bytes.set(config, pointer);
      return chain(run(pointer), (value) =>
        chain(this.#free(pointer, config.length), () => Number(value) | 0),
      );
    });
    return chain(code, (value) => {
      if (value === 0) return undefined;
      return chain(this.#errorText('pulp_init_error'), (reason) => {
        throw new GuestInitError(value, reason);
      });
    });
  }

  /**
   * Makes one step and gives its handle. `prefix` and `payload` are the parts of the event's message, both
   * empty for a tick. Hot: bench/step.ts. A direct guest has a way of its own without closures, which is short
   * for the tick of an idle guest, too, whose code is never in the caches.
   */
  step(prefix: Uint8Array, payload: Uint8Array, wallTimeNs: bigint): Later<number> {
    const size = envelopeBytes + prefix.length + payload.length;
    if (!this.suspendable) return this.#stepAtOnce(size, prefix, payload, wallTimeNs);
    return chain(this.#alloc(size), (pointer) => {
      this.#writeStep(pointer, prefix, payload, wallTimeNs);
      return chain(this.#enter('pulp_step', this.#stepEntry, pointer, size), (handle) =>
        chain(this.#free(pointer, size), () => Number(handle) | 0),
      );
    });
  }

  #stepAtOnce(size: number, prefix: Uint8Array, payload: Uint8Array, wallTimeNs: bigint): number {
    if (this.broken !== undefined) throw this.broken;
    const asked = this.#asked(size);
    let entry = 'pulp_alloc';
    try {
      this.allocating = true;
      const pointer = Number(this.#allocEntry(asked, 0)) >>> 0;
      this.allocating = false;
      if (this.broken === undefined) {
        this.#checkAllocation(pointer, asked);
        this.#writeStep(pointer, prefix, payload, wallTimeNs);
        entry = 'pulp_step';
        const handle = Number(this.#stepEntry(pointer, size)) | 0;
        entry = 'pulp_free';
        if (this.broken === undefined && this.#freeEntry !== undefined) void this.#freeEntry(pointer, asked);
        if (this.broken === undefined) return handle;
      }
    } catch (error) {
      if (error instanceof GuestAllocationError) throw error;
      throw this.#break(entry, error);
    }
    // A guest that catches exceptions has caught the one that broke it.
    throw this.broken;
  }

  #writeStep(pointer: number, prefix: Uint8Array, payload: Uint8Array, wallTimeNs: bigint): void {
    const { bytes, view } = this.memory;
    const payloadLength = prefix.length + payload.length;
    writeEnvelope(view, pointer, { callNumber: this.#callNumber, wallTimeNs, payloadLength });
    this.#callNumber += 1;
    if (payloadLength === 0) return;
    bytes.set(prefix, pointer + envelopeBytes);
    bytes.set(payload, pointer + envelopeBytes + prefix.length);
  }

  shutdown(): Later<number> {
    const entry = this.#entries.get('pulp_shutdown') ?? missingEntry;
    return chain(this.#enter('pulp_shutdown', entry, 0, 0), (code) => Number(code) | 0);
  }

  /** What an export without parameters says, such as a probe; undefined when it is not there. */
  probe(name: string): Later<number | bigint | undefined> {
    const entry = this.#entries.get(name);
    return entry === undefined ? undefined : this.#enter(name, entry, 0, 0);
  }

  /**
   * Puts a result into the guest's memory and gives its place. The buffer belongs to the guest from then on.
   * Throws {@link GuestAllocationError} when the guest gives no room.
   */
  place(bytes: Uint8Array): Later<number> {
    return chain(this.#alloc(bytes.length), (pointer) => {
      this.memory.bytes.set(bytes, pointer);
      return pointer;
    });
  }

  /** Gives room for so many bytes; none are asked for when there are none to write. */
  #alloc(length: number): Later<number> {
    if (length === 0) return 0;
    const size = this.#asked(length);
    this.allocating = true;
    return chain(this.#enter('pulp_alloc', this.#allocEntry, size, 0), (value) => {
      this.allocating = false;
      const pointer = Number(value) >>> 0;
      this.#checkAllocation(pointer, size);
      return pointer;
    });
  }

  #checkAllocation(pointer: number, size: number): void {
    if (pointer === 0) throw new GuestAllocationError(`pulp_alloc(${size}) returned 0`);
    if (!this.memory.holds(pointer, size)) {
      throw new GuestAllocationError(`pulp_alloc(${size}) returned ${pointer}, which is outside the memory`);
    }
  }

  #free(pointer: number, length: number): Later<unknown> {
    if (this.#freeEntry === undefined || length === 0) return undefined;
    return this.#enter('pulp_free', this.#freeEntry, pointer, this.#asked(length));
  }

  #asked(length: number): number {
    return this.#goBuilt && length < goAllocationMinimum ? goAllocationMinimum : length;
  }

  #enter(name: string, entry: Entry, a: number, b: number): Later<Result> {
    if (this.broken !== undefined) throw this.broken;
    if (!this.suspendable) {
      try {
        return this.#left(entry(a, b) as Result);
      } catch (error) {
        if (name === '_start' && isCleanExit(error)) return undefined;
        throw this.#break(name, error);
      }
    }
    return (entry(a, b) as Promise<Result>).then(this.#left, (error: unknown) => {
      if (name === '_start' && isCleanExit(error)) return undefined;
      throw this.#break(name, error);
    });
  }

  /** A guest that catches exceptions may have caught the one that broke it, and return as if nothing were. */
  readonly #left = (result: Result): Result => {
    if (this.broken !== undefined) throw this.broken;
    return result;
  };

  /** Breaks the guest. What broke it first stays the reason. */
  #break(entry: string, cause: unknown): GuestTrap {
    this.broken ??= new GuestTrap(entry, cause);
    return this.broken;
  }

  #errorText(name: string): Later<string | undefined> {
    if (!this.#entries.has(`${name}_ptr`) || !this.#entries.has(`${name}_len`)) return undefined;
    return chain(this.probe(`${name}_ptr`), (pointer) =>
      chain(this.probe(`${name}_len`), (size) => {
        const start = Number(pointer) >>> 0;
        const length = Math.min(Number(size) >>> 0, errorTextBytes);
        if (length === 0 || !this.memory.holds(start, length)) return undefined;
        return Buffer.from(this.memory.bytes.subarray(start, start + length)).toString('utf8');
      }),
    );
  }
}

function isCleanExit(error: unknown): boolean {
  return error instanceof ProcExit && error.code === 0;
}

function missingEntry(): never {
  throw new Error('the guest lacks a required export');
}
