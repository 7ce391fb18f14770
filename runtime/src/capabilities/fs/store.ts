import { renameSync, unlinkSync } from 'node:fs';
import { Code } from '../../abi/codes.ts';
import { Failure, type Log } from '../../ext.ts';
import { appendToFile, createFile, fileMode, readFile, replaceFile } from './contained-file.ts';
import { entriesOf, type Entry, look, type Named, noFolder } from './entry.ts';
import { failureOf, isErrno, isTrouble } from './fault.ts';
import type { Folder } from './folder.ts';
import { type FilePath, isHostsOwn, maxDepth, parsePath, shown, written } from './path.ts';
import { Quota, type Usage } from './quota.ts';
import { nameFrom } from './temporary-name.ts';
import { checkDepth, clearLeftovers, measure, removeFolder, removeTree } from './tree.ts';
import { folderMode, inFolder, makeFolder, type Making } from './walk.ts';

/** What a plugin may use, from its manifest. */
export interface StoreLimits {
  /** Bytes of all files together. */
  readonly maxBytes: number;
  /** Bytes of one file, written or read. */
  readonly maxFileBytes: number;
  /** Files and folders, and entries of a list. */
  readonly maxFiles: number;
}

export interface StoreOptions {
  /** The plugin's own folder. The store closes it. */
  readonly root: Folder;
  readonly limits: StoreLimits;
  readonly log: Log;
  /** A clock in milliseconds; that of the process unless given. */
  readonly now?: () => number;
}

/** How often trouble with the disk is logged at most, in milliseconds. */
const troubleMs = 10_000;
/** Where temporary files are that name no folder. */
const temporaryFolder = 'tmp';

const nothing = new Uint8Array(0);

/**
 * The files of a plugin (contract sections 4 and 8). What it is given it checks against the disk and the limits;
 * paths have been read before. Every method throws {@link Failure} and nothing else, but for a mistake of the host.
 *
 * One store works on a folder at a time, and one call after the other.
 */
export class FileStore implements Disposable {
  readonly #root: Folder;
  readonly #limits: StoreLimits;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #quota: Quota;
  #nextComplaint = 0;

  constructor({ root, limits, log, now = () => performance.now() }: StoreOptions) {
    this.#root = root;
    this.#limits = limits;
    this.#log = log;
    this.#now = now;
    const { maxBytes, maxFiles } = limits;
    this.#quota = new Quota({ maxBytes, maxFiles, now, count: () => this.#count() });
    if (this.#quota.isOver) {
      const { bytes, files } = this.#quota.used;
      log.warn('storage.fs over its quota', {
        // Not counted when there are too many files.
        bytes: Number.isFinite(bytes) ? bytes : undefined,
        max_bytes: maxBytes,
        files,
        max_files: maxFiles,
      });
    }
  }

