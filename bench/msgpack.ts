/** Encoding a request event and decoding a response, beside the codecs of the npm registry. */
import { nanoseconds } from './support/format.ts';
import type { Benchmark, Context, Row } from './support/measurement.ts';
import type { CodecOptions, CodecTimes } from './support/msgpack-process.ts';
import { installPackages, rivals } from './support/npm-package.ts';
import { runModule } from './support/owned-process.ts';
import { median } from './support/statistics.ts';
import type { TemporaryFolder } from './support/temporary-folder.ts';

export const msgpack: Benchmark = {
  name: 'msgpack',
  about: 'encode a request event, decode a response, beside msgpackr and @msgpack/msgpack',
  async run(context) {
    const notes: string[] = [];
    await using packages = await install(context, notes);
    context.log('msgpack: measuring');
    const times = (await runModule(new URL('support/msgpack-process.ts', import.meta.url), {
      rounds: context.quick ? 3 : 7,
      runMs: context.quick ? 50 : 200,
      ...(packages === undefined ? {} : { packages: packages.path }),
    } satisfies CodecOptions)) as CodecTimes[];
    const rows = [
      ...rowsOf('encode an HTTP request event', times, ({ encode }) => encode),
      ...rowsOf('decode an HTTP response', times, ({ decode }) => decode),
    ];
    return { rows, notes, raw: times };
  },
};

async function install({ log }: Context, notes: string[]): Promise<TemporaryFolder | undefined> {
  const packages = [rivals.msgpackr, rivals.msgpack];
  try {
    log(`msgpack: installing ${packages.join(' and ')} into a temporary folder`);
    return await installPackages(packages);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const line = `${packages.join(' and ')} were skipped: ${why}`;
    log(line);
    notes.push(line);
    return undefined;
  }
}

/** One row for each codec beside ours, or one alone. */
function rowsOf(what: string, times: readonly CodecTimes[], pick: (times: CodecTimes) => number[]): Row[] {
  const [own = Number.NaN] = times.filter(({ codec }) => codec === 'pulp').map((each) => median(pick(each)));
  const measured = nanoseconds(own);
  const rows = times.flatMap((each): Row[] => {
    if (each.codec === 'pulp') return [];
    const other = median(pick(each));
    return [{ what, measured, beside: `${rivals[each.codec]}: ${nanoseconds(other)}`, ratio: own / other }];
  });
  return rows.length === 0 ? [{ what, measured }] : rows;
}
