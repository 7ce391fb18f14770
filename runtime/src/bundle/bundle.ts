import { stat } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { importCapability } from '../capabilities/import-extension.ts';
import { Registry } from '../capabilities/registry.ts';
import type { Capability } from '../ext.ts';
import { asset, type BundleDescription } from '../host/embedded.ts';
import { bundleCommand, bundleProgram, bundleThread } from './code.ts';
import { type AssetSource, writeExecutable } from './executable.ts';
import { findPluginAssets } from './plugin-assets.ts';

export interface BundleOptions {
  /** The module of the deployment program, which calls `main` of `pulp-runtime/run`. Default: the plain command. */
  readonly entry?: string;
  /** URLs of the modules of extensions; only without `entry`, which has its own. */
  readonly extensions: readonly string[];
  /** The plugins that go inside, and run when the command line names none. */
  readonly manifests: readonly string[];
  readonly output: string;
  /** The version of Pulp. */
  readonly version: string;
  /** Told of each step, in words. */
  readonly progress: (step: string) => void;
}

/** Makes one executable of a deployment and its plugins. Gives its size in bytes. Rejects with what is wrong with it. */
export async function bundle(options: BundleOptions): Promise<number> {
  const { entry, manifests, output, version, progress } = options;
  progress('bundling the code');
  const program =
    entry === undefined
      ? await bundleCommand(options.extensions.map((url) => fileURLToPath(url)))
      : await bundleProgram(entry);
  if (entry !== undefined && program.extensions.includes(entry)) {
    throw new Error(
      `${entry} exports a capability: keep extensions in modules of their own, apart from the program`,
    );
  }
  const extensions = await extensionsIn(program.extensions);
  const thread = await bundleThread(extensions.map(({ path }) => path));
  if (manifests.length > 0) progress('checking the plugins');
  const registry = new Registry(extensions.map(({ capability }) => capability));
  const plugins = await findPluginAssets(manifests, registry);
  progress(`writing ${output}`);
  const description: BundleDescription = { version, manifests: plugins.manifests };
  await writeExecutable({
    code: program.code,
    assets: new Map<string, AssetSource>([
      [asset.description, { text: JSON.stringify(description) }],
      // In stacks it has this name; it has no place.
      [asset.thread, { text: `${thread}\n//# sourceURL=pulp-thread.js\n` }],
      ...[...plugins.files].map(([key, file]) => [key, { file }] as const),
    ]),
    output,
  });
  return (await stat(output)).size;
}

interface Found {
  readonly path: string;
  readonly capability: Capability;
}

/** Of these modules those that export a capability: that is what plugin threads are told of. */
async function extensionsIn(paths: readonly string[]): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const path of paths) {
    const { href } = pathToFileURL(path);
    const exported = (await import(href)) as { readonly capability?: unknown };
    const { capability } = exported;
    // Of a package's main module that passes it on, the one that defines it is enough.
    if (capability === undefined || found.some((other) => other.capability === capability)) continue;
    found.push({ path, capability: await importCapability(href) });
  }
  return found;
}
