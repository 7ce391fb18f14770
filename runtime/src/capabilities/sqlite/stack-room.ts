/**
 * Room on the thread's stack. SQLite recurses on it, when it compiles and in some functions, and knows no end of it:
 * an overflow there ends the process. The engine stops a guest that recurses, but only short of the end, and a guest
 * may call SQLite from there. So before SQL that may need it the room is checked, and a guest that has left too
 * little is out of stack.
 */
import { Buffer } from 'node:buffer';
import { isMainThread, resourceLimits } from 'node:worker_threads';

/**
 * MiB of stack that SQL may take: three quarters of a thread's. The rest is for the guest and JavaScript that call it.
 * On the main thread the engine bounds them to a part of the stack, so there is always room; only tests run SQL on it.
 */
export const sqlStackMib: number = isMainThread ? 4 : (resourceLimits.stackSizeMb ?? 4) * 0.75;

/** Values that a frame of the probe holds, 8 bytes each. More would take longer to compile. */
const valuesInFrame = 4001;
const levels = Math.ceil((sqlStackMib * 2 ** 20) / (valuesInFrame * 8));

let probe: ((levels: number) => void) | undefined;

/**
 * Throws the engine's RangeError for a stack overflow unless {@link sqlStackMib} of the stack are free.
 *
 * JavaScript cannot ask how much is left, but the engine checks it for the frame of each function that is called, and
 * lays out a frame as a whole. The probe is a WebAssembly function that would keep thousands of values over a call
 * that never happens: going down takes a few nanoseconds a frame and touches little of the memory.
 */
export function ensureStackRoom(): void {
  if (isMainThread) return;
  probe ??= makeProbe();
  probe(levels);
}

function makeProbe(): (levels: number) => void {
  const module = new WebAssembly.Module(probeModule());
  const { exports } = new WebAssembly.Instance(module, { env: { never() {} } });
  return exports['probe'] as (levels: number) => void;
}

const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** No level is left: return. Less than none, which never happens: begin with the address for the store. */
const begin = [0, 0x20, 0, 0x45, 0x04, 0x40, 0x0f, 0x0b, 0x20, 0, 0x41, 0, 0x48, 0x04, 0x40, 0x41, 0];
/** Down to the next level. */
const next = [0x20, 0, 0x41, 1, 0x6b, 0x10, 1, 0x0b];

/** The module: `(func (export "probe") (param i32))`, and an imported function that nothing can be known about. */
function probeModule(): Uint8Array<ArrayBuffer> {
  const body = [...begin];
  // Load the values, call, and store what they come to.
  for (let at = 0; at < valuesInFrame; at++) body.push(0x41, 0, 0x29, 3, ...leb128(at * 8));
  body.push(0x10, 0);
  for (let at = 1; at < valuesInFrame; at++) body.push(0x85);
  body.push(0x37, 3, 0, 0x0b, ...next);
  return Uint8Array.from([
    ...head,
    ...section(1, [2, 0x60, 0, 0, 0x60, 1, 0x7f, 0]),
    ...section(2, [1, ...name('env'), ...name('never'), 0, 0]),
    ...section(3, [1, 1]),
    ...section(5, [1, 0, Math.ceil((valuesInFrame * 8) / 65_536)]),
    ...section(7, [1, ...name('probe'), 0, 1]),
    ...section(10, [1, ...leb128(body.length), ...body]),
  ]);
}

function name(text: string): number[] {
  return [text.length, ...Buffer.from(text)];
}

function section(id: number, bytes: readonly number[]): number[] {
  return [id, ...leb128(bytes.length), ...bytes];
}

function leb128(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}
