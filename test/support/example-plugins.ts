import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { buildPlugins } from '../../scripts/build-plugins.ts';

const folder = join(import.meta.dirname, '..', '..', 'plugins');

/** The manifest of an example plugin. */
export function exampleManifest(name: string): string {
  return join(folder, name, 'pulp.plugin.toml');
}

/**
 * Builds an example plugin unless it is built. Gives a reason to skip its tests when its toolchain is missing;
 * with `PULP_REQUIRE_TOOLS=1` that is an error instead.
 */
export async function buildExample(name: string): Promise<string | false> {
  await buildPlugins({ only: [name] });
  try {
    await access(join(folder, name, 'build', `${name}.wasm`));
    return false;
  } catch {
    return `plugins/${name} is not built, since Go 1.24 or newer is not installed`;
  }
}
