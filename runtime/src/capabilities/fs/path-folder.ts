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
  realpathSync,
} from 'node:fs';
import { sep } from 'node:path';
import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';
import type { Folder } from './folder.ts';
import { isHostsOwn } from './path.ts';

/** Windows has neither of the last two: undefined, which adds no flag. */
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/**
 * A folder where the system gives no way through descriptors: outside of Linux. It is known by its real path, and
 * what was opened is held against that: a link which is swapped in between makes the call fail and not lead out.
 *
 * Weaker than {@link DescriptorFolder} in one thing: what is removed or renamed is looked at before and not after,
 * so who can write to the plugin's folder at that very moment can make the host do it elsewhere.
 */
export class PathFolder implements Folder {
  readonly isRoot: boolean;
  /** Its real path when it was opened. */
  readonly #real: Buffer;

  private constructor(real: Buffer, isRoot: boolean) {
    this.#real = real;
    this.isRoot = isRoot;
  }

  /** The plugin's own folder, which is there. */
  static root(path: string): PathFolder {
    return new PathFolder(realPath(Buffer.from(path)), true);
  }

  at(name: string): Buffer {
    return Buffer.concat([this.#real, Buffer.from(sep + name, 'latin1')]);
  }

  lstat(name: string): BigIntStats | undefined {
    const stats = lstatSync(this.at(name), { bigint: true, throwIfNoEntry: false });
    if (stats?.isSymbolicLink() === false) this.#verify(name, stats);
    return stats;
  }

  enter(name: string): PathFolder {
    const stats = lstatSync(this.at(name), { bigint: true });
    if (!stats.isDirectory()) throw systemError('ENOTDIR');
    return new PathFolder(this.#verify(name, stats), false);
  }

  open(name: string, flags: number, mode?: number): number {
    const fd = openSync(this.at(name), flags | O_NOFOLLOW | O_NONBLOCK, mode);
    try {
      this.#verify(name, fstatSync(fd, { bigint: true }));
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  chmod(name: string, mode: number): void {
    if (this.lstat(name)?.isSymbolicLink() === true) throw systemError('ELOOP');
    chmodSync(this.at(name), mode);
  }

  sync(): void {
    // Windows opens no folders, and has no need to.
    if (process.platform === 'win32') return;
    const fd = openSync(this.#real, O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  [Symbol.dispose](): void {
    // Nothing is held.
  }

  /**
   * Makes sure that what was found is the entry of this folder, and not one that a link or another spelling of a
   * name led to. Gives its real path.
   */
  #verify(name: string, { dev, ino }: BigIntStats): Buffer {
    const real = realPath(this.at(name));
    const end = real.lastIndexOf(sep);
    const there = lstatSync(real, { bigint: true });
    if (there.ino !== ino || there.dev !== dev || !real.subarray(0, end).equals(this.#real)) {
      throw new Failure(Code.refused, 'a link leads elsewhere');
    }
    const found = real.toString('latin1', end + 1);
    if (found !== name && isHostsOwn(found, { isRoot: this.isRoot })) {
      throw new Failure(Code.refused, "another name of the host's own");
    }
    return real;
  }
}

function realPath(path: Buffer): Buffer {
  return realpathSync.native(path, { encoding: 'buffer' });
}

/** What the system would say if it were asked to look closer. */
function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: not what it has to be`), { code, syscall: 'open' });
}
