/** What a fetch of a guest costs beside undici alone, and whether one that waits slows a guest on its thread. */
import { join } from 'node:path';
import { milliseconds, nanoseconds, rate } from './support/format.ts';
import type { FetchOptions, FetchTimes } from './support/fetch-process.ts';
import type { Benchmark, Context, Row } from './support/measurement.ts';
import type { NeighbourOptions, NeighbourTimes, StepLatencies } from './support/neighbour-process.ts';
import { runModule } from './support/owned-process.ts';
import { ServerProcess } from './support/server-process.ts';
import { median } from './support/statistics.ts';
import { ceiling, echoPath } from './support/subjects.ts';
import { TemporaryFolder } from './support/temporary-folder.ts';

/** The most by which a guest's steps may slow down while another on its thread waits. */
const goal = 2;

export const fetch: Benchmark = {
  name: 'fetch',
  about: 'http_fetch beside undici alone, and the steps of a guest while another one waits in it',
  async run(context) {
    const times = await fetches(context);
    const neighbours = await besideWaiting(context);
    return {
      rows: [fetchRow(times), ...neighbours.map(neighbourRow)],
      notes: [
        'http_fetch: one at a time over a connection that is kept; the guest and undici are in turn in one process, ' +
          'the server, bare node:http, is in another.',
      ],
      raw: { times, neighbours },
    };
  },
};

async function fetches({ quick, log }: Context): Promise<FetchTimes> {
  log('fetch: one at a time');
  await using server = await ceiling.start();
  return (await runModule(new URL('support/fetch-process.ts', import.meta.url), {
    url: `http://127.0.0.1:${server.port}${echoPath}`,
    rounds: quick ? 3 : 9,
    runMs: quick ? 150 : 500,
  } satisfies FetchOptions)) as FetchTimes;
}

async function besideWaiting({ quick, log }: Context): Promise<NeighbourTimes[]> {
  log('fetch: steps while another guest waits');
  await using folder = new TemporaryFolder();
  await using server = await ServerProcess.start({
    name: 'slow node:http',
    args: [join('bench', 'support', 'slow-server.js')],
    cwd: join(import.meta.dirname, '..'),
    listening: /^listening on 127\.0\.0\.1:(\d+)$/m,
  });
  return (await runModule(new URL('support/neighbour-process.ts', import.meta.url), {
    port: server.port,
    rounds: quick ? 1 : 3,
    pauses: [0, 2],
    runMs: quick ? 300 : 700,
    folder: folder.path,
  } satisfies NeighbourOptions)) as NeighbourTimes[];
}

function fetchRow({ pulp, bare }: FetchTimes): Row {
  const [own, other] = [median(pulp), median(bare)];
  return {
    what: 'http_fetch, one at a time',
    measured: describeFetches(own),
    beside: `undici request: ${describeFetches(other)}`,
    ratio: other / own,
  };
}

function describeFetches(time: number): string {
  return `${rate(1e9 / time)} fetches/s, ${nanoseconds(time)} each`;
}

function neighbourRow({ pause, before, during }: NeighbourTimes): Row {
  const slower = (key: 'p50' | 'p99'): number => of(during, key) / of(before, key);
  const pace = pause === 0 ? 'one after the other' : `${pause} ms between two`;
  return {
    what: `steps of a guest while another on its thread waits 1 s in http_fetch, ${pace}`,
    measured: describeSteps(during),
    beside: `before it waits: ${describeSteps(before)}`,
    ratio: slower('p50'),
    goals: (['p50', 'p99'] as const).map((key) => ({
      text: `${key} ≤ ${goal} × before`,
      met: slower(key) <= goal,
    })),
  };
}

function describeSteps(rounds: readonly StepLatencies[]): string {
  return `p50 ${milliseconds(of(rounds, 'p50'))}, p99 ${milliseconds(of(rounds, 'p99'))}`;
}

/** The median of one figure over all rounds. */
function of(rounds: readonly StepLatencies[], key: keyof StepLatencies): number {
  return median(rounds.map((round) => round[key]));
}
