/** What a process uses at one moment. */
export interface Sample {
  /** Memory that is in the machine's, in bytes. */
  readonly rss: number;
  /** The engine's heap of the host's own thread behind a full collection, in bytes. */
  readonly heap: number;
  /** Open files, sockets among them. */
  readonly handles: number;
  readonly threads: number;
}

export type Measure = keyof Sample;

/** What may come on top from the first third to the last: a share of what was, and so much besides. */
const allowances: Readonly<Record<Measure, { readonly share: number; readonly more: number }>> = {
  rss: { share: 0.1, more: 32 * 2 ** 20 },
  heap: { share: 0.2, more: 8 * 2 ** 20 },
  handles: { share: 0.1, more: 10 },
  threads: { share: 0, more: 2 },
};

/** How a measure went. */
export interface Growth {
  readonly measure: Measure;
  /** Medians of the first and of the last third. */
  readonly first: number;
  readonly last: number;
  readonly grew: boolean;
}

/**
 * Compares the first third of the samples with the last: what leaks goes up all the time, what is only busy goes up
 * and down.
 *
 * @param samples those of the time behind the warm-up, oldest first
 */
export function growthOf(samples: readonly Sample[]): readonly Growth[] {
  const third = Math.floor(samples.length / 3);
  if (third < 3) throw new Error(`${samples.length} samples are too few to tell growth from chance`);
  return Object.entries(allowances).map(([name, { share, more }]) => {
    const measure = name as Measure;
    const values = samples.map((sample) => sample[measure]);
    const first = median(values.slice(0, third));
    const last = median(values.slice(-third));
    return { measure, first, last, grew: last > first * (1 + share) + more };
  });
}

/** A measure as people read it. */
export function shown(measure: Measure, value: number): string {
  return measure === 'rss' || measure === 'heap' ? `${(value / 2 ** 20).toFixed(1)} MiB` : String(value);
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
