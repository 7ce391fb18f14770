import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scope } from './scope.ts';

export interface PluginFolderOptions {
  /** The module; left out, there is none. */
  readonly wasm?: Uint8Array;
  /** Manifest lines behind name and version. Default: the inbound transport is declared. */
  readonly manifest?: string;
}

/** A plugin named `guest` in a folder that goes with the test. Gives the manifest's path. */
export async function pluginFolder(t: Scope, { wasm, manifest }: PluginFolderOptions): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pulp-test-plugin-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  if (wasm !== undefined) await writeFile(join(folder, 'plugin.wasm'), wasm);
  const file = join(folder, 'pulp.plugin.toml');
  const rest = manifest ?? 'capabilities = ["transport.http.inbound"]';
  await writeFile(file, `name = "guest"\nversion = "1.2.3"\n${rest}\n`);
  return file;
}
