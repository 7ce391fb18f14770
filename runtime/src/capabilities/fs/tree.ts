import { rmdirSync, unlinkSync } from 'node:fs';
import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';
import { entriesOf, type Named } from './entry.ts';
import { isErrno } from './fault.ts';
import type { Folder } from './folder.ts';
import { isHostsOwn, maxDepth, shown } from './path.ts';
import type { Usage } from './quota.ts';

/** How many names of a folder are held at a time while it is emptied. */
const heldNames = 10_000;

export interface MeasureOptions {
  /** Beyond so many files and folders it stops, and the bytes are infinite. */
  readonly maxFiles: number;
  /** Called for an entry that could not be counted. */
  readonly failed: (name: string, error: unknown) => void;
}

/**
 * Counts what is in a plugin's folder, its database left out, and removes what a crash has left of files that were
 * being written. A folder that cannot be read counts as one file.
 */
export function measure(root: Folder, { maxFiles, failed }: MeasureOptions): Usage {
  let bytes = 0;
  let files = 0;
  const count = (folder: Folder, depth: number): void => {
    for (const { name, isFolder } of entriesOf(folder)) {
      if (isHostsOwn(name, folder)) {
        if (!isFolder && isHostsOwn(name, { isRoot: false })) forget(folder, name);
        continue;
      }
      files += 1;
      if (files > maxFiles) return;
      try {
        if (depth > maxDepth) throw tooDeep(name);
        if (isFolder) within(folder, name, (inner) => count(inner, depth + 1));
        else bytes += sizeOf(folder, name);
      } catch (error) {
        failed(name, error);
      }
    }
  };
  count(root, 1);
  return { bytes: files > maxFiles ? Number.POSITIVE_INFINITY : bytes, files };
}

/**
 * Removes an entry and everything below it. Links in it are removed and not followed. `removed` is told of each
 * entry, also of those that went before an error.
 */
export function removeTree(folder: Folder, name: string, removed: (freed: Usage) => void, depth = 1): void {
  const stats = folder.lstat(name);
  if (stats === undefined) return;
  if (!stats.isDirectory()) {
    unlinkSync(folder.at(name));
    removed({ bytes: stats.isFile() ? Number(stats.size) : 0, files: 1 });
    return;
  }
  if (depth > maxDepth) throw tooDeep(name);
  within(folder, name, (inner) => {
    for (;;) {
      // First the names: what a listing gives is not certain while entries of it go.
      const names = first(heldNames, entriesOf(inner));
      for (const entry of names) removeTree(inner, entry.name, removed, depth + 1);
      if (names.length < heldNames) break;
    }
  });
  rmdirSync(folder.at(name));
  removed({ bytes: 0, files: 1 });
}

/**
 * Removes an empty folder. What a crash has left of files that were being written does not count, since guests do
 * not see it. ENOTEMPTY when there is more.
 */
export function removeFolder(parent: Folder, name: string): void {
  try {
    rmdirSync(parent.at(name));
  } catch (error) {
    // EEXIST is the same on some systems.
    if (!isErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    clearLeftovers(parent, name);
    rmdirSync(parent.at(name));
  }
}

/** Removes from a folder what a crash has left of files that were being written. */
export function clearLeftovers(parent: Folder, name: string): void {
  within(parent, name, (inner) => {
    for (const entry of first(heldNames, entriesOf(inner))) {
      if (!entry.isFolder && isHostsOwn(entry.name, inner)) forget(inner, entry.name);
    }
  });
}

/** How many names deep a folder is, itself included. Throws {@link Failure} 5 where that is over `most`. */
export function checkDepth(parent: Folder, name: string, most: number): void {
  if (most < 1) throw tooDeep(name);
  within(parent, name, (inner) => {
    for (const entry of entriesOf(inner)) {
      if (entry.isFolder) checkDepth(inner, entry.name, most - 1);
      else if (most < 2) throw tooDeep(entry.name);
    }
  });
}

function tooDeep(name: string): Failure {
  return new Failure(Code.failed, `${shown(name)} is over ${maxDepth} names deep`);
}

function within(parent: Folder, name: string, act: (folder: Folder) => void): void {
  using folder = parent.enter(name);
  act(folder);
}

function sizeOf(folder: Folder, name: string): number {
  const stats = folder.lstat(name);
  return stats?.isFile() === true ? Number(stats.size) : 0;
}

/** Removes a leftover. One that cannot be removed is no reason to stop: nobody sees it. */
function forget(folder: Folder, name: string): void {
  try {
    unlinkSync(folder.at(name));
  } catch {
    // The next start tries again.
  }
}

function first(most: number, entries: Iterable<Named>): Named[] {
  const found: Named[] = [];
  for (const entry of entries) {
    if (found.length === most) break;
    found.push(entry);
  }
  return found;
}
