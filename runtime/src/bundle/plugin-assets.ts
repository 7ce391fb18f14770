import { dirname, join, relative, resolve, sep } from 'node:path';
import type { Registry } from '../capabilities/registry.ts';
import { loadPlugin, readManifest } from '../host/load-plugin.ts';

/** Plugins as files inside of a program. */
export interface PluginAssets {
  /** The keys of the manifests, in their order. */
  readonly manifests: readonly string[];
  /** Where the file of each key is now, absolute. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * Finds and checks what the plugins of these manifests are made of, as a start would. Their places to one another stay:
 * a manifest names its module by a relative path. Rejects with an error that names the manifest or module.
 */
export async function findPluginAssets(
  manifests: readonly string[],
  registry: Registry,
): Promise<PluginAssets> {
  const files = new Map<string, string>();
  const keys: string[] = [];
  for (const manifest of manifests) {
    const file = resolve(manifest);
    const spec = await readManifest(file, registry);
    await loadPlugin(spec, registry);
    const folder = join('plugins', spec.name);
    const key = asKey(join(folder, 'pulp.plugin.toml'));
    if (keys.includes(key)) throw new Error(`${file}: a second plugin with the name ${spec.name}`);
    const module = asKey(join(folder, relative(dirname(file), spec.wasm)));
    if (!module.startsWith('plugins/')) {
      throw new Error(`${file}: its wasm is too far away for a bundle; keep it in the manifest's folder`);
    }
    add(files, key, file);
    add(files, module, spec.wasm);
    keys.push(key);
  }
  return { manifests: keys, files };
}

function add(files: Map<string, string>, key: string, file: string): void {
  const other = files.get(key);
  if (other !== undefined && other !== file) {
    throw new Error(
      `${file} and ${other} would have one place in the bundle; keep modules in their manifest's folder`,
    );
  }
  files.set(key, file);
}

/** Keys of assets have slashes everywhere. */
function asKey(path: string): string {
  return path.split(sep).join('/');
}
