import { constants, type Stats } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  rmdir,
  utimes,
  type FileHandle,
} from 'node:fs/promises';
import { join } from 'node:path';
import { isTemporary } from '../capabilities/fs/temporary-name.ts';
import { copyDatabase } from './storage-database.ts';
import { refuseWithin } from './storage-place.ts';
import { RestoreStaging } from './storage-restore.ts';
import { ownFolder, StorageRoot } from './storage-root.ts';
import { syncFolder } from './sync-folder.ts';

/** The note that makes a folder a finished copy. It is written last. */
const noteFile = 'backup.json';

const database = 'data.db';
/** What SQLite keeps beside a database belongs to its running state, not to the copy. */
const companions: ReadonlySet<string> = new Set(['data.db-wal', 'data.db-shm', 'data.db-journal']);
const chunkBytes = 1024 * 1024;

/** What of a mode a plugin can set. */
const ownerBits = 0o700;

/** How far a copy is. */
export interface CopyProgress {
  readonly plugin: string;
  /** So far, over all plugins. */
  readonly files: number;
  readonly bytes: number;
}

export interface CopyResult {
  readonly plugins: readonly string[];
  readonly files: number;
  readonly bytes: number;
  /** What is neither a file nor a folder and was left out. */
  readonly skipped: readonly string[];
}

export interface BackupOptions {
  readonly storageRoot: string;
  /** A folder that is empty or not there yet. */
  readonly to: string;
  readonly progress?: (progress: CopyProgress) => void;
}

/**
 * Copies what all plugins keep, while hosts may run: each database as of one moment, each file whole. A file and a
 * database are not of the same moment. Rejects when anything cannot be read, or when the copy would be inside of the
 * storage root, and takes away what was copied. What a process that was ended has left, `restoreStorage` refuses.
 */
export async function backupStorage({ storageRoot, to, progress }: BackupOptions): Promise<CopyResult> {
  const plugins = await pluginFolders(storageRoot);
  await refuseWithin({ storageRoot, copy: to }, 'the folder for the copy');
  const made = (await mkdir(to, { recursive: true, mode: 0o700 })) !== undefined;
  if ((await readdir(to)).length > 0) throw new Error(`${to}: the folder for the copy is not empty`);
  try {
    const copy = new Copy({
      progress,
      remedy: 'Nothing can be copied until a backup is put in its place, or it is moved away',
    });
    for (const plugin of plugins) {
      await copy.folder({ plugin, from: join(storageRoot, plugin), to: join(to, plugin) });
    }
    const result = copy.result(plugins);
    await writeNote(to, result);
    return result;
  } catch (error) {
    for (const name of [...plugins, ownFolder]) await rm(join(to, name), { recursive: true, force: true });
    if (made) await rmdir(to).catch(() => undefined);
    throw error;
  }
}

/** Makes a folder with copies a finished one. */
async function writeNote(folder: string, { plugins, files, bytes }: CopyResult): Promise<void> {
  const note = { format: 1, created: new Date().toISOString(), plugins, files, bytes };
  await mkdir(join(folder, ownFolder), { mode: 0o700 });
  await using file = await open(join(folder, ownFolder, noteFile), 'wx', 0o600);
  await file.writeFile(`${JSON.stringify(note, undefined, 2)}\n`);
  await file.sync();
  await syncFolder(folder);
}

export interface RestoreOptions {
  readonly storageRoot: string;
  /** A folder that {@link backupStorage} made. */
  readonly from: string;
  /** Whether plugins that have something in the storage root lose it. */
  readonly force: boolean;
  readonly progress?: (progress: CopyProgress) => void;
}

/**
 * Puts a copy back. No host may use the storage root meanwhile. Everything is copied and checked before the first
 * plugin's folder is touched, and each takes its place in one step; plugins that the copy lacks stay as they are.
 * Rejects, with the storage root as it was, when the copy is damaged, or inside of the storage root. A process that is
 * ended while plugins take their places leaves the rest of that to the next restore, or the next host.
 */
export async function restoreStorage({
  storageRoot,
  from,
  force,
  progress,
}: RestoreOptions): Promise<CopyResult> {
  await refuseWithin({ storageRoot, copy: from }, 'the copy');
  const plugins = await readNote(from);
  using scope = new DisposableStack();
  scope.use(await StorageRoot.hold(storageRoot));
  const staging = new RestoreStaging(storageRoot);
  // Of a process that was ended in the middle of a restore.
  await staging.finish();
  const there = new Set(await pluginFolders(storageRoot));
  const taken = plugins.filter((plugin) => there.has(plugin));
  if (taken.length > 0 && !force) {
    throw new Error(
      `${storageRoot}: there is something of ${taken.join(', ')} already; it is replaced only with -force`,
    );
  }
  const copy = new Copy({ progress, remedy: 'Restore another copy; the storage root is as it was' });
  await staging.begin();
  try {
    for (const plugin of plugins) {
      await copy.folder({ plugin, from: join(from, plugin), to: join(staging.restored, plugin) });
    }
    await staging.ready();
  } catch (error) {
    await staging.drop();
    throw error;
  }
  await staging.finish();
  return copy.result(plugins);
}

