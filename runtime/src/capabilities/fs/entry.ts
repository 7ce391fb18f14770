import { type BigIntStats, fstatSync, opendirSync } from 'node:fs';
import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';
import type { Folder } from './folder.ts';
import { shown } from './path.ts';

/** A file or folder of the plugin's own. */
export interface Entry {
  readonly isFolder: boolean;
  /** Bytes; 0 for a folder. */
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly modTimeNs: bigint;
  /** Permission bits. */
  readonly mode: number;
}

/**
 * What stands at a name, undefined when nothing does. Throws {@link Failure} 4 for what is not the plugin's own: a
 * link, a file with a second name somewhere, a FIFO, socket or device.
 */
export function look(folder: Folder, name: string): Entry | undefined {
  const stats = folder.lstat(name);
  return stats === undefined ? undefined : entryOf(stats, name);
}

/** As {@link look}, for what was opened. */
export function lookAt(fd: number, name: string): Entry {
  return entryOf(fstatSync(fd, { bigint: true }), name);
}

function entryOf(stats: BigIntStats, name: string): Entry {
  const isFolder = stats.isDirectory();
  if (!isFolder) {
    if (stats.isSymbolicLink()) throw new Failure(Code.refused, `${shown(name)} is a link`);
    if (!stats.isFile()) throw new Failure(Code.refused, `${shown(name)} is neither file nor folder`);
    if (stats.nlink > 1n) throw new Failure(Code.refused, `${shown(name)} has a second name, a hard link`);
  }
  return {
    isFolder,
    size: isFolder ? 0 : Number(stats.size),
    modTimeNs: stats.mtimeNs,
    mode: Number(stats.mode) & 0o777,
  };
}

/** Refuses a folder where a file is needed: {@link Failure} 5. */
export function noFolder(entry: Entry | undefined, name: string): void {
  if (entry?.isFolder === true) throw new Failure(Code.failed, `${shown(name)} is a folder`);
}

/** A name of a folder's and whether it is that of a folder, as {@link entriesOf} gives it. */
export interface Named {
  readonly name: string;
  readonly isFolder: boolean;
}

/** How many entries the system is asked for at a time. */
const batch = 256;

/** What stands in a folder, in the system's order, one after the other: however many there are, memory is not. */
export function* entriesOf(folder: Folder): Generator<Named, void, undefined> {
  const directory = opendirSync(folder.at('.'), { encoding: 'latin1', bufferSize: batch });
  try {
    for (let found = directory.readSync(); found !== null; found = directory.readSync()) {
      const { name } = found;
      const isKnown = found.isDirectory() || found.isFile() || found.isSymbolicLink();
      // Some file systems do not say in a listing what an entry is.
      const isFolder = isKnown ? found.isDirectory() : folder.lstat(name)?.isDirectory() === true;
      yield { name, isFolder };
    }
  } finally {
    directory.closeSync();
  }
}
