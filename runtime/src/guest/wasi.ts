import { Clocks, systemTime } from './wasi/clocks.ts';
import type { TimeSource } from './wasi/clocks.ts';
import { errno } from './wasi/errno.ts';
import { LinearMemory } from './wasi/linear-memory.ts';
import { createPoll } from './wasi/poll.ts';
import { ProcExit } from './wasi/proc-exit.ts';
import { refusedFunctions } from './wasi/refused.ts';
import { Streams } from './wasi/streams.ts';

export { ProcExit };

export interface WasiOptions {
  /** The guest's memory. It is asked for in every call, so it need not be there before the first one. */
  readonly memory: () => WebAssembly.Memory;
  /** Takes what the guest prints to its standard output (1) or error (2). The bytes are the receiver's own. */
  readonly write: (fd: 1 | 2, bytes: Uint8Array) => void;
  /**
   * Settles after that many milliseconds, at least 1 and less than 2^31. The guest is suspended meanwhile; to
   * tear it down, reject.
   */
  readonly sleep: (ms: number) => Promise<void>;
  /** Default: the system's clocks. */
  readonly time?: TimeSource;
}

/** A function as it stands in an import object. */
export type WasiFunction = (...args: never[]) => number | Promise<number>;

export interface Wasi {
  /** All 46 functions of `wasi_snapshot_preview1`, by name. Those in `waitingWasi` may give a promise. */
  readonly imports: Readonly<Record<string, WasiFunction>>;
}

/** `crypto.getRandomValues` takes no more bytes than these at a time. */
const randomBytes = 65_536;

/**
 * WASI preview 1 as plugins have it (contract section 2): real clocks and random numbers, sleep, output to the
 * host, an empty standard input; no arguments, environment, files or sockets. It opens no way to the system.
 *
 * Nothing in it throws whatever the guest passes, but for {@link ProcExit}. The guest's imports MUST have the
 * real signatures: see `checkWasiImports`.
 */
export function createWasi(options: WasiOptions): Wasi {
  const memory = new LinearMemory(options.memory);
  const clocks = new Clocks(options.time ?? systemTime);
  const streams = new Streams({ memory, write: options.write });
  const imports = {
    ...listFunctions(memory),
    ...clockFunctions(memory, clocks),
    ...streams.functions(),
    ...refusedFunctions(streams),
    poll_oneoff: createPoll({ memory, clocks, streams, sleep: options.sleep }),
    proc_exit: (code: number): never => {
      throw new ProcExit(code >>> 0);
    },
    proc_raise: () => errno.nosys,
    random_get: (pointer: number, length: number) => fillRandom(memory, pointer >>> 0, length >>> 0),
    sched_yield: succeed,
  };
  return { imports };
}

function succeed(): number {
  return errno.success;
}

/** Arguments and environment, both empty. */
function listFunctions(memory: LinearMemory) {
  const sizes = (count: number, bytes: number): number => {
    if (!memory.holds(count, 4) || !memory.holds(bytes, 4)) return errno.fault;
    memory.view.setUint32(count >>> 0, 0, true);
    memory.view.setUint32(bytes >>> 0, 0, true);
    return errno.success;
  };
  return { args_get: succeed, args_sizes_get: sizes, environ_get: succeed, environ_sizes_get: sizes };
}

function clockFunctions(memory: LinearMemory, clocks: Clocks) {
  const store = (pointer: number, nanoseconds: bigint | undefined): number => {
    if (nanoseconds === undefined) return errno.inval;
    if (!memory.holds(pointer, 8)) return errno.fault;
    memory.view.setBigUint64(pointer >>> 0, nanoseconds, true);
    return errno.success;
  };
  return {
    clock_res_get: (id: number, pointer: number) => store(pointer, clocks.resolution(id)),
    clock_time_get: (id: number, _precision: bigint, pointer: number) => store(pointer, clocks.now(id)),
  };
}

function fillRandom(memory: LinearMemory, pointer: number, length: number): number {
  if (!memory.holds(pointer, length)) return errno.fault;
  for (let offset = 0; offset < length; offset += randomBytes) {
    crypto.getRandomValues(memory.bytes(pointer + offset, Math.min(randomBytes, length - offset)));
  }
  return errno.success;
}
