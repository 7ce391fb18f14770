import { makePluginFolder } from '../plugin-folder.ts';
import { DescriptorFolder } from './descriptor-folder.ts';
import type { Folder } from './folder.ts';
import { PathFolder } from './path-folder.ts';

/**
 * Opens a plugin's own folder and makes it its owner's alone. It is made when it is missing, with the folders above.
 *
 * Throws an error for operators that names the folder, also when a link stands there: who can put one below the
 * storage root would choose where the plugin writes.
 */
export function openRoot(path: string): Folder {
  try {
    makePluginFolder(path);
    return (process.platform === 'linux' ? DescriptorFolder.root(path) : undefined) ?? PathFolder.root(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`storage.fs: the plugin's folder ${path} cannot be used: ${reason}`, { cause: error });
  }
}
