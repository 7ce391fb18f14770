import { errno } from './errno.ts';
import type { LinearMemory } from './linear-memory.ts';

/** Most bytes of one `fd_write`. More than that is a partial write, which its callers go on with. */
const maxWriteBytes = 1024 * 1024;

const characterDevice = 2;

/** Rights of WASI preview 1 that a standard stream has (`$rights` in the witx file). */
const rights = { read: 1n << 1n, setFlags: 1n << 3n, write: 1n << 6n, stat: 1n << 21n, poll: 1n << 27n };

/** Flags that a descriptor can have: append, dsync, nonblock, rsync and sync. */
const allFlags = 0x1f;

/** One of the standard streams: which of them, and the flags that the guest gave it. */
interface Stream {
  readonly kind: 0 | 1 | 2;
  flags: number;
}

export interface StreamsOptions {
  readonly memory: LinearMemory;
  /** Takes what the guest prints: its own copy. */
  readonly write: (fd: 1 | 2, bytes: Uint8Array) => void;
}

/**
 * The descriptors of a guest: an empty standard input, and outputs that go to the host. There are no others,
 * so all else is EBADF, by which the C library and Go's runtime know that no directories were opened before.
 */
export class Streams {
  readonly #memory: LinearMemory;
  readonly #write: StreamsOptions['write'];
  readonly #open = new Map<number, Stream>([
    [0, { kind: 0, flags: 0 }],
    [1, { kind: 1, flags: 0 }],
    [2, { kind: 2, flags: 0 }],
  ]);

  constructor(options: StreamsOptions) {
    this.#memory = options.memory;
    this.#write = options.write;
  }

  /** Whether the descriptor is open and can be read or written, as an errno. */
  can(fd: number, what: 'read' | 'write'): number {
    const stream = this.#open.get(fd >>> 0);
    if (stream === undefined) return errno.badf;
    return (stream.kind === 0) === (what === 'read') ? errno.success : errno.notcapable;
  }

  /** EBADF if there is no such descriptor, otherwise the errno given. */
  or(fd: number, code: number): number {
    return this.#open.has(fd >>> 0) ? code : errno.badf;
  }

  /** The functions of WASI that take a descriptor, but no path and no socket. */
  functions() {
    return {
      fd_advise: (fd: number) => this.or(fd, errno.spipe),
      fd_allocate: (fd: number) => this.or(fd, errno.notcapable),
      fd_close: (fd: number) => (this.#open.delete(fd >>> 0) ? errno.success : errno.badf),
      // What was written has already left: there is nothing to wait for.
      fd_datasync: (fd: number) => this.or(fd, errno.success),
      fd_fdstat_get: (fd: number, pointer: number) => this.#fdstat(fd, pointer),
      fd_fdstat_set_flags: (fd: number, flags: number) => this.#setFlags(fd, flags),
      fd_fdstat_set_rights: (fd: number) => this.or(fd, errno.notsup),
      fd_filestat_get: (fd: number, pointer: number) => this.#filestat(fd, pointer),
      fd_filestat_set_size: (fd: number) => this.or(fd, errno.notcapable),
      fd_filestat_set_times: (fd: number) => this.or(fd, errno.notcapable),
      fd_pread: (fd: number) => this.or(fd, errno.spipe),
      fd_prestat_dir_name: () => errno.badf,
      fd_prestat_get: () => errno.badf,
      fd_pwrite: (fd: number) => this.or(fd, errno.spipe),
      fd_read: (fd: number, table: number, count: number, read: number) => this.#read(fd, table, count, read),
      fd_readdir: (fd: number) => this.or(fd, errno.notdir),
      fd_renumber: (from: number, to: number) => this.#renumber(from, to),
      fd_seek: (fd: number) => this.or(fd, errno.spipe),
      fd_sync: (fd: number) => this.or(fd, errno.success),
      fd_tell: (fd: number) => this.or(fd, errno.spipe),
      fd_write: (fd: number, table: number, count: number, written: number) =>
        this.#writeAll(fd, table, count, written),
    };
  }

  #fdstat(fd: number, pointer: number): number {
    const stream = this.#open.get(fd >>> 0);
    if (stream === undefined) return errno.badf;
    if (!this.#memory.holds(pointer, 24)) return errno.fault;
    const at = pointer >>> 0;
    const { view } = this.#memory;
    view.setBigUint64(at, 0n, true);
    view.setUint8(at, characterDevice);
    view.setUint16(at + 2, stream.flags, true);
    // Without the rights to seek and tell, the C library takes it for a terminal and writes line by line.
    const direction = stream.kind === 0 ? rights.read : rights.write;
    view.setBigUint64(at + 8, direction | rights.setFlags | rights.stat | rights.poll, true);
    view.setBigUint64(at + 16, 0n, true);
    return errno.success;
  }

  #setFlags(fd: number, flags: number): number {
    const stream = this.#open.get(fd >>> 0);
    if (stream === undefined) return errno.badf;
    if ((flags & ~allFlags) !== 0) return errno.inval;
    stream.flags = flags;
    return errno.success;
  }

  #filestat(fd: number, pointer: number): number {
    const stream = this.#open.get(fd >>> 0);
    if (stream === undefined) return errno.badf;
    if (!this.#memory.holds(pointer, 64)) return errno.fault;
    const at = pointer >>> 0;
    this.#memory.bytes(at, 64).fill(0);
    const { view } = this.#memory;
    view.setBigUint64(at + 8, BigInt(stream.kind), true); // inode: it tells the streams apart
    view.setUint8(at + 16, characterDevice);
    view.setBigUint64(at + 24, 1n, true); // links
    return errno.success;
  }

  #read(fd: number, table: number, count: number, read: number): number {
    const code = this.can(fd, 'read');
    if (code !== errno.success) return code;
    if (this.#memory.vectors(table, count, 1) === undefined || !this.#memory.holds(read, 4))
      return errno.fault;
    this.#memory.view.setUint32(read >>> 0, 0, true);
    return errno.success;
  }

  #renumber(from: number, to: number): number {
    const stream = this.#open.get(from >>> 0);
    if (stream === undefined || !this.#open.has(to >>> 0)) return errno.badf;
    this.#open.delete(from >>> 0);
    this.#open.set(to >>> 0, stream);
    return errno.success;
  }

  #writeAll(fd: number, table: number, count: number, written: number): number {
    const code = this.can(fd, 'write');
    if (code !== errno.success) return code;
    const ranges = this.#memory.vectors(table, count, maxWriteBytes);
    if (ranges === undefined || !this.#memory.holds(written, 4)) return errno.fault;
    const bytes = new Uint8Array(ranges.reduce((sum, { length }) => sum + length, 0));
    let offset = 0;
    for (const { pointer, length } of ranges) {
      bytes.set(this.#memory.bytes(pointer, length), offset);
      offset += length;
    }
    this.#memory.view.setUint32(written >>> 0, bytes.length, true);
    const kind = this.#open.get(fd >>> 0)?.kind;
    if (bytes.length > 0 && (kind === 1 || kind === 2)) this.#write(kind, bytes);
    return errno.success;
  }
}
