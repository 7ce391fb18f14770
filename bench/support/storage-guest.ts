import { Registry } from '../../runtime/src/capabilities/registry.ts';
import { type AnyHostFunction, bindImports } from '../../runtime/src/guest/bind.ts';
import { compileModule } from '../../runtime/src/guest/compile.ts';
import { Guest } from '../../runtime/src/guest/guest.ts';
import { readModule } from '../../runtime/src/guest/module.ts';
import { parseManifest } from '../../runtime/src/manifest/parse-manifest.ts';
import { guestContext, silent } from '../../test/support/guest-context.ts';
import { wat } from '../../test/support/wat.ts';

/** A call of a host import that the guest makes, with its constants: each becomes an export of the guest. */
export interface StorageCall {
  readonly name: string;
  /** An import of the module `pulp`: two ranges and an `out` for SQL, one range and an `out` for files. */
  readonly use: 'sqlite_exec' | 'sqlite_query' | 'fs_read';
  readonly given: readonly Uint8Array[];
}

const capabilities = ['storage.sqlite', 'storage.fs'];

/** Where the guest's constants begin; below are the words that results are written to. */
const constantsAt = 64;

/**
 * A guest with the real bindings and guest ends of both storage capabilities, in this process: a call costs what
 * it costs in a plugin thread. Its allocator hands out the same place again and again.
 *
 * @param folder The plugin's own folder.
 */
export async function startStorageGuest(
  folder: string,
  calls: readonly StorageCall[],
): Promise<(name: string) => number> {
  const name = 'storage-bench';
  const bytes = await wat(moduleText(calls));
  const info = readModule(bytes, { name });
  const registry = await Registry.load();
  const spec = parseManifest(
    `name = "bench"\nversion = "1"\ncapabilities = ${JSON.stringify(capabilities)}\n` +
      '[storage.fs]\nmax_file_bytes = 1073741824\n',
    { file: 'pulp.plugin.toml', capabilities: registry.declarable },
  );
  const functions = new Map<string, AnyHostFunction>();
  for (const capability of capabilities.map((declared) => registry.get(declared))) {
    const context = guestContext({
      options: spec.options.get(capability.name) ?? {},
      folder,
      arity: (wanted) => info.imports.find((entry) => entry.name === wanted)?.params?.length ?? 0,
    });
    const end = await capability.guest?.(context);
    for (const [key, fn] of Object.entries(end?.functions ?? {})) functions.set(key, fn);
  }
  const guest = new Guest({ suspendable: false, goBuilt: false });
  const module = await compileModule(bytes, { name });
  guest.instantiate(
    module,
    bindImports({ info, guest, known: registry.imports, functions, wasi: {}, log: silent }),
  );
  return (wanted) => {
    const code = guest.probe(wanted);
    if (code !== 0) throw new Error(`${wanted}: code ${String(code)}`);
    return code;
  };
}

function moduleText(calls: readonly StorageCall[]): string {
  let at = constantsAt;
  const data: string[] = [];
  const exports = calls.map(({ name, use, given }) => {
    const ranges = given.map((bytes) => {
      const hex = Buffer.from(bytes)
        .toString('hex')
        .replaceAll(/../g, String.raw`\$&`);
      data.push(`(data (i32.const ${at}) "${hex}")`);
      const range = `(i32.const ${at}) (i32.const ${bytes.length})`;
      at += bytes.length;
      return range;
    });
    return `(func (export "${name}") (result i32)
      (call $${use} ${ranges.join(' ')} (i32.const 0) (i32.const 4)))`;
  });
  return `(module
    (import "pulp" "sqlite_exec" (func $sqlite_exec (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "pulp" "sqlite_query" (func $sqlite_query (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "pulp" "fs_read" (func $fs_read (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 64)
    ${data.join('\n')}
    (func (export "pulp_alloc") (param i32) (result i32) (i32.const 65536))
    (func (export "pulp_init") (param i32 i32) (result i32) (i32.const 0))
    (func (export "pulp_step") (param i32 i32) (result i32) (i32.const 0))
    (func (export "pulp_shutdown") (result i32) (i32.const 0))
    ${exports.join('\n')})`;
}
