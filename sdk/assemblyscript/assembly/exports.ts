// Not used here: the compiler is told by name to take what these files hold, so they must be part of the program.
import './abort';
import './wasi';
import { config } from './config';
import { dispatchEvent } from './event';
import { beginStep, failInit, initFailure, runInit, runShutdown, runTick } from './lifecycle';
import { log } from './log';
import { endViews } from './map-view';

/** Bytes of an envelope before its payload: call_number u64, wall_time u64, payload_len u32. */
const ENVELOPE_HEADER: usize = 20;

/** What `pulp_step` returns for an event that could not be decoded. The host logs it and carries on. */
const UNREADABLE: i32 = 1;

let failure: ArrayBuffer | null = null;

/** Gives the host memory to write into: outside the garbage-collected heap, so nothing moves or collects it. */
export function pulp_alloc(size: usize): usize {
  return heap.alloc(size);
}

/** Frees what `pulp_alloc` gave. */
export function pulp_free(pointer: usize, _size: usize): void {
  if (pointer != 0) heap.free(pointer);
}

/** Takes the msgpack of `[config]` and runs the `onInit` hooks. */
export function pulp_init(pointer: usize, length: usize): i32 {
  if (config.load(pointer, length)) runInit();
  else failInit("[config] is not a msgpack map");
  const reason = initFailure();
  if (reason.length == 0) return 0;
  failure = String.UTF8.encode(reason, false, String.UTF8.ErrorMode.REPLACE);
  return 1;
}

/** Where the reason lies after `pulp_init` failed. */
export function pulp_init_error_ptr(): usize {
  return changetype<usize>(failure);
}

/** The length of the reason in bytes. */
export function pulp_init_error_len(): usize {
  const text = failure;
  return text !== null ? usize(text.byteLength) : 0;
}

/** Takes one envelope: a tick when it has no payload, else an event. */
export function pulp_step(pointer: usize, length: usize): i32 {
  if (length < ENVELOPE_HEADER) return unreadable();
  beginStep(load<u64>(pointer), load<u64>(pointer, 8));
  const size = usize(load<u32>(pointer, 16));
  if (size > length - ENVELOPE_HEADER) return unreadable();
  if (size == 0) {
    runTick();
    return 0;
  }
  const readable = dispatchEvent(pointer + ENVELOPE_HEADER, size);
  endViews();
  return readable ? 0 : unreadable();
}

/** Runs the `onShutdown` hooks. */
export function pulp_shutdown(): i32 {
  runShutdown();
  return 0;
}

function unreadable(): i32 {
  log.error("a step could not be decoded");
  return UNREADABLE;
}
