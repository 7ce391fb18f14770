import { inspect } from 'node:util';
import type { Log } from '../ext.ts';

/** Where crashes are told of: the few members of `process` that are used. */
export interface CrashSource {
  on(event: 'uncaughtException', listener: (error: unknown) => void): unknown;
  off(event: 'uncaughtException', listener: (error: unknown) => void): unknown;
}

/**
 * Logs what nothing else caught, rejections included, until disposed of. Without it Node would end the
 * process on the spot, and with it every request that is being answered.
 */
export class Crashes implements Disposable {
  /** Settles with the first crash. */
  readonly first: Promise<void>;
  #happened = false;
  readonly #source: CrashSource;
  readonly #listener: (error: unknown) => void;

  constructor(source: CrashSource, log: Log) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.first = promise;
    this.#source = source;
    this.#listener = (error) => {
      this.#happened = true;
      log.error('internal error', {
        error: error instanceof Error ? error.message : String(error),
        stack: inspect(error),
      });
      resolve();
    };
    source.on('uncaughtException', this.#listener);
  }

  get happened(): boolean {
    return this.#happened;
  }

  [Symbol.dispose](): void {
    this.#source.off('uncaughtException', this.#listener);
  }
}
