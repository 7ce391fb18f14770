import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { looksOf, missing, type PluginFiles } from './plugin-files.ts';

export interface PluginWatchOptions {
  /** The plugins with their files, which may be others after a reload. */
  readonly plugins: () => readonly (PluginFiles & { readonly name: string })[];
  /** How their files looked before they were read: `looksBefore`. Default: as they look now. */
  readonly before?: ReadonlyMap<string, string>;
  /** Told which plugins have files that changed, once they stay as they are. Awaited before files are looked at again. */
  readonly changed: (names: readonly string[]) => Promise<void>;
  /** How long files have to stay as they are, in milliseconds: a compiler writes one bit by bit. Default 100. */
  readonly settleMs?: number;
  /** How often files are looked at by themselves, in milliseconds: for folders that come and go. Default 1,000. */
  readonly pollMs?: number;
}

/**
 * Tells when a plugin's manifest or module changes. The folders are watched, since a file that is replaced by renaming
 * is another file; what counts is whether a file looks different than when it was last told of, so that other files of
 * the folder do not matter.
 */
export class PluginWatch implements Disposable {
  readonly #options: PluginWatchOptions;
  readonly #settleMs: number;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #poll: NodeJS.Timeout;
  /** How the files of each plugin looked when that was last told, or at the beginning. */
  readonly #known = new Map<string, string>();
  #settling: NodeJS.Timeout | undefined;
  /** How all files looked at the last look. */
  #last = '';
  #looking = false;
  /** Something happened while files were looked at. */
  #again = false;
  #over = false;

  private constructor(options: PluginWatchOptions) {
    this.#options = options;
    this.#settleMs = options.settleMs ?? 100;
    this.#poll = setInterval(() => this.#look(), options.pollMs ?? 1_000).unref();
  }

  /** What has changed since the files were read is told soon. */
  static async start(options: PluginWatchOptions): Promise<PluginWatch> {
    const made = new PluginWatch(options);
    const now = await made.#looks();
    for (const { name, manifest } of options.plugins()) {
      const look = options.before?.get(manifest) ?? now.get(name);
      if (look !== undefined) made.#known.set(name, look);
    }
    made.#arm();
    made.#lookSoon();
    return made;
  }

  [Symbol.dispose](): void {
    this.#over = true;
    clearInterval(this.#poll);
    clearTimeout(this.#settling);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** Looks at the files, soon again if they are not the same as at the look before. */
  #look(): void {
    if (this.#over) return;
    this.#again = this.#looking;
    if (this.#looking) return;
    this.#looking = true;
    void this.#compare().finally(() => {
      this.#looking = false;
      if (this.#over) return;
      this.#arm();
      if (this.#again) this.#lookSoon();
    });
  }

  async #compare(): Promise<void> {
    const now = await this.#looks();
    const changed = [...now].filter(([name, look]) => {
      const before = this.#known.get(name);
      if (before === undefined) this.#known.set(name, look);
      // While a file is not there, another is on its way to its place.
      return before !== undefined && before !== look && !look.includes(missing);
    });
    const all = changed.flat().join('\n');
    const settled = all === this.#last;
    this.#last = all;
    if (changed.length === 0 || this.#over) return;
    if (!settled) {
      this.#lookSoon();
      return;
    }
    for (const [name, look] of changed) this.#known.set(name, look);
    this.#last = '';
    await this.#options.changed(changed.map(([name]) => name));
  }

  #lookSoon(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#look(), this.#settleMs).unref();
  }

  /** Watches the folders there are now. One that is gone is watched again when it is back. */
  #arm(): void {
    const folders = new Set(
      this.#options.plugins().flatMap(({ manifest, wasm }) => [dirname(manifest), dirname(wasm)]),
    );
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of folders) {
      if (!this.#watchers.has(folder)) this.#watch(folder);
    }
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (kind) => {
        // The folder itself may be gone, or another in its place, and then this watches nothing any more.
        if (kind === 'rename') {
          this.#forget(folder);
          this.#watch(folder);
        }
        this.#lookSoon();
      });
      watcher.on('error', () => this.#forget(folder));
      this.#watchers.set(folder, watcher);
    } catch {
      // It is not there, or there are too many watchers: looking from time to time has to do.
    }
  }

  #forget(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  async #looks(): Promise<Map<string, string>> {
    const plugins = this.#options.plugins();
    const looks = await Promise.all(plugins.map(looksOf));
    return new Map(plugins.map(({ name }, index) => [name, looks[index] ?? '']));
  }
}
