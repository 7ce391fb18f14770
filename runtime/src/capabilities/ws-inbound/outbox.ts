import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { Budget } from '../../edge/budget.ts';
import { inlineBytes } from '../../link/link.ts';

/** Opcodes of the frames that are written here (RFC 6455 section 5.2). */
export type Opcode = 1 | 2 | 9 | 10;

/** Largest buffer that is made for frames to come, in bytes. */
const blockBytes = 16 * 1024;

/** Outboxes with frames to write: all of them are flushed once, at the end of what the event loop is at. */
export class FlushList {
  #outboxes: Outbox[] = [];

  add(outbox: Outbox): void {
    this.#outboxes.push(outbox);
    if (this.#outboxes.length === 1) queueMicrotask(this.#flush);
  }

  readonly #flush = (): void => {
    const outboxes = this.#outboxes;
    this.#outboxes = [];
    for (const outbox of outboxes) outbox.flush();
  };
}

export interface OutboxOptions {
  /** Bytes of frames that may wait for the client. One frame always fits. */
  readonly maxBytes: number;
  readonly list: FlushList;
  /** What all clients of the plugin have not taken. */
  readonly unread: Budget;
  /** Whether frames may still go out: none may behind a close frame, which `ws` writes by itself. */
  readonly open: () => boolean;
  /** Called when the client has taken what was written, and nothing waits any more. */
  readonly emptied: () => void;
  /** Called when all clients together leave more than they may, and what was written last is a part of that. */
  readonly exceeded: () => void;
}

/**
 * The frames that go out on one connection. Frames of a server are a short head and the message as it is, so they
 * are written here and not by `ws`, whose way costs a second buffer and a second write for each. What a plugin sends
 * in one go leaves in one write. While the client has not taken that, the next waits here, where it is counted.
 */
export class Outbox {
  readonly #socket: Duplex;
  readonly #options: OutboxOptions;
  /** Complete buffers, in their order. */
  #parts: Uint8Array[] = [];
  /** Where the next frame goes, behind the parts, and how much of it is used. */
  #block: Buffer | undefined;
  #used = 0;
  /** Bytes of parts and block. */
  #waiting = 0;
  #listed = false;
  /** Writes whose end has not been told. */
  #writes = 0;
  /** What counts with those of all clients. */
  #unread = 0;

  constructor(socket: Duplex, options: OutboxOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /** Whether a frame with a payload of so many bytes may be added. */
  fits(size: number): boolean {
    const owed = this.#waiting + this.#socket.writableLength;
    return owed === 0 || owed + headBytes(size) + size <= this.#options.maxBytes;
  }

  /** Whether the client has not taken what was written last. */
  get blocked(): boolean {
    return this.#writes > 0 && this.#socket.writableLength > 0;
  }

  /**
   * Adds a frame, to be written soon. False: the client has left too much untaken, or all of them together have. The
   * connection has to be closed then: whether the frame was taken is not told. Over `inlineBytes` the payload has to be
   * the caller's to give away. Hot.
   */
  add(opcode: Opcode, payload: Uint8Array): boolean {
    const size = payload.length;
    if (!this.fits(size)) {
      // What is here may be no backlog: what a plugin sends in one go counts from when the client could take it.
      this.flush();
      if (!this.fits(size)) return false;
    }
    const head = headBytes(size);
    const aside = size > inlineBytes;
    const block = this.#reserve(aside ? head : head + size);
    writeHead(block, this.#used, opcode, size);
    this.#used += head;
    if (aside) {
      this.#seal();
      this.#parts.push(payload);
    } else {
      block.set(payload, this.#used);
      this.#used += size;
    }
    this.#waiting += head + size;
    if (this.#writes > 0 && !this.#count()) return false;
    if (!this.#listed) {
      this.#listed = true;
      this.#options.list.add(this);
    }
    return true;
  }

  /** Writes what there is, unless the client has not taken what was written before. */
  flush(): void {
    this.#listed = false;
    if (this.#waiting > 0 && !this.blocked) this.#write();
  }

  /** Writes all that there is: a close frame is to follow. */
  finish(): void {
    if (this.#waiting > 0) this.#write();
  }

  /** Forgets what was not written. */
  clear(): void {
    this.#take();
    this.#count();
  }

  /** The socket is closed: nothing of it is held any more. */
  close(): void {
    this.#take();
    this.#options.unread.give(this.#unread);
    this.#unread = 0;
  }

  /** The complete buffers; none are left. */
  #take(): Uint8Array[] {
    const parts = this.#parts;
    this.#parts = [];
    this.#block = undefined;
    this.#used = 0;
    this.#waiting = 0;
    return parts;
  }

  /**
   * Counts what the client has not taken. False: with that of all others it is too much. What one alone leaves has a
   * limit of its own.
   */
  #count(): boolean {
    const { unread } = this.#options;
    const now = this.blocked ? this.#socket.writableLength + this.#waiting : 0;
    const more = now - this.#unread;
    if (more === 0) return true;
    this.#unread = now;
    if (more < 0) unread.give(-more);
    else unread.takeAnyway(more);
    return more < 0 || unread.used <= unread.limit || unread.used === now;
  }

  /** The block, with room for so many bytes. The first is exactly as large: mostly it is the only one. */
  #reserve(bytes: number): Buffer {
    let block = this.#block;
    if (block !== undefined && block.length - this.#used >= bytes) return block;
    this.#seal();
    block = Buffer.allocUnsafe(Math.max(bytes, Math.min(blockBytes, this.#waiting * 2)));
    this.#block = block;
    return block;
  }

  #seal(): void {
    if (this.#block !== undefined) this.#parts.push(this.#block.subarray(0, this.#used));
    this.#block = undefined;
    this.#used = 0;
  }

  #write(): void {
    this.#seal();
    const parts = this.#take();
    const socket = this.#socket;
    if (!this.#options.open() || !socket.writable) return;
    const last = parts.length - 1;
    if (last > 0) socket.cork();
    for (let index = 0; index < last; index++) socket.write(parts[index]);
    socket.write(parts[last], this.#written);
    if (last > 0) socket.uncork();
    this.#writes += 1;
    if (!this.#count()) this.#options.exceeded();
  }

  readonly #written = (error?: Error | null): void => {
    this.#writes -= 1;
    if (this.#unread > 0) this.#count();
    if (this.#writes > 0) return;
    if (error !== undefined && error !== null) this.clear();
    else if (this.#waiting > 0) this.flush();
    else this.#options.emptied();
  };
}

function headBytes(size: number): number {
  if (size <= 125) return 2;
  return size <= 0xffff ? 4 : 10;
}

/** Writes the head of a final frame without a mask (RFC 6455 section 5.2). */
function writeHead(target: Buffer, at: number, opcode: Opcode, size: number): void {
  target[at] = 0x80 | opcode;
  if (size <= 125) {
    target[at + 1] = size;
  } else if (size <= 0xffff) {
    target[at + 1] = 126;
    target.writeUInt16BE(size, at + 2);
  } else {
    target[at + 1] = 127;
    target.writeBigUInt64BE(BigInt(size), at + 2);
  }
}
