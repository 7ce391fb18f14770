import type { Buffer } from 'node:buffer';
import type { BigIntStats } from 'node:fs';

/**
 * An open folder of a plugin. Whatever goes through it stays right in that folder: names are single ones, and
 * neither a link at their place nor one that is swapped in on the way to the folder is followed.
 *
 * Names are binary strings as {@link parsePath} gives them. All methods throw the errors of `node:fs`.
 */
export interface Folder extends Disposable {
  /** Whether it is the plugin's own, in which its database is. */
  readonly isRoot: boolean;
  /** What `node:fs` takes for an entry. It MUST only be given to calls that do not follow links. */
  at(name: string): Buffer;
  /** What stands at a name, a link as itself; undefined when nothing does. */
  lstat(name: string): BigIntStats | undefined;
  /** Opens a folder in it. ENOTDIR for everything else, a link included. */
  enter(name: string): Folder;
  /**
   * Opens an entry and gives its descriptor. ELOOP for a link. It does not wait for the other end of a FIFO, so
   * what was opened has to be looked at.
   */
  open(name: string, flags: number, mode?: number): number;
  /** Sets the permission bits of an entry. */
  chmod(name: string, mode: number): void;
  /** Returns when what was done to its entries would outlast a loss of power. */
  sync(): void;
}
