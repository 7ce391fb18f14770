import { chmodSync, closeSync, lstatSync, openSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { makePluginFolder } from '../plugin-folder.ts';

/** The name of the database in a plugin's folder. Its companions have `-wal`, `-shm` and `-journal` behind it. */
const fileName = 'data.db';
const companions = ['', '-wal', '-shm', '-journal'];

/**
 * Makes the plugin's folder and an empty file for the database where they are not there yet, and lets nobody
 * but this user into either: 0700 and 0600 (contract section 8). SQLite gives the companions that it makes the
 * mode of the database. Gives the file's path.
 *
 * Throws an Error that names the path: the folder or file cannot be made, or something else is in its place.
 */
export function prepareFile(folder: string): string {
  const path = join(folder, fileName);
  try {
    makePluginFolder(folder);
    const found = lstatSync(path, { throwIfNoEntry: false });
    // Opening a FIFO would wait for ever, and what a link leads to no backup would find.
    if (found !== undefined && !found.isFile()) throw new Error('something is there that is no file');
    closeSync(openSync(path, 'a', 0o600));
    for (const companion of companions) {
      const file = `${path}${companion}`;
      const stats = lstatSync(file, { throwIfNoEntry: false });
      if (stats?.isSymbolicLink() === true) throw new Error(`${file} is a link, which is not followed`);
      if (stats !== undefined) narrow(file, stats);
    }
  } catch (error) {
    throw new Error(
      `storage.sqlite: cannot make ${path}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  return path;
}

/** Takes the rights of group and others away. What belongs to another user stays as it is. */
function narrow(path: string, stats: Stats): void {
  if ((stats.mode & 0o077) === 0) return;
  try {
    chmodSync(path, stats.mode & 0o700);
  } catch {
    // The file's owner decided, and this user may use it all the same.
  }
}
