import { FileEntry, FileInfo } from './file-info';
import {
  codeText, fsAppend, fsChmod, fsCreateTemp, fsDelete, fsList, fsMkdirAll, fsMkdirTemp, fsRead, fsRemoveAll, fsRename,
  fsStat, fsWrite,
} from './host';
import { hostResult } from './host-result';
import { MapView } from './map-view';
import { Reader } from './reader';
import { decodeText } from './utf8';
import { Writer } from './writer';

/** Codes of the contract that are told apart here. */
const UNREADABLE: i32 = 3;
const MISSING: i32 = 6;

/** Reused for every request. */
// @ts-ignore: a decorator of the AssemblyScript compiler, which TypeScript does not know
@lazy
const writer = new Writer();

/** Bits of folders that are made on the way. Whatever is asked for, nobody but the host's own user gets in. */
const FOLDER_MODE: u32 = 0o700;

/**
 * The plugin's own files. Paths are relative to its folder, with `/` between names: `notes/1.txt`. What leads
 * out of the folder is refused, and so is `data.db`, which belongs to the database.
 *
 * The capability `storage.fs` must be declared. What goes wrong is null or false, never an exception: `code`
 * and `error()` say what it was.
 */
export namespace files {
  /** What the last call gave: 0 done, 4 path refused, 5 failed or over a limit, 6 not found, 99 not declared. */
  export let code: i32 = 0;

  /** What went wrong in the last call, in words; nothing when it was done. The host's log has more. */
  export function error(): string {
    switch (code) {
      case 0: return "";
      case UNREADABLE: return "the host's answer cannot be decoded";
      case 4: return "the path is not allowed";
      case 5: return "it failed, or is over a limit";
      case MISSING: return "not found";
      default: return codeText(u32(code));
    }
  }

  /** Whether the last call failed because nothing is there. */
  export function missing(): bool {
    return code == MISSING;
  }

  /** A file's bytes, or null. */
  export function read(path: string): Uint8Array | null {
    if (!load(path)) return null;
    const bytes = Uint8Array.wrap(hostResult.copy());
    hostResult.free();
    return bytes;
  }

  /** A file as text in UTF-8, or null. What is not UTF-8 becomes U+FFFD. */
  export function readText(path: string): string | null {
    if (!load(path)) return null;
    const text = decodeText(hostResult.start(), hostResult.size());
    hostResult.free();
    return text;
  }

  /**
   * Writes a file, in place of one that is there: whoever reads sees the old or the new one, never a half.
   * Folders on the way are made.
   */
  export function write(path: string, data: Uint8Array): bool {
    const name = bytesOf(path);
    return done(fsWrite(changetype<usize>(name), name.byteLength, data.dataStart, data.byteLength));
  }

  /** Writes text in UTF-8: see `write`. */
  export function writeText(path: string, text: string): bool {
    const name = bytesOf(path);
    const data = bytesOf(text);
    return done(fsWrite(changetype<usize>(name), name.byteLength, changetype<usize>(data), data.byteLength));
  }

  /** Adds bytes at the end of a file, which is made if there is none. */
  export function append(path: string, data: Uint8Array): bool {
    const name = bytesOf(path);
    return done(fsAppend(changetype<usize>(name), name.byteLength, data.dataStart, data.byteLength));
  }

  /** Adds text in UTF-8: see `append`. */
  export function appendText(path: string, text: string): bool {
    const name = bytesOf(path);
    const data = bytesOf(text);
    return done(fsAppend(changetype<usize>(name), name.byteLength, changetype<usize>(data), data.byteLength));
  }

  /** Removes a file or an empty folder. */
  export function remove(path: string): bool {
    const name = bytesOf(path);
    return done(fsDelete(changetype<usize>(name), name.byteLength));
  }

  /** Removes a folder with all that is in it, or a file. Nothing to remove is no failure. */
  export function removeAll(path: string): bool {
    const name = bytesOf(path);
    return done(fsRemoveAll(changetype<usize>(name), name.byteLength));
  }

