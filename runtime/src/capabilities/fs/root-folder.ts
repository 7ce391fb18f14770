import { chmodSync, closeSync, constants, fsyncSync, lstatSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DescriptorFolder } from './descriptor-folder.ts';
import { isErrno } from './fault.ts';
import type { Folder } from './folder.ts';
import { PathFolder } from './path-folder.ts';
import { folderMode } from './walk.ts';

/**
 * Opens a plugin's own folder and makes it its owner's alone. It is made when it is missing, with the folders above.
 *
 * Throws an error for operators that names the folder, also when a link stands there: who can put one below the
 * storage root would choose where the plugin writes.
 */
export function openRoot(path: string): Folder {
  try {
    make(path);
    if (!lstatSync(path).isDirectory()) throw new Error('it is no folder; a link is not followed');
    chmodSync(path, folderMode);
    return (process.platform === 'linux' ? DescriptorFolder.root(path) : undefined) ?? PathFolder.root(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`storage.fs: the plugin's folder ${path} cannot be used: ${reason}`, { cause: error });
  }
}

/** Makes a folder and those above it that are missing, for good. */
function make(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: folderMode });
  if (first === undefined || process.platform === 'win32') return;
  for (let made = path; made.length >= first.length; made = dirname(made)) syncFolder(dirname(made));
}

function syncFolder(path: string): void {
  try {
    const fd = openSync(path, constants.O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    // A folder above that this user may pass through and not read.
    if (!isErrno(error, 'EACCES', 'EPERM')) throw error;
  }
}
