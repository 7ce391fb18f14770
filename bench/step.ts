/** What one step costs: host to guest to host in the plugin's thread, beside a call of Extism. */
import { nanoseconds } from './support/format.ts';
import type { Benchmark, Context, Result, Row } from './support/measurement.ts';
import { installPackages, rivals } from './support/npm-package.ts';
import { runModule } from './support/owned-process.ts';
import { median } from './support/statistics.ts';
import type { StepOptions, StepTimes } from './support/step-process.ts';
import type { TemporaryFolder } from './support/temporary-folder.ts';

interface Size {
  readonly bytes: number;
  readonly label: string;
  readonly goalNs?: number;
}

/** Body sizes in bytes, and the most that a step may take with them, in nanoseconds. */
const sizes: readonly Size[] = [
  { bytes: 100, label: '100 B' },
  { bytes: 1024, label: '1 KiB', goalNs: 3000 },
  { bytes: 64 * 1024, label: '64 KiB' },
];

export const step: Benchmark = {
  name: 'step',
  about: 'host to guest to host in the plugin thread, beside @extism/extism',
  async run(context) {
    const notes: string[] = [];
    await using extism = await install(context, notes);
    context.log('step: measuring');
    const times = (await runModule(new URL('support/step-process.ts', import.meta.url), {
      sizes: sizes.map(({ bytes }) => bytes),
      rounds: context.quick ? 3 : 7,
      runMs: context.quick ? 100 : 400,
      ...(extism === undefined ? {} : { extism: extism.path }),
    } satisfies StepOptions)) as StepTimes[];
    return report(times, notes);
  },
};

async function install({ log }: Context, notes: string[]): Promise<TemporaryFolder | undefined> {
  try {
    log(`step: installing ${rivals.extism} into a temporary folder`);
    return await installPackages([rivals.extism]);
  } catch (error) {
    const line = `${rivals.extism} was skipped: ${error instanceof Error ? error.message : String(error)}`;
    log(line);
    notes.push(line);
    return undefined;
  }
}

function report(times: readonly StepTimes[], notes: readonly string[]): Result {
  const results = sizes.flatMap((size) => {
    const found = times.find(({ size: bytes }) => bytes === size.bytes);
    if (found === undefined) return [];
    const extism = found.extism.length === 0 ? undefined : median(found.extism);
    return [{ ...size, pulp: median(found.pulp), extism }];
  });
  return {
    rows: results.map((result): Row => ({
      what: `one step, body of ${result.label}`,
      measured: nanoseconds(result.pulp),
      ...(result.extism === undefined
        ? {}
        : { beside: `${rivals.extism}: ${nanoseconds(result.extism)}`, ratio: result.pulp / result.extism }),
      ...(result.goalNs === undefined
        ? {}
        : { goals: [{ text: `≤ ${nanoseconds(result.goalNs)}`, met: result.pulp <= result.goalNs }] }),
    })),
    notes,
    chart: {
      title: 'One step, less is better (logarithmic)',
      format: nanoseconds,
      scale: 'log',
      groups: results.map(({ label, pulp, extism }) => ({
        label,
        bars: [
          { name: 'echo (AssemblyScript)', value: pulp },
          ...(extism === undefined ? [] : [{ name: 'Extism', value: extism }]),
        ],
      })),
    },
    raw: times,
  };
}
