import type { KnownImport } from '../../../runtime/src/guest/bind.ts';
import { waitingWasi, wasiModule, wasiSignatures } from '../../../runtime/src/guest/wasi/signatures.ts';
import type { Param } from '../../../runtime/src/ext.ts';
import { inputFor } from './inputs.ts';
import type { Random } from './random.ts';
import { op, type WasmExport, type WasmImport, wasmModule, type WasmType } from './wasm.ts';

/** Calls that a guest has, each an export of its own. */
export const callsEach = 128;

/** A call of a guest, for whoever looks at what came of it. */
export interface GuestCall {
  readonly name: string;
  /** Of the last import that it calls, whose result it gives. */
  readonly module: string;
  readonly import: string;
  /** The instructions, in hexadecimal digits. */
  readonly code: string;
}

export interface RandomGuest {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly calls: readonly GuestCall[];
  /** How its `pulp_alloc` behaves. */
  readonly allocator: Allocator;
}

const allocators = ['fixed', 'null', 'outside', 'overlapping', 'grows', 'traps', 'calls'] as const;
export type Allocator = (typeof allocators)[number];

/** Where the inputs of calls are, and where results go. */
const dataAt = 1024;
const resultsAt = 40_000;

/** An import of a guest, with what its parameters mean. Those of WASI mean nothing here. */
interface Callable extends WasmImport {
  readonly meaning: readonly Param[];
}

/** A module by chance: it imports functions of the host and calls them with pointers, lengths and bytes by chance. */
export function randomGuest(random: Random, known: ReadonlyMap<string, KnownImport>): RandomGuest {
  // Functions that wait make everything slower: one module in four has them.
  const waits = random.oneIn(4);
  const callables = [...pulpImports(random, known, waits), ...wasiImports(random, waits)];
  const data = new Data();
  const call = (): { readonly target: Callable; readonly body: Buffer } => {
    const index = random.below(callables.length);
    const target = callables[index] as Callable;
    const code = Buffer.concat([...args(random, target, data), op.call(index)]);
    return { target, body: target.results.length === 0 ? Buffer.concat([code, op.i32(0)]) : code };
  };
  const calls: GuestCall[] = [];
  const bodies: WasmExport[] = [];
  for (let number = 0; number < callsEach; number++) {
    const parts: Buffer[] = [];
    for (let before = random.oneIn(8) ? 3 : 0; before > 0; before--) parts.push(call().body, op.drop);
    if (random.oneIn(16)) parts.push(op.i32(1), op.memoryGrow, op.drop);
    const { target, body } = call();
    const all = Buffer.concat([...parts, body]);
    const name = `call_${number}`;
    calls.push({ name, module: target.module, import: target.name, code: all.toString('hex') });
    bodies.push({ name, params: [], results: ['i32'], body: all });
  }
  const allocator = random.oneIn(2) ? 'fixed' : random.pick(allocators);
  const bytes = wasmModule({
    imports: callables,
    exports: [
      {
        name: 'pulp_alloc',
        params: ['i32'],
        results: ['i32'],
        body: allocatorBody(random, allocator, call().body),
      },
      { name: 'pulp_free', params: ['i32', 'i32'], results: [], body: Buffer.alloc(0) },
      { name: 'pulp_init', params: ['i32', 'i32'], results: ['i32'], body: op.i32(0) },
      { name: 'pulp_step', params: ['i32', 'i32'], results: ['i32'], body: op.i32(0) },
      { name: 'pulp_shutdown', params: [], results: ['i32'], body: op.i32(0) },
      ...bodies,
    ],
    memory: { min: 1 + random.below(3), max: 3 + random.below(6) },
    data: { at: dataAt, bytes: data.bytes() },
  });
  return { bytes, calls, allocator };
}

/** The inputs, one after the other. There is no end to what fits before the results but the memory's first page. */
class Data {
  readonly #parts: Buffer[] = [];
  #size = 0;

  /** Gives pointer and length. What does not fit any more is not there: the bytes at its place are others'. */
  add(bytes: Buffer): readonly [pointer: number, length: number] {
    if (dataAt + this.#size + bytes.length > resultsAt) return [dataAt, Math.min(bytes.length, 1000)];
    const at = dataAt + this.#size;
    this.#parts.push(bytes);
    this.#size += bytes.length;
    return [at, bytes.length];
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

function pulpImports(random: Random, known: ReadonlyMap<string, KnownImport>, waits: boolean): Callable[] {
  return [...known]
    .filter(([, { signature }]) => waits || signature.waits !== true)
    .map(([name, { signature }]) => {
      const { params, optional = [] } = signature;
      const meaning = random.oneIn(2) ? params : [...params, ...optional];
      return { module: 'pulp', name, meaning, params: meaning.flatMap(wasmTypes), results: ['i32'] as const };
    });
}

function wasiImports(random: Random, waits: boolean): Callable[] {
  return Object.entries(wasiSignatures)
    .filter(([name]) => (waits || !waitingWasi.has(name)) && random.oneIn(6))
    .map(([name, signature]) => ({
      module: wasiModule,
      name,
      meaning: [],
      params: Array.from(signature, (letter): WasmType => (letter === 'I' ? 'i64' : 'i32')),
      results: name === 'proc_exit' ? [] : ['i32'],
    }));
}

function wasmTypes(param: Param): WasmType[] {
  if (param === 'u64') return ['i64'];
  if (param === 'f64') return ['f64'];
  return param === 'u32' ? ['i32'] : ['i32', 'i32'];
}

function args(random: Random, { name, params, meaning }: Callable, data: Data): Buffer[] {
  if (meaning.length === 0) {
    return params.map((type) => (type === 'i64' ? op.i64(BigInt(random.edge())) : op.i32(somewhere(random))));
  }
  return meaning.flatMap((param, index) => {
    if (param === 'u64') return [op.i64(BigInt(random.bits()))];
    if (param === 'f64') return [op.f64(random.bits())];
    if (param === 'u32') return [op.i32(random.edge())];
    if (param === 'out') return [op.i32(outPointer(random)), op.i32(outPointer(random))];
    if (random.oneIn(8)) return [op.i32(somewhere(random)), op.i32(random.edge())];
    const [pointer, length] = data.add(inputFor(random, name, index));
    return [op.i32(pointer), op.i32(length)];
  });
}

/** Anywhere in the memory, and where none is. */
function somewhere(random: Random): number {
  return random.oneIn(2) ? random.below(65_536) : random.edge();
}

function outPointer(random: Random): number {
  return random.oneIn(4) ? somewhere(random) : resultsAt + random.below(1000);
}

/** `fixed` is an allocator that works, as long as nothing larger than its room is asked of it. */
function allocatorBody(random: Random, allocator: Allocator, call: Buffer): Buffer {
  const room = op.i32(resultsAt + 2048);
  switch (allocator) {
    case 'fixed':
      return room;
    case 'null':
      return op.i32(0);
    case 'outside':
      return op.i32(random.pick([-1, -16, 0x7fff_0000, 65_536 * 8]));
    case 'overlapping':
      return op.i32(dataAt + random.below(2000));
    case 'grows':
      return Buffer.concat([op.i32(1), op.memoryGrow, op.drop, room]);
    case 'traps':
      return op.unreachable;
    case 'calls':
      return Buffer.concat([call, op.drop, room]);
    default:
      return allocator satisfies never;
  }
}