  read(path: FilePath): Uint8Array {
    return this.#try('reading', path, true, () =>
      this.#in(path, (folder) => readFile(folder, path.name, this.#limits.maxFileBytes)),
    );
  }

  /** Puts a file there, whole or not at all. A file that is there keeps its mode; `mode` is that of a new one. */
  write(path: FilePath, bytes: Uint8Array, mode = fileMode): void {
    this.#try('writing', path, false, () => {
      this.#checkSize(path, bytes.length);
      this.#inMade(path, { bytes: bytes.length, files: 1 }, (folder) => {
        const there = look(folder, path.name);
        noFolder(there, path.name);
        const more = { bytes: bytes.length - (there?.size ?? 0), files: there === undefined ? 1 : 0 };
        this.#quota.need(more);
        replaceFile(folder, path.name, bytes, (there?.mode ?? mode) & 0o700);
        this.#quota.add(more);
      });
    });
  }

  append(path: FilePath, bytes: Uint8Array): void {
    this.#try('appending to', path, false, () => {
      this.#checkSize(path, bytes.length);
      this.#inMade(path, { bytes: bytes.length, files: 1 }, (folder) => {
        const there = look(folder, path.name);
        noFolder(there, path.name);
        this.#checkSize(path, bytes.length + (there?.size ?? 0));
        const more = { bytes: bytes.length, files: there === undefined ? 1 : 0 };
        this.#quota.need(more);
        if (there === undefined) replaceFile(folder, path.name, bytes, fileMode);
        else appendToFile(folder, path.name, bytes);
        this.#quota.add(more);
      });
    });
  }

  /** Removes a file or an empty folder. */
  delete(path: FilePath): void {
    const { name } = path;
    this.#try('deleting', path, true, () =>
      this.#in(path, (folder) => {
        const there = existing(folder, name);
        if (there.isFolder) removeFolder(folder, name);
        else unlinkSync(folder.at(name));
        this.#quota.add({ bytes: -there.size, files: -1 });
        folder.sync();
      }),
    );
  }

  /** What is in a folder, the plugin's own without a path: in the order of the names' bytes. */
  list(path: FilePath | undefined): Named[] {
    const names = path === undefined ? [] : [...path.folders, path.name];
    const { maxFiles } = this.#limits;
    return this.#try('listing', path, true, () =>
      inFolder(this.#root, names, (folder) => {
        const found: Named[] = [];
        for (const entry of entriesOf(folder)) {
          if (isHostsOwn(entry.name, { isRoot: names.length === 0 })) continue;
          if (found.length === maxFiles) {
            throw new Failure(Code.failed, `over ${maxFiles} entries; more are not listed (max_files)`);
          }
          found.push(entry);
        }
        return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
      }),
    );
  }

  stat(path: FilePath): Entry {
    return this.#try('looking at', path, true, () => this.#in(path, (folder) => existing(folder, path.name)));
  }

  /** Gives a file or folder another name, in the place of a file or an empty folder that has it. */
  rename(from: FilePath, to: FilePath): void {
    this.#try('renaming', from, true, () =>
      this.#in(from, (source) => {
        const moved = existing(source, from.name);
        if (written(from) === written(to)) return;
        if (moved.isFolder) {
          if (written(to).startsWith(`${written(from)}/`))
            throw new Failure(Code.failed, 'a folder into itself');
          checkDepth(source, from.name, maxDepth - to.folders.length);
        }
        this.#inMade(to, { bytes: 0, files: 0 }, (target) => {
          const replaced = look(target, to.name);
          if (replaced?.isFolder === true && moved.isFolder) clearLeftovers(target, to.name);
          renameSync(source.at(from.name), target.at(to.name));
          if (replaced !== undefined) this.#quota.add({ bytes: -replaced.size, files: -1 });
          target.sync();
          source.sync();
        });
      }),
    );
  }

  /** Removes a file or folder with all that is in it, links without following them. Of nothing: does nothing. */
  removeAll(path: FilePath): void {
    this.#try('removing', path, true, () => {
      try {
        this.#in(path, (folder) => {
          if (look(folder, path.name) === undefined) return;
          removeTree(folder, path.name, ({ bytes, files }) =>
            this.#quota.add({ bytes: -bytes, files: -files }),
          );
          folder.sync();
        });
      } catch (error) {
        if (!isErrno(error, 'ENOENT')) throw error;
      }
    });
  }

  /** Makes a folder and those on the way to it; one that is there stays as it is. `mode` is that of the last. */
  makeAll(path: FilePath, mode = folderMode): void {
    this.#try('making', path, false, () =>
      this.#inMade(path, { bytes: 0, files: 1 }, (parent) => {
        const there = look(parent, path.name);
        if (there?.isFolder === true) return;
        if (there !== undefined) throw new Failure(Code.failed, `${shown(path.name)} is a file`);
        this.#quota.need({ bytes: 0, files: 1 });
        makeFolder(parent, path.name, modeOfFolder(mode));
        this.#quota.add({ bytes: 0, files: 1 });
      }),
    );
  }

  chmod(path: FilePath, mode: number): void {
    this.#try('changing the mode of', path, true, () =>
      this.#in(path, (folder) => {
        const { isFolder } = existing(folder, path.name);
        folder.chmod(path.name, isFolder ? modeOfFolder(mode) : mode & 0o700);
      }),
    );
  }

  /** Makes an empty file with a name that is new, and gives its path. */
  createTemporary(dir: string, pattern: string): FilePath {
    return this.#temporary(dir, pattern, (folder, name) => {
      createFile(folder, name, nothing, fileMode);
      folder.sync();
    });
  }

  /** Makes a folder with a name that is new, and gives its path. */
  makeTemporary(dir: string, pattern: string): FilePath {
    return this.#temporary(dir, pattern, makeFolder);
  }

  [Symbol.dispose](): void {
    this.#root[Symbol.dispose]();
  }

  #temporary(dir: string, pattern: string, make: (folder: Folder, name: string) => void): FilePath {
    const folder = parsePath(dir === '' ? temporaryFolder : dir);
    return this.#try('making a temporary name in', folder, false, () => {
      const path = parsePath(`${written(folder)}/${nameFrom(pattern)}`);
      this.#inMade(path, { bytes: 0, files: 1 }, (parent) => {
        this.#quota.need({ bytes: 0, files: 1 });
        make(parent, path.name);
        this.#quota.add({ bytes: 0, files: 1 });
      });
      return path;
    });
  }

  /** Counts what the plugin's folder has in it. */
  #count(): Usage {
    let entries = 0;
    let first = '';
    const failed = (name: string, error: unknown): void => {
      if (entries === 0) first = `${shown(name)}: ${error instanceof Error ? error.message : String(error)}`;
      entries += 1;
    };
    const usage = measure(this.#root, { maxFiles: this.#limits.maxFiles, failed });
    if (entries > 0) this.#log.warn('storage.fs not counted', { entries, first });
    return usage;
  }

  /** Acts in the folder of a path. */
  #in<T>(path: FilePath, act: (folder: Folder) => T): T {
    return inFolder(this.#root, path.folders, act);
  }

  /** As {@link #in}, with the folders on the way made if there is room for them and what comes `then`. */
  #inMade<T>(path: FilePath, then: Usage, act: (folder: Folder) => T): T {
    const making: Making = {
      before: (missing) => this.#quota.need({ bytes: then.bytes, files: then.files + missing }),
      made: () => this.#quota.add({ bytes: 0, files: 1 }),
    };
    return inFolder(this.#root, path.folders, act, making);
  }

  #checkSize(path: FilePath, size: number): void {
    const { maxFileBytes } = this.#limits;
    if (size > maxFileBytes) {
      throw new Failure(
        Code.failed,
        `${shown(path.name)} would have ${size} bytes; at most ${maxFileBytes} may be (max_file_bytes)`,
      );
    }
  }

  #try<T>(verb: string, path: FilePath | undefined, exists: boolean, act: () => T): T {
    try {
      return act();
    } catch (error) {
      const doing = `${verb} ${path === undefined ? 'the folder itself' : shown(written(path))}`;
      if (isTrouble(error)) this.#complain(doing, error.code);
      throw failureOf(error, { doing, existing: exists });
    }
  }

  /** The guest is told, and may say so; an operator has to know, too. */
  #complain(doing: string, error: string): void {
    const now = this.#now();
    if (now < this.#nextComplaint) return;
    this.#nextComplaint = now + troubleMs;
    this.#log.warn('storage.fs failing', { doing, error });
  }
}

/** What stands at a name. Throws {@link Failure} 6 when nothing does. */
function existing(folder: Folder, name: string): Entry {
  const there = look(folder, name);
  if (there === undefined) throw new Failure(Code.notFound, `${shown(name)} is not there`);
  return there;
}

/** A folder stays one that the host can read: it counts what is in it, and removes it. */
function modeOfFolder(mode: number): number {
  return (mode & 0o700) | 0o500;
}
