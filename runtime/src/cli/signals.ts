import { constants } from 'node:os';
import { isatty } from 'node:tty';

/** What asks the program to end (contract section 7). SIGBREAK is Ctrl-Break on Windows. */
const SIGNALS: readonly NodeJS.Signals[] =
  process.platform === 'win32' ? ['SIGINT', 'SIGTERM', 'SIGBREAK'] : ['SIGINT', 'SIGTERM'];

/**
 * How long further signals count as copies of the first. Ctrl-C in a terminal reaches every program of the
 * group, and `npm` passes on what it gets: one press, two signals, which must not end the program at once.
 */
const COPIES_MS = 100;

/** Where signals come from: the few members of `process` that are used. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
}

export interface SignalOptions {
  readonly source?: SignalSource;
  /** Told the second signal: the user does not want to wait. */
  readonly again: (signal: NodeJS.Signals) => void;
  /** Told each SIGHUP that does not mean that the terminal is gone. Left out, SIGHUP is the system's. */
  readonly reload?: (signal: NodeJS.Signals) => void;
  /** How many of its streams are terminals. A terminal that was closed is none. Default: asks the system. */
  readonly terminals?: () => number;
  /** Milliseconds that only go up. Default `performance.now`. */
  readonly clock?: () => number;
}

/** Listens for the signals that end the program, until disposed of. */
export class Signals implements Disposable {
  /** Settles with the first signal. */
  readonly first: Promise<NodeJS.Signals>;
  readonly #source: SignalSource;
  readonly #listener: (signal: NodeJS.Signals) => void;
  readonly #hangUp: ((signal: NodeJS.Signals) => void) | undefined;

  constructor(options: SignalOptions) {
    const clock = options.clock ?? (() => performance.now());
    const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
    let firstAt: number | undefined;
    this.first = promise;
    this.#listener = (signal) => {
      if (firstAt === undefined) {
        firstAt = clock();
        resolve(signal);
      } else if (clock() - firstAt >= COPIES_MS) {
        options.again(signal);
      }
    };
    this.#source = options.source ?? process;
    for (const signal of SIGNALS) this.#source.on(signal, this.#listener);
    const { reload, terminals = countTerminals } = options;
    // On Windows it says that the console is being closed, which ends the process.
    if (reload === undefined || process.platform === 'win32') return;
    const atStart = terminals();
    this.#hangUp = (signal) => (terminals() < atStart ? this.#listener : reload)(signal);
    this.#source.on('SIGHUP', this.#hangUp);
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) this.#source.off(signal, this.#listener);
    if (this.#hangUp !== undefined) this.#source.off('SIGHUP', this.#hangUp);
  }
}

function countTerminals(): number {
  return [0, 1, 2].filter((fd) => isatty(fd)).length;
}

/** The exit code that shells give a program ended by this signal: 130 for SIGINT, 143 for SIGTERM. */
export function signalExitCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
