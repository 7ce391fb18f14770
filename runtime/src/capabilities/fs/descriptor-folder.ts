import { Buffer } from 'node:buffer';
import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  statSync,
} from 'node:fs';
import type { Folder } from './folder.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
/** Linux, the same on all that Node runs on: a descriptor that names something and opens nothing. */
const O_PATH = 0o10_000_000;

/**
 * A folder of Linux, held by its descriptor. Paths go through `/proc/self/fd/N/name`: the system takes N itself and
 * not the path that once led to it, so nothing that is renamed or swapped above can lead elsewhere. Node has no
 * `openat`; what this way costs is in bench/storage.ts.
 */
export class DescriptorFolder implements Folder {
  readonly isRoot: boolean;
  readonly #fd: number;
  readonly #prefix: string;
  #closed = false;

  private constructor(fd: number, isRoot: boolean) {
    this.#fd = fd;
    this.#prefix = `/proc/self/fd/${fd}/`;
    this.isRoot = isRoot;
  }

  /** Opens the plugin's own folder. ENOTDIR when a link stands there. Undefined where `/proc` leads nowhere. */
  static root(path: string): DescriptorFolder | undefined {
    const fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (leadsBack(fd)) return new DescriptorFolder(fd, true);
    closeSync(fd);
    return undefined;
  }

  at(name: string): Buffer {
    return Buffer.from(this.#prefix + name, 'latin1');
  }

  lstat(name: string): BigIntStats | undefined {
    return lstatSync(this.at(name), { bigint: true, throwIfNoEntry: false });
  }

  enter(name: string): DescriptorFolder {
    return new DescriptorFolder(openSync(this.at(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW), false);
  }

  open(name: string, flags: number, mode?: number): number {
    return openSync(this.at(name), flags | O_NOFOLLOW | O_NONBLOCK, mode);
  }

  chmod(name: string, mode: number): void {
    // Not by the entry's path, which would follow a link, nor by opening it, which its mode may not allow.
    const fd = openSync(this.at(name), O_PATH | O_NOFOLLOW);
    try {
      chmodSync(`/proc/self/fd/${fd}`, mode);
    } finally {
      closeSync(fd);
    }
  }

  sync(): void {
    fsyncSync(this.#fd);
  }

  [Symbol.dispose](): void {
    // A descriptor's number is soon another's.
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
  }
}

/** Whether the path through a folder's descriptor is that folder: not where there is no `/proc`, or none to see. */
function leadsBack(fd: number): boolean {
  try {
    const here = fstatSync(fd, { bigint: true });
    const through = statSync(`/proc/self/fd/${fd}/.`, { bigint: true });
    return through.ino === here.ino && through.dev === here.dev;
  } catch {
    return false;
  }
}