  /** Gives a file or folder another path. A file that has it is replaced, a folder only if it is empty. */
  export function rename(oldPath: string, newPath: string): bool {
    writer.reset();
    writer.map(2);
    writer.str("old");
    writer.str(oldPath);
    writer.str("new");
    writer.str(newPath);
    return done(fsRename(writer.start, writer.size));
  }

  /** Makes a folder and those on the way. One that is there is no failure. */
  export function makeFolder(path: string): bool {
    encodePathMode(path, FOLDER_MODE);
    return done(fsMkdirAll(writer.start, writer.size));
  }

  /** Sets the permission bits of a file, such as `0o400`. The host leaves out those for other users. */
  export function setMode(path: string, mode: u32): bool {
    encodePathMode(path, mode);
    return done(fsChmod(writer.start, writer.size));
  }

  /** What is in a folder, without a path in the plugin's own, or null. */
  export function list(path: string = ""): FileEntry[] | null {
    const name = bytesOf(path);
    if (!done(fsList(changetype<usize>(name), name.byteLength, hostResult.pointerOut(), hostResult.lengthOut()))) return null;
    const entries = decodeList(hostResult.start(), hostResult.size());
    hostResult.free();
    if (entries === null) code = UNREADABLE;
    return entries;
  }

  /** What is known of a file or folder, or null. */
  export function stat(path: string): FileInfo | null {
    writer.reset();
    writer.map(1);
    writer.str("path");
    writer.str(path);
    if (!done(fsStat(writer.start, writer.size, hostResult.pointerOut(), hostResult.lengthOut()))) return null;
    const info = FileInfo.decode(hostResult.start(), hostResult.size());
    hostResult.free();
    if (info === null) code = UNREADABLE;
    return info;
  }

  /** Whether there is a file or folder. */
  export function exists(path: string): bool {
    return stat(path) !== null;
  }

  /**
   * Makes an empty file with a name that nothing has, and gives its path, or null.
   *
   * @param pattern `*` in it becomes the random part, which otherwise comes at the end.
   * @param folder Where; without it in `tmp/`.
   */
  export function createTemporary(pattern: string = "", folder: string = ""): string | null {
    encodeTemporary(pattern, folder);
    return temporary(fsCreateTemp(writer.start, writer.size, hostResult.pointerOut(), hostResult.lengthOut()));
  }

  /** The same with a folder. */
  export function makeTemporaryFolder(pattern: string = "", folder: string = ""): string | null {
    encodeTemporary(pattern, folder);
    return temporary(fsMkdirTemp(writer.start, writer.size, hostResult.pointerOut(), hostResult.lengthOut()));
  }

  function done(returned: u32): bool {
    code = i32(returned);
    return returned == 0;
  }

  function load(path: string): bool {
    const name = bytesOf(path);
    return done(fsRead(changetype<usize>(name), name.byteLength, hostResult.pointerOut(), hostResult.lengthOut()));
  }

  function temporary(returned: u32): string | null {
    if (!done(returned)) return null;
    const answer = new MapView(hostResult.start(), hostResult.start() + hostResult.size());
    const path = answer.whole ? answer.get("path") : "";
    hostResult.free();
    if (path.length != 0) return path;
    code = UNREADABLE;
    return null;
  }
}

function bytesOf(text: string): ArrayBuffer {
  return String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE);
}

function encodePathMode(path: string, mode: u32): void {
  writer.reset();
  writer.map(2);
  writer.str("path");
  writer.str(path);
  writer.str("mode");
  writer.u64(mode);
}

function encodeTemporary(pattern: string, folder: string): void {
  writer.reset();
  writer.map(2);
  writer.str("dir");
  writer.str(folder);
  writer.str("pattern");
  writer.str(pattern);
}

function decodeList(start: usize, size: usize): FileEntry[] | null {
  const reader = new Reader(start, start + size);
  const entries: FileEntry[] = [];
  for (let left = reader.array(); left > 0 && reader.ok; left--) {
    const entry = new MapView(reader.at, reader.end);
    reader.skip();
    if (reader.ok) entries.push(new FileEntry(entry.get("name"), entry.bool("is_dir")));
  }
  return reader.ok ? entries : null;
}
