/** What SQL and files cost through the contract, in the plugin's thread, beside bare Node on the same disk. */
import { nanoseconds } from './support/format.ts';
import type { Benchmark, Result, Row } from './support/measurement.ts';
import { runModule } from './support/owned-process.ts';
import { median } from './support/statistics.ts';
import type { OperationName, StorageOptions, StorageTimes } from './support/storage-process.ts';
import { TemporaryFolder } from './support/temporary-folder.ts';

interface Operation {
  readonly what: string;
  readonly beside: string;
  /** The least speed relative to what stands beside it. */
  readonly goal?: number;
}

const operations: Readonly<Record<OperationName, Operation>> = {
  insert: { what: 'SQLite insert, in a transaction', beside: 'node:sqlite', goal: 0.6 },
  read: { what: 'SQLite point read', beside: 'node:sqlite', goal: 0.6 },
  rows: { what: 'SQLite, 1,000 rows', beside: 'node:sqlite', goal: 0.5 },
  small: { what: 'fs_read of 4 KiB', beside: 'readFileSync' },
  large: { what: 'fs_read of 1 MiB', beside: 'readFileSync' },
};

export const storage: Benchmark = {
  name: 'storage',
  about: 'SQL and files from a guest, beside node:sqlite and node:fs',
  async run(context) {
    context.log('storage: measuring');
    await using folder = new TemporaryFolder();
    const times = (await runModule(new URL('support/storage-process.ts', import.meta.url), {
      rounds: context.quick ? 3 : 9,
      runMs: context.quick ? 100 : 300,
      folder: folder.path,
    } satisfies StorageOptions)) as StorageTimes[];
    return report(times);
  },
};

function report(times: readonly StorageTimes[]): Result {
  return { rows: times.map(row), notes: [], raw: times };
}

function row({ name, pulp, bare }: StorageTimes): Row {
  const { what, beside, goal } = operations[name];
  const [own, other] = [median(pulp), median(bare)];
  const ratio = other / own;
  return {
    what,
    measured: nanoseconds(own),
    beside: `${beside}: ${nanoseconds(other)}`,
    ratio,
    ...(goal === undefined ? {} : { goals: [{ text: `≥ ${goal} of its speed`, met: ratio >= goal }] }),
  };
}
