/** What is inside of a program that `pulp bundle` made: its plugins, and the code of its threads. */
import { getAsset, getRawAsset, isSea } from 'node:sea';
import { join, relative, sep } from 'node:path';

/** What a bundled program knows of itself. */
export interface BundleDescription {
  /** The version of Pulp. */
  readonly version: string;
  /** The manifests inside, in their order, as keys of assets. */
  readonly manifests: readonly string[];
}

/** The assets that each bundled program has. Plugins are below `plugins/`. */
export const asset = { description: 'pulp.json', thread: 'thread.js' } as const;

/** Undefined: this is no bundled program. */
export function bundleDescription(): BundleDescription | undefined {
  // The bundler wrote it.
  return isSea() ? (JSON.parse(getAsset(asset.description, 'utf8')) as BundleDescription) : undefined;
}

/** The code of a plugin thread, as the text of a module. Undefined: this is no bundled program. */
export function embeddedThread(): string | undefined {
  return isSea() ? getAsset(asset.thread, 'utf8') : undefined;
}

/** The manifests inside of this program, as paths below that of the program itself, where no file can be. */
export function embeddedManifests(): readonly string[] {
  return (bundleDescription()?.manifests ?? []).map((key) => join(process.execPath, ...key.split('/')));
}

/** The bytes of a file inside of this program; undefined when its path is not that of one. */
export function embeddedFile(path: string): Buffer | undefined {
  if (!isSea() || !path.startsWith(process.execPath + sep)) return undefined;
  const key = relative(process.execPath, path).split(sep).join('/');
  try {
    return Buffer.from(getRawAsset(key));
  } catch {
    return undefined;
  }
}
