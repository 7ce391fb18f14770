/** A part of the host that is given what nobody would write, block by block. */
export interface Driver extends AsyncDisposable {
  readonly name: string;
  /** Cases of a block. */
  readonly blockCases: number;
  /**
   * Runs one block. What it does follows from seed and number alone, so that a block that found something can be run
   * again by itself. Throws a {@link Finding}, or whatever the host threw.
   */
  run(seed: number, block: number): Promise<void>;
}

/** Something that the host must not do, with the input that made it. */
export class Finding extends Error {
  constructor(what: string, input: string, options?: ErrorOptions) {
    super(`${what}\ninput: ${input}`, options);
    this.name = 'Finding';
  }
}

export interface FuzzOptions {
  readonly seed: number;
  readonly drivers: readonly { readonly driver: Driver; readonly cases: number }[];
  /** The block to begin with; 0 unless given. */
  readonly from?: number;
  /** Told after each block. */
  readonly progress?: (driver: Driver, done: number) => void;
}

/** Runs drivers one after the other. Rejects with a {@link Finding} that says how to see it again. */
export async function fuzz({ seed, drivers, from = 0, progress }: FuzzOptions): Promise<void> {
  const strays: unknown[] = [];
  const stray = (error: unknown): void => {
    strays.push(error);
  };
  process.on('uncaughtException', stray).on('unhandledRejection', stray);
  try {
    for (const { driver, cases } of drivers) {
      const blocks = Math.ceil(cases / driver.blockCases);
      for (let block = from; block < from + blocks; block++) {
        try {
          await driver.run(seed, block);
          if (strays.length > 0)
            throw new Finding('an error that nobody caught', `block ${block}`, { cause: strays[0] });
        } catch (error) {
          const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
          throw new Error(
            `${driver.name}: ${text}\nagain: npm run fuzz -- --driver ${driver.name} --seed ${seed} --block ${block}`,
            { cause: error },
          );
        }
        progress?.(driver, (block - from + 1) * driver.blockCases);
      }
    }
  } finally {
    process.off('uncaughtException', stray).off('unhandledRejection', stray);
  }
}
