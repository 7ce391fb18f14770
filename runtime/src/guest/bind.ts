import { Code } from '../abi/codes.ts';
import { Failure, type Log, type Param, type Signature } from '../ext.ts';
import { type Guest, GuestAllocationError } from './guest.ts';
import type { Later } from './later.ts';
import { waitingWasi, wasiModule } from './wasi/signatures.ts';
import { ModuleError } from './module-error.ts';
import { knownExtensionImports, whence } from '../manifest/known-extensions.ts';
import { reasonOf } from '../log/reason.ts';
import { isStackOverflow } from './stack-overflow.ts';
import type { ModuleImport, ModuleInfo } from './module.ts';

/** A function that a capability gives to guests. */
export interface KnownImport {
  readonly capability: string;
  readonly signature: Signature;
}

/** Host functions take what their signature says; the binding is where that is known only at run time. */
export type AnyHostFunction = (...args: (Uint8Array | number | bigint)[]) => Later<Uint8Array | void>;

export interface Binding {
  readonly info: ModuleInfo;
  readonly guest: Guest;
  /** Every import that the host has, declared by the plugin or not. */
  readonly known: ReadonlyMap<string, KnownImport>;
  /** The functions of the declared capabilities. An import that is known and not here becomes a stub. */
  readonly functions: ReadonlyMap<string, AnyHostFunction>;
  /** WASI preview 1, by name. */
  readonly wasi: Readonly<Record<string, (...args: never[]) => unknown>>;
  readonly log: Log;
}

/**
 * Whether an instance has to be suspendable: it imports a declared function that waits, or sleeps through
 * WASI. It is decided here, before instantiation, since the engine leaves no choice later.
 */
export function mayWait(
  info: ModuleInfo,
  known: ReadonlyMap<string, KnownImport>,
  declared: ReadonlySet<string>,
) {
  return info.imports.some(({ module, name }) => {
    if (module === wasiModule) return waitingWasi.has(name);
    const entry = module === 'pulp' ? known.get(name) : undefined;
    return entry !== undefined && declared.has(entry.capability) && entry.signature.waits === true;
  });
}

/** Makes the import object of an instance. Throws {@link ModuleError} for what cannot be bound. */
export function bindImports(binding: Binding): WebAssembly.Imports {
  const imports: WebAssembly.Imports = {};
  for (const entry of binding.info.imports) {
    if (entry.kind === 'memory') continue;
    (imports[entry.module] ??= {})[entry.name] = bindOne(entry, binding);
  }
  return imports;
}

/** Checks that every import can be bound, before anything is made. Throws {@link ModuleError}. */
export function checkImports(info: ModuleInfo, known: ReadonlyMap<string, KnownImport>): void {
  for (const entry of info.imports) {
    const { module, name, kind } = entry;
    if (kind === 'memory') continue;
    if (kind !== 'func') throw unknown(info, entry, `the host gives functions only, not a ${kind}`);
    if (module === wasiModule) continue;
    if (module !== 'pulp') throw unknown(info, entry, hint(module, name));
    const found = known.get(name);
    if (found === undefined) {
      const names = [...known.keys()].toSorted().join(', ');
      throw unknown(
        info,
        entry,
        `no capability of this host has it; those of "pulp" are ${names}${whence(knownExtensionImports.get(name))}`,
      );
    }
    checkSignature(info, entry, found);
  }
}

function hint(module: string, name: string): string {
  if (module === 'env' && name === 'abort') {
    return 'compile AssemblyScript with --use abort=<your function>, as pulp-sdk-assemblyscript does';
  }
  if (module === 'env' && /^(?:Date|Math|console|process|performance|crypto|seed|trace)\b/.test(name)) {
    return 'AssemblyScript takes that from a browser or Node.js; extend the asconfig.json of pulp-sdk-assemblyscript, which has console and Math.random, and use its wallTime() for the time';
  }
  if (module === 'env') return 'a C or Rust module was linked with undefined symbols';
  if (module.startsWith('wasi')) return `only WASI preview 1 (${wasiModule}) is there`;
  if (module.startsWith('wasm:')) return 'it is an engine builtin that this host does not give';
  return `only the modules "pulp" and "${wasiModule}" are there`;
}

function unknown({ name }: ModuleInfo, entry: ModuleImport, why: string): ModuleError {
  return new ModuleError(
    'unknown-import',
    `${name}: unknown import "${entry.module}"."${entry.name}": ${why}`,
  );
}

