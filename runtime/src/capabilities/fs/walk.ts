import { mkdirSync } from 'node:fs';
import { look } from './entry.ts';
import { isErrno } from './fault.ts';
import type { Folder } from './folder.ts';

/** Permission bits of a folder. */
export const folderMode = 0o700;

/** How folders on the way come to be. */
export interface Making {
  /** Called before the first one is made, with how many are missing. It throws to have none made. */
  before(missing: number): void;
  /** Called for each that was made. */
  made(): void;
}

/**
 * Goes from a plugin's own folder through others and acts in the last, step by step, each opened in the one before:
 * a link on the way is refused with 4. Throws ENOENT where a folder is missing, unless it is to be made, and ENOTDIR
 * where a file stands.
 */
export function inFolder<T>(
  root: Folder,
  names: readonly string[],
  act: (folder: Folder) => T,
  making?: Making,
): T {
  let folder = root;
  let asked = false;
  try {
    for (const [index, name] of names.entries()) {
      let next = open(folder, name, making !== undefined);
      if (next === undefined) {
        if (!asked) making?.before(names.length - index);
        asked = true;
        makeFolder(folder, name);
        making?.made();
        next = enter(folder, name);
      }
      if (folder !== root) folder[Symbol.dispose]();
      folder = next;
    }
    return act(folder);
  } finally {
    if (folder !== root) folder[Symbol.dispose]();
  }
}

/** Makes a folder that outlasts a loss of power. EEXIST when something stands there. */
export function makeFolder(parent: Folder, name: string, mode = folderMode): void {
  mkdirSync(parent.at(name), folderMode);
  // Whatever the umask is.
  parent.chmod(name, mode);
  parent.sync();
}

/** A folder, undefined when it is missing and may be. */
function open(parent: Folder, name: string, mayMiss: boolean): Folder | undefined {
  try {
    return enter(parent, name);
  } catch (error) {
    if (mayMiss && isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function enter(parent: Folder, name: string): Folder {
  try {
    return parent.enter(name);
  } catch (error) {
    // A file in the place of a folder is one thing, a link another: that is refused here.
    if (isErrno(error, 'ENOTDIR', 'ELOOP')) look(parent, name);
    throw error;
  }
}
