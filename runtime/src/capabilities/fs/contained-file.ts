import { Buffer } from 'node:buffer';
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';
import { lookAt, noFolder } from './entry.ts';
import type { Folder } from './folder.ts';
import { shown } from './path.ts';
import { temporaryName } from './temporary-name.ts';

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = constants;

/** Permission bits of a file unless others are asked for. */
export const fileMode = 0o600;

/**
 * Reads a whole file. Its size is held against `most` before anything is allocated.
 *
 * Throws {@link Failure} 4 for what is no file of the plugin's own, 5 for a folder or too many bytes, and errors of
 * the system.
 */
export function readFile(folder: Folder, name: string, most: number): Uint8Array {
  const fd = folder.open(name, O_RDONLY);
  try {
    const entry = lookAt(fd, name);
    noFolder(entry, name);
    if (entry.size > most) {
      throw new Failure(Code.failed, `${shown(name)} has ${entry.size} bytes; at most ${most} are read`);
    }
    const bytes = Buffer.allocUnsafe(entry.size);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(fd, bytes, length, bytes.length - length, length);
      // It became shorter meanwhile.
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/**
 * Makes a file of these bytes, or puts it in the place of the one that is there: at once, so that who reads sees
 * the old one or the new one, and for good, so that a loss of power leaves the one or the other. When it throws,
 * the old one is there as it was.
 */
export function replaceFile(folder: Folder, name: string, bytes: Uint8Array, mode: number): void {
  const temporary = temporaryName();
  createFile(folder, temporary, bytes, mode);
  try {
    renameSync(folder.at(temporary), folder.at(name));
  } catch (error) {
    remove(folder, temporary);
    throw error;
  }
  folder.sync();
}

/** Makes a file whose content outlasts a loss of power; its name does after the folder's `sync`. EEXIST if it is there. */
export function createFile(folder: Folder, name: string, bytes: Uint8Array, mode: number): void {
  const fd = folder.open(name, O_WRONLY | O_CREAT | O_EXCL, fileMode);
  try {
    try {
      // Whatever the umask is.
      fchmodSync(fd, mode);
      writeAll(fd, bytes);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    remove(folder, name);
    throw error;
  }
}

/**
 * Puts bytes behind those that a file has, for good. Not at once: who reads meanwhile may see a part of them, and a
 * loss of power may leave a part. When it throws, the file has the length that it had, if the disk lets it.
 */
export function appendToFile(folder: Folder, name: string, bytes: Uint8Array): void {
  const fd = folder.open(name, O_WRONLY | O_APPEND);
  try {
    const { size } = lookAt(fd, name);
    try {
      writeAll(fd, bytes);
      fsyncSync(fd);
    } catch (error) {
      ftruncateSync(fd, size);
      throw error;
    }
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done);
}

/** Takes back what was begun. Why that was is what the caller throws, not that this does not work either. */
function remove(folder: Folder, name: string): void {
  try {
    unlinkSync(folder.at(name));
  } catch {
    // What stays is removed when the plugin starts the next time.
  }
}