/** The plugins of a copy. Rejects when it was not finished, or is none. */
async function readNote(folder: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(join(folder, ownFolder, noteFile), 'utf8');
  } catch (error) {
    throw new Error(`${folder}: this is no copy that \`pulp backup\` has finished`, { cause: error });
  }
  const { format, plugins } = parseNote(text);
  const found = await pluginFolders(folder);
  const complete =
    format === 1 &&
    Array.isArray(plugins) &&
    found.length === plugins.length &&
    found.every((name) => plugins.includes(name));
  if (!complete) throw new Error(`${folder}: the copy is not what its ${noteFile} says; was it changed?`);
  return found;
}

/** What a note says; nothing when it is damaged. */
function parseNote(text: string): { readonly format?: unknown; readonly plugins?: unknown } {
  try {
    const note: unknown = JSON.parse(text);
    return typeof note === 'object' && note !== null ? note : {};
  } catch {
    return {};
  }
}

async function pluginFolders(root: string): Promise<string[]> {
  let entries;
  try {
    entries = await readdir(root, { withFileTypes: true });
  } catch (error) {
    throw new Error(`${root}: the storage root cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const link = entries.find((entry) => entry.isSymbolicLink());
  if (link !== undefined) {
    throw new Error(
      `${join(root, link.name)}: this is a link, which is not followed; put the folder itself there`,
    );
  }
  return entries
    .filter((entry) => entry.isDirectory() && entry.name !== ownFolder)
    .map(({ name }) => name)
    .toSorted();
}

interface Folders {
  readonly plugin: string;
  readonly from: string;
  readonly to: string;
}

interface CopyOptions {
  readonly progress: ((progress: CopyProgress) => void) | undefined;
  /** What to do about a database that is damaged. */
  readonly remedy: string;
}

class Copy {
  #files = 0;
  #bytes = 0;
  readonly #skipped: string[] = [];
  readonly #options: CopyOptions;

  constructor(options: CopyOptions) {
    this.#options = options;
  }

  result(plugins: readonly string[]): CopyResult {
    return { plugins, files: this.#files, bytes: this.#bytes, skipped: this.#skipped };
  }

  /** A plugin's folder. Names are bytes. */
  async folder({ plugin, from, to }: Folders): Promise<void> {
    await this.#inside(plugin, Buffer.from(from), Buffer.from(to), true);
  }

  async #inside(plugin: string, from: Buffer, to: Buffer, top: boolean): Promise<void> {
    await mkdir(to, { mode: 0o700 });
    for (const name of await readdir(from, { encoding: 'buffer' })) {
      const text = name.toString('latin1');
      if (isTemporary(text.toLowerCase()) || (top && companions.has(text))) continue;
      const source = below(from, name);
      const target = below(to, name);
      const stats = await lstat(source).catch(vanished);
      if (stats === undefined) continue;
      if (stats.isDirectory()) await this.#inside(plugin, source, target, false);
      else if (top && text === database) await this.#database(plugin, source, target, stats);
      else if (!stats.isFile()) this.#skipped.push(source.toString());
      else await this.#file(plugin, source, target, stats);
    }
    await syncFolder(to);
    // The plugin's own folder is the host's affair.
    if (top) return;
    const { atime, mtime, mode } = await lstat(from);
    await utimes(to, atime, mtime);
    await chmod(to, mode & ownerBits);
  }

  async #file(plugin: string, source: Buffer, target: Buffer, stats: Stats): Promise<void> {
    const input = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW).catch(vanished);
    if (input === undefined) return;
    await using from = input;
    await using to = await open(target, 'wx', 0o600);
    const chunk = Buffer.allocUnsafe(chunkBytes);
    for (;;) {
      const { bytesRead } = await from.read(chunk, 0, chunk.length);
      if (bytesRead === 0) break;
      await write(to, chunk.subarray(0, bytesRead));
      this.#copied(plugin, bytesRead);
    }
    await to.utimes(stats.atime, stats.mtime);
    await to.chmod(stats.mode & ownerBits);
    await to.sync();
    this.#files += 1;
  }

  async #database(plugin: string, source: Buffer, target: Buffer, stats: Stats): Promise<void> {
    const { remedy } = this.#options;
    if (!stats.isFile()) {
      throw new Error(`${source.toString()}: the database of ${plugin} is no file, so it cannot be copied`);
    }
    const bytes = await copyDatabase({
      plugin,
      source,
      target,
      remedy,
      progress: () => this.#copied(plugin, 0),
    });
    this.#copied(plugin, bytes);
    this.#files += 1;
  }

  #copied(plugin: string, bytes: number): void {
    this.#bytes += bytes;
    this.#options.progress?.({ plugin, files: this.#files, bytes: this.#bytes });
  }
}

function below(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from('/'), name]);
}

async function write(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) at += (await file.write(bytes, at)).bytesWritten;
}

/** What a plugin deleted meanwhile is no error. */
function vanished(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