function wasmTypes(params: readonly Param[]): string[] {
  return params.flatMap((param) => {
    if (param === 'u64') return ['i64'];
    if (param === 'f64') return ['f64'];
    return param === 'u32' ? ['i32'] : ['i32', 'i32'];
  });
}

function checkSignature(info: ModuleInfo, entry: ModuleImport, { capability, signature }: KnownImport): void {
  const short = wasmTypes(signature.params).join(', ');
  const long = wasmTypes([...signature.params, ...(signature.optional ?? [])]).join(', ');
  const found = entry.params?.join(', ') ?? '';
  const result = entry.results?.join(', ') ?? '';
  if ((found === short || found === long) && result === 'i32') return;
  const expected = short === long ? `(${short}) -> i32` : `(${short}) -> i32 or (${long}) -> i32`;
  throw new ModuleError(
    'import-signature',
    `${info.name}: import "pulp"."${entry.name}" (${capability}) has the signature (${found}) -> ${result || '()'}, expected ${expected}`,
  );
}

function bindOne(entry: ModuleImport, binding: Binding): WebAssembly.ImportValue {
  const { guest, wasi, known, functions } = binding;
  if (entry.module === wasiModule) {
    const fn = wasi[entry.name];
    if (fn === undefined) throw unknown(binding.info, entry, 'WASI preview 1 has no such function');
    return guest.suspendable && waitingWasi.has(entry.name) ? new WebAssembly.Suspending(fn) : fn;
  }
  const found = known.get(entry.name);
  if (found === undefined) throw unknown(binding.info, entry, 'no capability of this host has it');
  const fn = functions.get(entry.name);
  if (fn === undefined) return () => Code.undeclared;
  const { params, optional, waits } = found.signature;
  const all = [...params, ...(optional ?? [])];
  const used = entry.params?.length === wasmTypes(all).length ? all : params;
  const bound = wrap({ name: entry.name, params: used, waits: waits === true, fn }, binding);
  const suspends = waits === true || used.includes('out');
  return guest.suspendable && suspends ? new WebAssembly.Suspending(bound) : bound;
}

interface Wrapped {
  readonly name: string;
  readonly params: readonly Param[];
  readonly waits: boolean;
  readonly fn: AnyHostFunction;
}

/**
 * The one place where pointers, codes and exceptions are dealt with, in the contract's order: 1 empty input,
 * 2 input outside the memory, 8 out-pointers outside the memory, the function's own code, 7 no room for the
 * result. Only a broken guest, or one that is out of stack, lets an exception cross, since a host that caught it
 * would resume the guest.
 */
function wrap(
  { name, params, waits, fn }: Wrapped,
  { guest, log }: Binding,
): (...raw: (number | bigint)[]) => Later<number> {
  const reenters = waits || params.includes('out');
  /** Of a function that does not wait; such as are hot have a way of their own, without arrays and closures. */
  const shape = waits ? '' : params.join();

  const refuse = (error: unknown): number => {
    if (guest.broken !== undefined) throw guest.broken;
    // The guest has used up the stack. What the host had begun is half done, so the guest must not go on.
    if (isStackOverflow(error)) throw error;
    if (error instanceof GuestAllocationError) return Code.allocation;
    if (!(error instanceof Failure)) {
      log.error('a host function failed', {
        import: name,
        error: describe(error),
      });
      return Code.refused;
    }
    log.debug('host call refused', { import: name, code: error.code, reason: shown(error.message) });
    return error.code;
  };

  const answer = (result: Uint8Array | void, pointerAt: Raw, lengthAt: Raw): Later<number> => {
    const given = result ?? nothing;
    // A view of the guest's own memory would not live through its pulp_alloc.
    const bytes = given.buffer === guest.memory.bytes.buffer ? given.slice() : given;
    const tell = (pointer: number): number => {
      const { view } = guest.memory;
      view.setUint32(unsigned(pointerAt), pointer, true);
      view.setUint32(unsigned(lengthAt), bytes.length, true);
      return Code.ok;
    };
    const placed = guest.place(bytes);
    return placed instanceof Promise ? placed.then(tell).catch(refuse) : tell(placed);
  };

  // The commonest signature, hot (bench/step.ts): a message, and nothing back.
  if (shape === 'in') {
    return (pointer, size) => {
      if (guest.broken !== undefined) throw guest.broken;
      try {
        const result = fn(filled(guest, pointer, size));
        if (result instanceof Promise) throw unexpected(name, result);
        return Code.ok;
      } catch (error) {
        return refuse(error);
      }
    };
  }

  // That of SQL, hot as well (bench/storage.ts).
  if (shape === 'in,in?,out') {
    return (pointer, size, optionalPointer, optionalSize, pointerAt, lengthAt) => {
      if (guest.broken !== undefined) throw guest.broken;
      try {
        if (guest.allocating) throw reentered();
        const first = filled(guest, pointer, size);
        const second = range(guest, optionalPointer, optionalSize);
        checkOut(guest, pointerAt, lengthAt);
        const result = fn(first, second);
        if (result instanceof Promise) throw unexpected(name, result);
        return answer(result, pointerAt, lengthAt);
      } catch (error) {
        return refuse(error);
      }
    };
  }

  return (...raw) => {
    if (guest.broken !== undefined) throw guest.broken;
    try {
      if (reenters && guest.allocating) throw reentered();
      const { args, out } = read(params, raw, guest, waits);
      const done = (value: Uint8Array | void): Later<number> =>
        out < 0 ? Code.ok : answer(value, raw[out], raw[out + 1]);
      const result = fn(...args);
      if (!(result instanceof Promise)) return done(result);
      if (!waits) throw unexpected(name, result);
      return result.then(done).catch(refuse);
    } catch (error) {
      return refuse(error);
    }
  };
}

