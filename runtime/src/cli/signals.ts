import { constants } from 'node:os';

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
  /** Milliseconds that only go up. Default `performance.now`. */
  readonly clock?: () => number;
}

/** Listens for the signals that end the program, until disposed of. */
export class Signals implements Disposable {
  /** Settles with the first signal. */
  readonly first: Promise<NodeJS.Signals>;
  readonly #source: SignalSource;
  readonly #listener: (signal: NodeJS.Signals) => void;

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
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) this.#source.off(signal, this.#listener);
  }
}

/** The exit code that shells give a program ended by this signal: 130 for SIGINT, 143 for SIGTERM. */
export function signalExitCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
