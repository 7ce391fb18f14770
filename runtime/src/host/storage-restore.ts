import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from './sync-folder.ts';
import { ownFolder } from './storage-root.ts';

/** Written when all of a copy is there and checked: from then on a restore is finished, whatever happens. */
const readyFile = 'ready';

/** Where a restore puts a copy together, below the storage root. */
export class RestoreStaging {
  readonly #root: string;
  readonly #folder: string;

  /** @param storageRoot It MUST be held. */
  constructor(storageRoot: string) {
    this.#root = storageRoot;
    this.#folder = join(storageRoot, ownFolder, 'restore');
  }

  /** The folder for the plugins that are restored. */
  get restored(): string {
    return join(this.#folder, 'restored');
  }

  /** Makes it empty. */
  async begin(): Promise<void> {
    await this.drop();
    await mkdir(this.restored, { recursive: true, mode: 0o700 });
  }

  /** Says that all of it is there. */
  async ready(): Promise<void> {
    await syncFolder(this.restored);
    {
      await using file = await open(join(this.#folder, readyFile), 'wx', 0o600);
      await file.sync();
    }
    await syncFolder(this.#folder);
  }

  /**
   * Puts plugins that are ready into their places. What was there goes away; a process that is ended in the middle
   * leaves the rest for the next that calls this. Gives their names.
   */
  async finish(): Promise<readonly string[]> {
    const plugins = (await isThere(join(this.#folder, readyFile))) ? await readdir(this.restored) : [];
    const replaced = join(this.#folder, 'replaced');
    for (const plugin of plugins) {
      const place = join(this.#root, plugin);
      await rm(join(replaced, plugin), { recursive: true, force: true });
      await mkdir(replaced, { recursive: true, mode: 0o700 });
      if (await isThere(place)) await rename(place, join(replaced, plugin));
      await rename(join(this.restored, plugin), place);
      await syncFolder(this.#root);
    }
    await this.drop();
    return plugins;
  }

  /** Forgets what was put together. */
  async drop(): Promise<void> {
    // Without its mark nothing of the rest counts any more.
    await rm(join(this.#folder, readyFile), { force: true });
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
