import { isatty } from 'node:tty';
import sonicBoom from 'sonic-boom';
import { unblocked } from './unblocked.ts';

/** Where log lines go. Writing MUST NOT block or throw, however the reader behaves. */
export interface Destination {
  readonly isTerminal: boolean;
  write(line: string): void;
  /** Settles when everything was written or after `timeoutMs`; false: something is left. */
  flush(timeoutMs: number): Promise<boolean>;
  /** For the last moment of a process: writes what is left, for at most `timeoutMs`. */
  flushSync(timeoutMs: number): void;
}

export interface OutputOptions {
  /** File descriptor. Default 1, standard output. */
  readonly fd?: number;
  /** How much may wait for a slow reader, in bytes; what comes on top is dropped and counted. Default 4 MiB. */
  readonly maxWaitingBytes?: number;
  /** Makes the line that tells how many lines were dropped. It is written when there is room again. */
  readonly droppedLine?: (count: number) => string;
  /** Told once when the output cannot be written to. */
  readonly failed?: (error: NodeJS.ErrnoException) => void;
}

/** At most one line about dropped lines a second while the reader stays too slow. */
const DROPPED_INTERVAL_MS = 1_000;

/** A file descriptor written to in the background, in order, with a bounded buffer. */
export class Output implements Destination {
  readonly isTerminal: boolean;
  readonly #sonic: sonicBoom.SonicBoom;
  readonly #droppedLine: ((count: number) => string) | undefined;
  readonly #failed: ((error: NodeJS.ErrnoException) => void) | undefined;
  #dropped = 0;
  #droppedToldAt = -Infinity;
  #giveUpAt = Infinity;
  #hasFailed = false;
  /** The reader is gone for good. */
  #gone = false;

  constructor(options: OutputOptions = {}) {
    const fd = options.fd ?? 1;
    this.isTerminal = isatty(fd);
    this.#droppedLine = options.droppedLine;
    this.#failed = options.failed;
    this.#sonic = new sonicBoom.SonicBoom({
      fd: unblocked(fd),
      maxLength: options.maxWaitingBytes ?? 4 * 1024 * 1024,
      retryEAGAIN: () => performance.now() < this.#giveUpAt,
    });
    this.#sonic.on('drop', () => {
      this.#dropped++;
    });
    this.#sonic.on('drain', () => {
      this.#tellDropped();
    });
    this.#sonic.on('error', (error: NodeJS.ErrnoException) => {
      this.#onError(error);
    });
  }

  write(line: string): void {
    if (this.#gone) return;
    if (this.#dropped > 0 && performance.now() - this.#droppedToldAt >= DROPPED_INTERVAL_MS)
      this.#tellDropped();
    this.#sonic.write(line);
  }

  async flush(timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    do {
      if (this.#gone || !(await this.#drained(deadline - performance.now()))) return false;
      // Telling about dropped lines is one more line to flush.
    } while (this.#tellDropped());
    return true;
  }

  flushSync(timeoutMs: number): void {
    if (this.#gone) return;
    this.#giveUpAt = performance.now() + timeoutMs;
    try {
      this.#sonic.flushSync();
    } catch {
      // The reader is stuck or gone: there is nobody left to tell.
    } finally {
      this.#giveUpAt = Infinity;
    }
  }

  #drained(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve(false);
      }, timeoutMs);
      this.#sonic.flush((error) => {
        clearTimeout(timer);
        resolve(error === undefined || error === null);
      });
    });
  }

  #tellDropped(): boolean {
    if (this.#dropped === 0 || this.#droppedLine === undefined) return false;
    const count = this.#dropped;
    const line = this.#droppedLine(count);
    this.#dropped = 0;
    this.#droppedToldAt = performance.now();
    this.#sonic.write(line);
    if (this.#dropped === 0) return true;
    // That line found no room either: it does not count, and the others are still to be told.
    this.#dropped = count;
    return false;
  }

  #onError(error: NodeJS.ErrnoException): void {
    // Not an error but the end of a flush that was given only so long.
    if (error.code === 'EAGAIN' || error.code === 'EBUSY') return;
    if (error.code === 'EPIPE' || error.code === 'EBADF') this.#gone = true;
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#failed?.(error);
  }
}
