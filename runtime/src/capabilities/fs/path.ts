import { Buffer, isUtf8 } from 'node:buffer';
import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';
import { isTemporary } from './temporary-name.ts';

/** Bytes of a path that a guest may name: what Linux takes in one call. Beyond it: code 5. */
export const maxPathBytes = 4096;
/**
 * Folders that a path may lead through, its last name included. Beyond it: code 5. Whoever walks a plugin's
 * tree has that many folders open at one time.
 */
export const maxDepth = 128;

/**
 * A path that a guest named, checked and without detours. Names are binary strings: one UTF-16 unit, 0 to 255,
 * for each byte. None is empty, `.` or `..`, has a separator or NUL in it, or is the host's own.
 */
export interface FilePath {
  /** The folders on the way, from the plugin's own on. */
  readonly folders: readonly string[];
  readonly name: string;
}

/** A drive of Windows, with or without what follows. */
const drive = /^[A-Za-z]:/;
/** What Windows reads as something other than a name: characters, ends, and devices, whatever their suffix. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const notForWindows = /[<>:"|?*\x01-\x1f]|[. ]$|^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i;

/**
 * Reads a path as contract section 8 has it: relative, `/` between names, bytes. Empty and `.` segments are
 * passed over, and `..` takes away the segment before it without looking at the disk, so `a/../b` is `b`.
 *
 * Throws a {@link Failure}: 4 for a path that leads out or names nothing, has NUL, a backslash or a drive in it,
 * ends in `/`, or names what is the host's; 5 for one that is too long or too deep. Nothing that is thrown for
 * depends on what is on the disk.
 *
 * @param given Bytes, or a binary string.
 */
export function parsePath(given: Uint8Array | string, platform: string = process.platform): FilePath {
  if (given.length === 0) throw new Failure(Code.refused, 'the path is empty');
  if (given.length > maxPathBytes) {
    throw new Failure(Code.failed, `a path of ${given.length} bytes; at most ${maxPathBytes} are taken`);
  }
  const text = typeof given === 'string' ? given : binaryString(given);
  const refuse = (why: string): Failure => new Failure(Code.refused, `${shown(text)} ${why}`);
  if (text.startsWith('/')) throw refuse('is absolute');
  if (text.endsWith('/')) throw refuse('ends in /');
  const names: string[] = [];
  for (const segment of text.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') names.push(segment);
    else if (names.pop() === undefined) throw refuse('leads out of the folder');
  }
  const name = names.pop();
  if (name === undefined) throw refuse('names the folder itself');
  const fault = faultOf([...names, name], platform);
  if (fault !== undefined) throw refuse(fault);
  if (names.length >= maxDepth) {
    throw new Failure(
      Code.failed,
      `${shown(text)} is ${names.length + 1} names deep; at most ${maxDepth} are`,
    );
  }
  return { folders: names, name };
}

/** A path as it is written: relative, `/` between its names. */
export function written({ folders, name }: FilePath): string {
  return [...folders, name].join('/');
}

/** What keeps names from being those of a path, from the plugin's folder on. */
function faultOf(names: readonly string[], platform: string): string | undefined {
  const [first = ''] = names;
  if (drive.test(first)) return 'begins with a drive';
  if (isHostsOwn(first, { isRoot: true })) return "is the plugin's database";
  for (const name of names) {
    if (name.includes('\0')) return 'has a NUL in it';
    if (name.includes('\\')) return 'has a backslash in it';
    if (isTemporary(folded(name))) return "has a name that is the host's own";
    // Systems other than Linux make text of names, and two that are not would become the same.
    if (platform !== 'linux' && !isUtf8(Buffer.from(name, 'latin1'))) return 'is not UTF-8';
    if (platform === 'win32' && notForWindows.test(name)) return 'is no name on Windows';
  }
  return undefined;
}

/** `data.db` and what SQLite has beside it. */
const database = /^data\.db(?:-wal|-shm|-journal)?$/;

/**
 * Whether a name belongs to the host: temporary files in any folder, the database in the plugin's own.
 *
 * Letter case makes no difference, on no system: a folder that tells `A` from `a` can be a volume of one that
 * does not, and be moved to one.
 */
export function isHostsOwn(name: string, { isRoot }: { readonly isRoot: boolean }): boolean {
  const plain = folded(name);
  return isTemporary(plain) || (isRoot && database.test(plain));
}

/**
 * A name as file systems compare it that tell no letter case. Beyond ASCII some have a long s for an s and pass
 * over characters that cannot be seen.
 */
function folded(name: string): string {
  const bytes = Buffer.from(name, 'latin1');
  // oxlint-disable-next-line no-control-regex -- ASCII is what is looked for
  if (/^[\0-\x7f]*$/.test(name) || !isUtf8(bytes)) return name.toLowerCase();
  return bytes
    .toString('utf8')
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toUpperCase()
    .toLowerCase();
}

/** Bytes as a binary string. */
export function binaryString(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** How much of a path is shown in messages, in characters. */
const shownCharacters = 100;

/** A path or name for a message: quoted, as text where it is UTF-8, cut off where it is long. */
export function shown(binary: string): string {
  const text = Buffer.from(binary, 'latin1').toString('utf8');
  return JSON.stringify(text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text);
}
