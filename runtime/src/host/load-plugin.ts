import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Registry } from '../capabilities/registry.ts';
import { checkImports } from '../guest/bind.ts';
import { checkCode } from '../guest/check-code.ts';
import { checkExports } from '../guest/check-exports.ts';
import { compileModule } from '../guest/compile.ts';
import { embeddedFile } from './embedded.ts';
import { limitMemory } from '../guest/limit-memory.ts';
import { ModuleError } from '../guest/module-error.ts';
import { type ModuleInfo, readModule } from '../guest/module.ts';
import { checkWasiImports } from '../guest/wasi/signatures.ts';
import { parseManifest } from '../manifest/parse-manifest.ts';
import type { PluginSpec } from '../manifest/plugin-spec.ts';
import { maxManifestLength } from '../manifest/toml.ts';

/** A plugin that can be started, as often as need be: its module is compiled once. */
export interface LoadedPlugin {
  readonly spec: PluginSpec;
  readonly module: WebAssembly.Module;
  readonly info: ModuleInfo;
}

/**
 * Largest module that is read, in bytes. Loading one takes up to twice as much memory (128 MB for 64 MiB of data, 80 MB
 * for 64 MiB of code), and what is compiled of it later several times as much. Ruby with its library has 49 MB.
 */
const maxModuleBytes = 64 * 1024 * 1024;

/** Reads and checks a manifest. Throws with the file and what is wrong with it. */
export async function readManifest(file: string, registry: Registry): Promise<PluginSpec> {
  const bytes = await readBounded(file, { what: 'manifest', limit: maxManifestLength * 4 });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Error(`${file}: the manifest is not UTF-8, which TOML has to be`, { cause: error });
  }
  return parseManifest(text, { file, capabilities: registry.declarable });
}

/** Reads, checks and compiles the module of a manifest. Nothing of it runs. */
export async function loadPlugin(spec: PluginSpec, registry: Registry): Promise<LoadedPlugin> {
  const name = spec.wasm;
  const bytes = await readBounded(name, { what: `module of plugin ${spec.name}`, limit: maxModuleBytes });
  if (spec.wasmSha256 !== undefined) {
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found !== spec.wasmSha256) {
      throw new Error(
        `${name}: its SHA-256 is ${found}, but wasm_sha256 in ${spec.file} says ${spec.wasmSha256}`,
      );
    }
  }
  const info = readModule(bytes, { name });
  checkExports(info);
  checkHeap(info);
  checkImports(info, registry.imports);
  checkWasiImports(info);
  const unknown = checkCode(bytes, { name });
  const module = await compileModule(limitMemory(bytes, spec.maxMemoryPages, { name }), { name });
  if (unknown !== undefined) throw unknown;
  return { spec, module, info };
}

/** No limit of the engine counts one guest's objects, and the process ends when its heap overflows. */
function checkHeap({ name, heapTypes }: ModuleInfo): void {
  if (!heapTypes) return;
  throw new ModuleError(
    'feature',
    `${name}: this module has struct or array types, whose memory cannot be limited here; ` +
      'build it for linear memory, without the garbage collection proposal',
  );
}

/** Reads a file of at most `limit` bytes. Throws an error that names the file and says what is wrong with it. */
export async function readBounded(
  file: string,
  { what, limit }: { what: string; limit: number },
): Promise<Buffer> {
  try {
    const embedded = embeddedFile(file);
    if (embedded !== undefined) return embedded;
    // Whatever stands there by now: opening a pipe, or reading what has nothing yet, must not wait.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat();
    const { size } = stats;
    if (stats.isDirectory()) throw Object.assign(new Error(file), { code: 'EISDIR' });
    // A device or a pipe has no size to hold against the limit, and may never end.
    if (!stats.isFile()) throw new Error(`${file}: the ${what} is not a regular file`);
    if (size > limit)
      throw new Error(`${file}: ${size} bytes are too many for the ${what}; at most ${limit} are read`);
    return await handle.readFile();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new Error(`${file}: the ${what} is not there`, { cause: error });
    if (code === 'EISDIR') throw new Error(`${file}: the ${what} is a folder, not a file`, { cause: error });
    if (code === 'EACCES')
      throw new Error(`${file}: the ${what} may not be read by this user`, { cause: error });
    throw error;
  }
}