/** Where the guest may not call what could allocate in it again. */
function reentered(): Failure {
  return new Failure(Code.refused, 'called from inside pulp_alloc');
}

const nothing = new Uint8Array(0);

type Raw = number | bigint | undefined;

/** A pointer or a length, as the guest means it. */
function unsigned(raw: Raw): number {
  return Number(raw) >>> 0;
}

/** A range that the guest named; of an empty one the pointer means nothing. Throws code 2. */
function range({ memory }: Guest, pointer: Raw, size: Raw): Uint8Array {
  const length = unsigned(size);
  return length === 0 ? nothing : memory.range(unsigned(pointer), length);
}

/** The same for a range that may not be empty. Throws code 1 or 2. */
function filled(guest: Guest, pointer: Raw, size: Raw): Uint8Array {
  checkFilled(size);
  return range(guest, pointer, size);
}

/** Throws code 1. */
function checkFilled(size: Raw): void {
  if (unsigned(size) === 0) throw new Failure(Code.empty, 'the input is empty');
}

/** Throws code 8. */
function checkOut({ memory }: Guest, pointerAt: Raw, lengthAt: Raw): void {
  if (memory.holds(unsigned(pointerAt), 4) && memory.holds(unsigned(lengthAt), 4)) return;
  throw new Failure(Code.write, 'an out-pointer is outside the memory');
}

/** Reads the arguments, checked. `out` is the index of the raw out-pointers, -1 without. */
function read(params: readonly Param[], raw: readonly (number | bigint)[], guest: Guest, copy: boolean) {
  let at = 0;
  for (const param of params) {
    if (param === 'in') checkFilled(raw[at + 1]);
    at += width(param);
  }
  const args: (Uint8Array | number | bigint)[] = [];
  let out = -1;
  at = 0;
  for (const param of params) {
    if (param === 'in' || param === 'in?') {
      const bytes = range(guest, raw[at], raw[at + 1]);
      args.push(copy ? bytes.slice() : bytes);
    } else if (param === 'out') out = at;
    else args.push(number(param, raw[at] as number | bigint));
    at += width(param);
  }
  if (out >= 0) checkOut(guest, raw[out], raw[out + 1]);
  return { args, out };
}

/** Characters of a message that are shown: it may have text of the guest's in it. */
const maxShown = 4096;

/**
 * A message that may be shown. One that is too long is not even cut: that would make one piece of its parts, in the
 * engine's heap, which ends the process when a piece is larger than what is left of it.
 */
function shown(message: string): string {
  return message.length > maxShown ? `${message.length} characters, too many to be shown` : message;
}

function describe(error: unknown): string | undefined {
  if (!(error instanceof Error)) return shown(reasonOf(error));
  return error.message.length > maxShown ? `${error.name}: ${shown(error.message)}` : error.stack;
}

/** Nobody waits for such a promise, and a rejection that nobody handles would end the thread. */
function unexpected(name: string, promise: Promise<unknown>): Error {
  promise.catch(() => undefined);
  return new Error(`${name} gave a promise without saying that it waits`);
}

function width(param: Param): number {
  return param === 'in' || param === 'in?' || param === 'out' ? 2 : 1;
}

function number(param: Param, value: number | bigint): number | bigint {
  if (param === 'u32') return Number(value) >>> 0;
  return param === 'u64' ? BigInt.asUintN(64, BigInt(value)) : Number(value);
}
