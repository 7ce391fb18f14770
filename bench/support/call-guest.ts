import { functionsOf } from '../../runtime/src/capabilities/functions-of.ts';
import { Registry } from '../../runtime/src/capabilities/registry.ts';
import type { Param } from '../../runtime/src/ext.ts';
import {
  type AnyHostFunction,
  bindImports,
  type KnownImport,
  mayWait,
} from '../../runtime/src/guest/bind.ts';
import { compileModule } from '../../runtime/src/guest/compile.ts';
import { Guest } from '../../runtime/src/guest/guest.ts';
import { chain, type Later } from '../../runtime/src/guest/later.ts';
import { readModule } from '../../runtime/src/guest/module.ts';
import { parseManifest } from '../../runtime/src/manifest/parse-manifest.ts';
import { createNativeCalls, NativeCalls } from '../../runtime/src/plugin-thread/native-calls.ts';
import { guestContext, silent } from '../../test/support/guest-context.ts';
import { wat } from '../../test/support/wat.ts';

/** A call of a host import that the guest makes, with its constants: each becomes an export of the guest. */
export interface HostCall {
  /** Of the export. */
  readonly name: string;
  /** An import of the module `pulp` that takes ranges of bytes, and perhaps gives some back. */
  readonly use: string;
  /** One for each range. Of optional parameters all are passed. */
  readonly given: readonly Uint8Array[];
}

export interface CallGuestOptions {
  readonly capabilities: readonly string[];
  readonly calls: readonly HostCall[];
  /** Further lines of the manifest. */
  readonly manifest?: string;
  /** The plugin's own folder; nowhere unless given. */
  readonly folder?: string;
  /** Whether it may fetch from this machine; not unless given. */
  readonly allowPrivateNetwork?: boolean;
}

/** A guest of little more than the calls that are measured. Disposing of it ends what its capabilities hold. */
export interface CallGuest extends AsyncDisposable {
  /**
   * Makes a call. It gives a promise where the guest has an import that waits, and happens at once otherwise. Throws
   * when the code is not 0.
   */
  call(name: string): Later<void>;
  /** What the last call gave back, copied. */
  readonly result: Uint8Array;
}

/** Where the guest's constants begin; below are the words that results are written to. */
const constantsAt = 64;
/** Where results are placed, again and again, up to the end of the memory. */
const resultsAt = 65_536;
const pages = 64;

/**
 * Starts a guest with the real bindings and guest ends of its capabilities, in this process: a call costs what it
 * costs in a plugin thread, but for the thread's turns.
 */
export async function startCallGuest(options: CallGuestOptions): Promise<CallGuest> {
  const { capabilities, calls, manifest = '', folder, allowPrivateNetwork = false } = options;
  const name = 'bench';
  const registry = new Registry();
  const bytes = await wat(moduleText(calls, registry.imports));
  const info = readModule(bytes, { name });
  const spec = parseManifest(
    `name = "${name}"\nversion = "1"\ncapabilities = ${JSON.stringify(capabilities)}\n${manifest}`,
    { file: 'pulp.plugin.toml', capabilities: registry.declarable },
  );
  const scope = new AsyncDisposableStack();
  const functions = new Map<string, AnyHostFunction>();
  const native = new NativeCalls(createNativeCalls());
  for (const capability of capabilities.map((declared) => registry.get(declared))) {
    const context = guestContext({
      options: spec.options.get(capability.name) ?? {},
      scope,
      native,
      allowPrivateNetwork,
      ...(folder === undefined ? {} : { folder }),
      arity: (wanted) => info.imports.find((entry) => entry.name === wanted)?.params?.length ?? 0,
    });
    const end = await capability.guest?.(context);
    for (const [key, fn] of functionsOf(capability, end)) functions.set(key, fn);
  }
  const guest = new Guest({
    suspendable: mayWait(info, registry.imports, new Set(capabilities)),
    goBuilt: false,
  });
  const module = await compileModule(bytes, { name });
  const binding = { info, guest, known: registry.imports, functions, wasi: {}, log: silent };
  guest.instantiate(module, bindImports(binding));
  return {
    call: (wanted) =>
      chain(guest.probe(wanted), (code) => {
        if (code !== 0) throw new Error(`${wanted}: ${code === undefined ? 'no such call' : `code ${code}`}`);
      }),
    get result() {
      const { memory } = guest;
      const at = memory.view.getUint32(0, true);
      return memory.bytes.slice(at, at + memory.view.getUint32(4, true));
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

function moduleText(calls: readonly HostCall[], known: ReadonlyMap<string, KnownImport>): string {
  let at = constantsAt;
  const data: string[] = [];
  const constant = (bytes: Uint8Array): string => {
    const hex = Buffer.from(bytes)
      .toString('hex')
      .replaceAll(/../g, String.raw`\$&`);
    data.push(`(data (i32.const ${at}) "${hex}")`);
    const range = `(i32.const ${at}) (i32.const ${bytes.length})`;
    at += bytes.length;
    return range;
  };
  const used = new Map(calls.map(({ use }) => [use, paramsOf(use, known)]));
  const imports = [...used].map(
    ([use, params]) =>
      `(import "pulp" "${use}" (func $${use} (param ${'i32 i32 '.repeat(params.length)}) (result i32)))`,
  );
  const exports = calls.map(({ name, use, given }) => {
    const ranges = given.map(constant);
    if (used.get(use)?.at(-1) === 'out') ranges.push('(i32.const 0) (i32.const 4)');
    return `(func (export "${name}") (result i32) (call $${use} ${ranges.join(' ')}))`;
  });
  if (at > resultsAt) throw new Error(`${at} bytes of constants; there is room for ${resultsAt}`);
  return `(module
    ${imports.join('\n')}
    (memory (export "memory") ${pages})
    ${data.join('\n')}
    (func (export "pulp_alloc") (param i32) (result i32) (i32.const ${resultsAt}))
    (func (export "pulp_init") (param i32 i32) (result i32) (i32.const 0))
    (func (export "pulp_step") (param i32 i32) (result i32) (i32.const 0))
    (func (export "pulp_shutdown") (result i32) (i32.const 0))
    ${exports.join('\n')})`;
}

/** Every parameter is a pair: a range, or two out-pointers. */
function paramsOf(use: string, known: ReadonlyMap<string, KnownImport>): readonly Param[] {
  const signature = known.get(use)?.signature;
  if (signature === undefined) throw new Error(`no capability has ${use}`);
  return [...signature.params, ...(signature.optional ?? [])];
}
