import { Code } from '../../abi/codes.ts';
import { Failure } from '../../ext.ts';

/** What is used, or is to be. */
export interface Usage {
  readonly bytes: number;
  /** Files and folders. */
  readonly files: number;
}

export interface QuotaOptions {
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** Counts what is used. Bytes are infinite when it stopped because there are too many files. */
  count(): Usage;
  /** A clock in milliseconds. */
  now(): number;
}

/** How long a count is believed when it stands in the way, in milliseconds. */
const recountMs = 10_000;

/**
 * What a plugin's files take up together. It is counted once and then kept up, and counted again when there seems to
 * be no room, since operators delete files, too: at most every ten seconds, for that takes the plugin's time.
 */
export class Quota {
  readonly #options: QuotaOptions;
  #bytes = 0;
  #files = 0;
  #counted = 0;

  constructor(options: QuotaOptions) {
    this.#options = options;
    this.#count();
  }

  get used(): Usage {
    return { bytes: this.#bytes, files: this.#files };
  }

  /** Whether more is used than may be. */
  get isOver(): boolean {
    return this.#bytes > this.#options.maxBytes || this.#files > this.#options.maxFiles;
  }

  /** Throws {@link Failure} 5 when there is no room for so much more. What grows in neither way has room always. */
  need(more: Usage): void {
    if (this.#refusal(more) === undefined) return;
    if (this.#options.now() - this.#counted >= recountMs) this.#count();
    const refusal = this.#refusal(more);
    if (refusal !== undefined) throw new Failure(Code.failed, refusal);
  }

  /** Notes that so much more is used now; less where it is negative. */
  add({ bytes, files }: Usage): void {
    this.#bytes = Math.max(0, this.#bytes + bytes);
    this.#files = Math.max(0, this.#files + files);
  }

  #refusal({ bytes, files }: Usage): string | undefined {
    const { maxBytes, maxFiles } = this.#options;
    if (bytes > 0 && this.#bytes === Number.POSITIVE_INFINITY) {
      return `there are more than ${maxFiles} files and folders (max_files), so nothing may grow`;
    }
    if (bytes > 0 && this.#bytes + bytes > maxBytes) {
      return `${this.#bytes} bytes are used and ${bytes} more needed; at most ${maxBytes} may be (max_bytes)`;
    }
    if (files > 0 && this.#files + files > maxFiles) {
      return `there are ${this.#files} files and folders already; at most ${maxFiles} may be (max_files)`;
    }
    return undefined;
  }

  #count(): void {
    const { bytes, files } = this.#options.count();
    this.#bytes = bytes;
    this.#files = files;
    this.#counted = this.#options.now();
  }
}
