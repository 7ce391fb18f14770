/** A guest bound to host functions of a test's own. */
import { wat } from '../../../test/support/wat.ts';
import type { Log, Signature } from '../ext.ts';
import { type AnyHostFunction, bindImports, checkImports, type KnownImport, mayWait } from './bind.ts';
import { Guest } from './guest.ts';
import type { Later } from './later.ts';
import { type ModuleInfo, readModule } from './module.ts';
import { createWasi } from './wasi.ts';

/** A host function with its signature. Without a function it is known, but not declared. */
export interface HostImport extends Signature {
  readonly fn?: AnyHostFunction;
}

export interface BoundOptions {
  readonly host?: Readonly<Record<string, HostImport>>;
  readonly goBuilt?: boolean;
  /** The memory that the module imports as `env.memory`. */
  readonly memory?: WebAssembly.Memory;
}

export interface LogLine {
  readonly level: keyof Log;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Bound {
  readonly guest: Guest;
  readonly info: ModuleInfo;
  readonly logs: LogLine[];
  /** The functions as the guest gets them. */
  readonly imports: WebAssembly.Imports;
  /** Calls an export without parameters. */
  readonly call: (name: string) => Promise<number>;
}

/** Assembles, binds and instantiates. Throws what the binding throws. */
export async function bound(text: string, options: BoundOptions = {}): Promise<Bound> {
  const { host = {}, goBuilt = false, memory } = options;
  const bytes = await wat(text);
  const info = readModule(bytes, { name: 'guest.wasm' });
  const known = new Map<string, KnownImport>();
  const functions = new Map<string, AnyHostFunction>();
  const declared = new Set<string>();
  for (const [name, { fn, ...signature }] of Object.entries(host)) {
    const capability = fn === undefined ? 'test.undeclared' : 'test.declared';
    known.set(name, { capability, signature });
    if (fn !== undefined) functions.set(name, fn);
    if (fn !== undefined) declared.add(capability);
  }
  checkImports(info, known);
  const guest = new Guest({
    suspendable: mayWait(info, known, declared),
    goBuilt,
    ...(memory === undefined ? {} : { memory }),
  });
  const logs: LogLine[] = [];
  const say =
    (level: keyof Log) =>
    (message: string, fields: LogLine['fields'] = {}) => {
      logs.push({ level, message, fields });
    };
  const { imports: wasi } = createWasi({
    memory: () => guest.memory.memory,
    write: () => undefined,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
  const log: Log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  const imports = bindImports({ info, guest, known, functions, wasi, log });
  if (memory !== undefined) (imports['env'] ??= {})['memory'] = memory;
  guest.instantiate(new WebAssembly.Module(bytes), imports);
  const call = async (name: string): Promise<number> => {
    const result = await guest.probe(name);
    if (result === undefined) throw new Error(`no export ${name}`);
    return Number(result);
  };
  return { guest, info, logs, imports, call };
}

/** What a later value settles with, or is thrown. */
export async function settled<T>(run: () => Later<T>): Promise<T> {
  return run();
}
