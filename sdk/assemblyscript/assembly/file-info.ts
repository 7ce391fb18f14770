import { MapView } from './map-view';
import { Kind } from './reader';

/** One entry of a folder. */
export class FileEntry {
  constructor(
    /** The name without the folder's path. Where it is not UTF-8 it has U+FFFD, and cannot be opened by it. */
    public readonly name: string,
    public readonly isFolder: bool,
  ) {}
}

/** What is known of a file or folder. */
export class FileInfo {
  constructor(
    /** The name without the path. */
    public readonly name: string,
    /** In bytes. */
    public readonly size: i64,
    /** When it was written last, in milliseconds since 1970-01-01 UTC: `new Date(info.modified)`. */
    public readonly modified: i64,
    /** Permission bits, such as `0o600`. */
    public readonly mode: u32,
    public readonly isFolder: bool,
  ) {}

  /** For the SDK: reads what `fs_stat` gave; null when it cannot be decoded. */
  static decode(start: usize, size: usize): FileInfo | null {
    const fields = new MapView(start, start + size);
    if (!fields.whole || fields.kind("name") == Kind.None) return null;
    return new FileInfo(
      fields.get("name"),
      fields.i64("size"),
      fields.i64("mod_time_ns") / 1_000_000,
      u32(fields.i64("mode")) & 0o7777,
      fields.bool("is_dir"),
    );
  }
}
