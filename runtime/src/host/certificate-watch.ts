import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Log } from '../ext.ts';
import { type Certificate, type CertificateFiles, isValidAt, readCertificate } from './certificate.ts';

export interface CertificateWatchOptions {
  /** What is in use. */
  readonly current: Certificate;
  /** Puts another one to use. It may throw, which keeps the one before. */
  readonly use: (certificate: Certificate) => void;
  readonly log: Log;
  /** How long a change is waited with, since others may follow it, in milliseconds. Default 200. */
  readonly settleMs?: number;
  /** How long files may stay that cannot be used before the log says so, in milliseconds. Default 2,000. */
  readonly patienceMs?: number;
  /** How often the files are looked at by themselves, in milliseconds. Default 60,000. */
  readonly pollMs?: number;
}

/**
 * Puts a certificate to use when its files change. They may be replaced one after the other, renamed, or be behind
 * links that are: what counts is that both can be used together. Until then the one before stays.
 */
export class CertificateWatch implements Disposable {
  readonly #files: CertificateFiles;
  readonly #options: CertificateWatchOptions;
  readonly #watchers: FSWatcher[];
  readonly #poll: NodeJS.Timeout;
  readonly #patienceMs: number;
  #soon: { readonly timer: NodeJS.Timeout; readonly at: number } | undefined;
  #current: Certificate;
  /** The files as they were when they were read last. */
  #seen = '';
  /** Those that could not be used, and since when. */
  #refused: { readonly seen: string; readonly since: number; said: boolean } | undefined;
  #looking = Promise.resolve();
  #over = false;

  constructor(files: CertificateFiles, options: CertificateWatchOptions) {
    const { settleMs = 200, patienceMs = 2000, pollMs = 60_000 } = options;
    this.#files = files;
    this.#options = options;
    this.#current = options.current;
    this.#patienceMs = patienceMs;
    // The folders, since a file that is replaced is another file.
    this.#watchers = [...new Set([dirname(files.cert), dirname(files.key)])].flatMap((folder) =>
      watchFolder(folder, () => this.#lookIn(settleMs)),
    );
    this.#poll = setInterval(() => this.#lookIn(0), pollMs);
    this.#poll.unref();
    // They may have changed since they were read.
    this.#lookIn(0);
  }

  [Symbol.dispose](): void {
    this.#over = true;
    clearInterval(this.#poll);
    clearTimeout(this.#soon?.timer);
    for (const watcher of this.#watchers) watcher.close();
  }

  /** Looks after so many milliseconds, or earlier where that was asked for. */
  #lookIn(ms: number): void {
    const at = performance.now() + ms;
    if (this.#over || (this.#soon !== undefined && this.#soon.at <= at)) return;
    clearTimeout(this.#soon?.timer);
    const timer = setTimeout(() => {
      this.#soon = undefined;
      this.#looking = this.#looking.then(() => this.#look());
    }, ms);
    timer.unref();
    this.#soon = { timer, at };
  }

  async #look(): Promise<void> {
    const seen = await looks(this.#files);
    if (seen === this.#seen && this.#refused?.said !== false) return;
    this.#seen = seen;
    try {
      this.#use(await readCertificate(this.#files));
      this.#refused = undefined;
    } catch (error) {
      this.#refuse(seen, error as Error);
    }
  }

  #use(next: Certificate): void {
    const { log, use } = this.#options;
    if (this.#over || (next.cert.equals(this.#current.cert) && next.key.equals(this.#current.key))) return;
    use(next);
    this.#current = next;
    log.info('certificate reloaded', { cert: this.#files.cert, valid_to: next.validTo.toISOString() });
    warnOfValidity(this.#files, next, log);
  }

  /** What cannot be used may be half of a change: it is said only when it stays. */
  #refuse(seen: string, error: Error): void {
    if (this.#over) return;
    if (this.#refused?.seen !== seen) this.#refused = { seen, since: performance.now(), said: false };
    const left = this.#patienceMs - (performance.now() - this.#refused.since);
    if (left > 0) {
      this.#lookIn(left);
      return;
    }
    this.#refused.said = true;
    this.#options.log.warn('certificate not reloaded', { reason: error.message });
  }
}

/** Warns when a certificate is expired, or not valid yet: clients will refuse it. */
export function warnOfValidity({ cert }: CertificateFiles, certificate: Certificate, log: Log): void {
  if (isValidAt(Date.now(), certificate)) return;
  log.warn('certificate is not valid now', {
    cert,
    valid_from: certificate.validFrom.toISOString(),
    valid_to: certificate.validTo.toISOString(),
  });
}

/** Watches a folder where the system can; elsewhere looking from time to time has to do. */
function watchFolder(folder: string, changed: () => void): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, changed);
    watcher.on('error', () => watcher.close());
    return [watcher];
  } catch {
    return [];
  }
}

/** What tells two states of the files apart: links are followed. */
async function looks({ cert, key }: CertificateFiles): Promise<string> {
  const parts = await Promise.all(
    [cert, key].map(async (file) => {
      try {
        const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
        return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
      } catch (error) {
        return String((error as NodeJS.ErrnoException).code);
      }
    }),
  );
  return parts.join(', ');
}
