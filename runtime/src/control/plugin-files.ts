import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { readBounded } from '../host/load-plugin.ts';
import { maxManifestLength, parseToml } from '../manifest/toml.ts';

/** The files of a plugin, absolute. */
export interface PluginFiles {
  readonly manifest: string;
  readonly wasm: string;
}

/** In the look of files of which one is not there. */
export const missing = 'ENOENT';

/** What tells two states of a plugin's files apart: links are followed. */
export async function looksOf({ manifest, wasm }: PluginFiles): Promise<string> {
  return `${await looksLike(manifest)} ${wasm} ${await looksLike(wasm)}`;
}

/**
 * How the files of plugins look before a host reads them, by their manifests' absolute paths. A manifest that cannot be
 * read is left out: the host says why.
 */
export async function looksBefore(manifests: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const looks = new Map<string, string>();
  for (const file of manifests) {
    const manifest = resolve(file);
    const wasm = await moduleOf(manifest).catch(() => undefined);
    if (wasm !== undefined) looks.set(manifest, await looksOf({ manifest, wasm }));
  }
  return looks;
}

/** The module that a manifest names. */
async function moduleOf(manifest: string): Promise<string | undefined> {
  const bytes = await readBounded(manifest, { what: 'manifest', limit: maxManifestLength * 4 });
  const { wasm = '' } = parseToml(bytes.toString(), manifest);
  return typeof wasm === 'string' ? resolve(dirname(manifest), wasm || 'plugin.wasm') : undefined;
}

async function looksLike(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(file, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
