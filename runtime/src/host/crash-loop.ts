/** The delay before the first restart, in milliseconds. It doubles with each further crash. */
const firstMs = 10;

/** So many crashes in so many milliseconds open the circuit. */
export const maxCrashes = 5;
const windowMs = 30_000;

/** How long the circuit stays open, in milliseconds: then one instance is tried. */
export const openMs = 30_000;

/** What follows from a crash. */
export interface AfterCrash {
  /** When the next instance starts, in milliseconds from now. */
  readonly delayMs: number;
  /** The plugin is given up for so long: what waits for it should not. */
  readonly open: boolean;
}

/**
 * When a plugin that broke is started again: soon, then later and later, and after too many crashes in a row not for
 * a while. Delays are up to half as long again as they would be, by chance: plugins that broke together do not start
 * together.
 */
export class CrashLoop {
  readonly #random: () => number;
  #crashes: number[] = [];
  /** The circuit was open, and no instance has lasted since. */
  #probing = false;

  /** @param random A number from 0 to 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** @param readySince When the instance that broke had become ready; undefined when it never was. */
  crashed(now: number, readySince: number | undefined): AfterCrash {
    if (readySince !== undefined && now - readySince > windowMs) this.reset();
    this.#crashes = [...this.#crashes.filter((at) => now - at < windowMs), now];
    const count = this.#crashes.length;
    if (this.#probing || count >= maxCrashes) {
      this.#probing = true;
      this.#crashes = [];
      return { delayMs: openMs, open: true };
    }
    return { delayMs: firstMs * 2 ** (count - 1) * (1 + this.#random() / 2), open: false };
  }

  /** Forgets what was: somebody has seen to it. */
  reset(): void {
    this.#crashes = [];
    this.#probing = false;
  }
}
