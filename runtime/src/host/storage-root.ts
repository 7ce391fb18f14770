import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';

/** The host's own folder below the storage root. No plugin may have its name. */
export const ownFolder = '.pulp';

/** SQLITE_BUSY: another connection has the lock. */
const busy = 5;

/**
 * The folder below which plugins keep what is theirs. One host holds it at a time: two would write to the same
 * databases and files, each with quotas and caches of its own.
 *
 * The lock is SQLite's on a database without content: the system gives it back when the process ends, however
 * it ends, so none is ever left behind.
 */
export class StorageRoot implements Disposable {
  readonly #lock: DatabaseSync;

  private constructor(lock: DatabaseSync) {
    this.#lock = lock;
  }

  /**
   * Makes the folder, for its owner alone, and takes it. Throws an error that names the process which holds it,
   * or what keeps it from being made.
   *
   * @param path Absolute.
   */
  static async hold(path: string): Promise<StorageRoot> {
    // Only hosts that store anything pay for loading it.
    const { DatabaseSync } = await import('node:sqlite');
    const own = join(path, ownFolder);
    try {
      mkdirSync(own, { recursive: true, mode: 0o700 });
      chmodSync(own, 0o700);
    } catch (error) {
      throw new Error(`${path}: the storage root cannot be used: ${(error as Error).message}`, {
        cause: error,
      });
    }
    const lock = new DatabaseSync(join(own, 'lock'), { timeout: 0 });
    const pidFile = join(own, 'pid');
    try {
      lock.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      lock.close();
      if ((error as { errcode?: unknown }).errcode !== busy) throw error;
      throw new Error(
        `${path}: another host uses this storage root, process ${pidIn(pidFile)}; end it, or choose another folder ` +
          'with -storage-root',
        { cause: error },
      );
    }
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
    return new StorageRoot(lock);
  }

  [Symbol.dispose](): void {
    if (this.#lock.isOpen) this.#lock.close();
  }
}

function pidIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
