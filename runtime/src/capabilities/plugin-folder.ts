import { chmodSync, closeSync, constants, fsyncSync, lstatSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/** Folders are their owner's alone (contract section 8). */
const folderMode = 0o700;

/**
 * Makes a plugin's own folder, with those above it, where it is missing, so that it is there after a loss of power,
 * too, and lets nobody but this user in. Throws also when a link stands there: who can put one below the storage root
 * would choose where the plugin writes, and a backup would not find it.
 */
export function makePluginFolder(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: folderMode });
  if (first !== undefined && process.platform !== 'win32') {
    for (let made = path; made.length >= first.length; made = dirname(made)) syncFolder(dirname(made));
  }
  if (!lstatSync(path).isDirectory()) throw new Error('it is no folder; a link is not followed');
  chmodSync(path, folderMode);
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
    const { code } = error as NodeJS.ErrnoException;
    // A folder above that this user may pass through and not read.
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
  }
}
