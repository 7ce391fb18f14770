/** Events to many subscribers, and what one that waits keeps of memory, beside a bare node:http writer. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exchange } from './support/connection.ts';
import { figure, milliseconds, rate } from './support/format.ts';
import type { Benchmark, Context, Result, Row } from './support/measurement.ts';
import { maxOpenFiles } from './support/open-files.ts';
import { canReadFigures, residentBytes } from './support/process-figures.ts';
import { ServerProcess } from './support/server-process.ts';
import { emitPath, sseBenchGuest, streamPath } from './support/sse-bench-guest.ts';
import { Subscribers } from './support/sse-subscribers.ts';
import { median } from './support/statistics.ts';
import { startWatPlugin } from './support/wat-plugin.ts';

const subscriberCounts = [1000, 10_000] as const;

/** Events that are sent at once; the next when everybody has them. With one none shares a write with another. */
const burstSizes = [1, 10] as const;
type BurstSize = (typeof burstSizes)[number];

/** The least share of what the bare writer sends in a second. */
const goal = 0.8;

/** Bytes of an event's data, and of the event as it is written. */
const dataBytes = 100;
const frameBytes = dataBytes + 'data: \n\n'.length;

/** How many bytes an event may have besides, as a chunk of HTTP/1.1 of its own. */
const chunkBytes = 8;

/** Who comes and goes before memory counts, so that the code for it is there. */
const firstSubscribers = 100;

/** Files that a server has open besides its connections, generously. */
const otherFiles = 200;

/** How long servers are left alone before their memory is looked at, in milliseconds. */
const settleMs = 2000;

interface Plan {
  readonly rounds: number;
  /** Of one round, times the subscribers. */
  readonly bursts: number;
}

interface Burst {
  readonly subscribers: number;
  readonly events: BurstSize;
}

/** Events times subscribers in a second, one figure a round. */
interface Series extends Burst {
  readonly pulp: number[];
  readonly bare: number[];
}

/** Resident memory that came with a subscriber, in bytes. */
interface Memory {
  readonly subscribers: number;
  readonly pulp: number;
  readonly bare: number;
}

interface Measured {
  readonly series: readonly Series[];
  readonly memory: Memory | undefined;
}

export const sse: Benchmark = {
  name: 'sse',
  about: 'events to 1,000 and 10,000 subscribers, beside a bare node:http writer',
  async run(context) {
    const plan: Plan = context.quick ? { rounds: 1, bursts: 20_000 } : { rounds: 5, bursts: 50_000 };
    const files = await maxOpenFiles();
    const notes = ['SSE: as many deliveries as events times subscribers; the clients only count bytes.'];
    const wanted = context.quick ? subscriberCounts.slice(0, 1) : subscriberCounts;
    const counts = wanted.filter((subscribers) => subscribers + otherFiles <= files);
    const all: Measured[] = [];
    for (const subscribers of wanted) {
      if (counts.includes(subscribers)) {
        // What came besides counts least where there are most.
        const memory = canReadFigures && subscribers === counts.at(-1);
        all.push(await measure(context, { subscribers, memory, plan }));
      } else {
        notes.push(
          `SSE with ${rate(subscribers)} subscribers was skipped: a process may have ${rate(files)} files open here ` +
            '(`ulimit -Hn`).',
        );
      }
    }
    if (!canReadFigures) notes.push('SSE: memory was skipped: it is read from /proc, which only Linux has.');
    return report(all, notes);
  },
};

interface MeasureOptions {
  readonly subscribers: number;
  /** Whether memory is looked at. */
  readonly memory: boolean;
  readonly plan: Plan;
}

async function measure({ log }: Context, { subscribers, memory, plan }: MeasureOptions): Promise<Measured> {
  await using scope = new AsyncDisposableStack();
  const [pulp, bare] = [scope.use(await startPulp()), scope.use(await startBare())];
  const grown: number[] = [];
  const open = async ({ port, pid }: ServerProcess): Promise<Subscribers> => {
    const all = { port, path: streamPath, connections: subscribers };
    if (!memory) return scope.use(await Subscribers.open(all));
    const first = await Subscribers.open({ ...all, connections: firstSubscribers });
    await first[Symbol.asyncDispose]();
    await sleep(settleMs);
    const before = await residentBytes(pid);
    const clients = scope.use(await Subscribers.open(all));
    await sleep(settleMs);
    grown.push(((await residentBytes(pid)) - before) / subscribers);
    return clients;
  };
  const subjects = {
    pulp: { server: pulp, clients: await open(pulp) },
    bare: { server: bare, clients: await open(bare) },
  };
  const series = burstSizes.map((events): Series => ({ subscribers, events, pulp: [], bare: [] }));
  // The first round is not counted: the engine compiles what is hot.
  for (let round = 0; round <= plan.rounds; round++) {
    for (const { events, ...rates } of series) {
      for (const key of ['pulp', 'bare'] as const) {
        const times = plan.bursts / subscribers;
        const found = await deliveries({ ...subjects[key], subscribers, events, times });
        if (round > 0) rates[key].push(found);
      }
      if (round > 0)
        log(`sse: round ${round}/${plan.rounds}: ${describe({ subscribers, events })}: ${last(rates)}`);
    }
  }
  const [ofPulp, ofBare] = grown;
  if (ofPulp === undefined || ofBare === undefined) return { series, memory: undefined };
  return { series, memory: { subscribers, pulp: ofPulp, bare: ofBare } };
}

function startPulp(): Promise<ServerProcess> {
  return startWatPlugin({
    name: 'events',
    guest: sseBenchGuest({ counts: burstSizes, dataBytes }),
    capabilities: ['transport.http.inbound', 'transport.sse'],
    // The bare writer sends no comments either.
    options: '[transport.sse]\nkeepalive_ms = 0\nmax_subscribers = 20000',
  });
}

function startBare(): Promise<ServerProcess> {
  return ServerProcess.start({
    name: 'bare SSE writer',
    args: [join('bench', 'support', 'bare-sse-server.js')],
    cwd: join(import.meta.dirname, '..'),
    listening: /^listening on 127\.0\.0\.1:(\d+)$/m,
  });
}

interface RunOptions extends Burst {
  readonly server: ServerProcess;
  readonly clients: Subscribers;
  /** How many bursts there are. */
  readonly times: number;
}

/** Events times subscribers in a second. Throws when anybody got more or less than was sent. */
async function deliveries({ server, clients, subscribers, events, times }: RunOptions): Promise<number> {
  const least = events * subscribers * frameBytes;
  const most = events * subscribers * (frameBytes + chunkBytes);
  const begun = performance.now();
  for (let left = times; left > 0; left--) {
    const [{ status }, bytes] = await Promise.all([
      exchange(server.port, emitPath({ events, dataBytes })),
      clients.round(),
    ]);
    if (status !== 200 || bytes < least || bytes > most) {
      throw new Error(`${bytes} bytes came and not ${least} to ${most}; the answer was ${status}`);
    }
  }
  return (events * times * subscribers) / ((performance.now() - begun) / 1000);
}

function describe({ subscribers, events }: Burst): string {
  return `${rate(subscribers)} subscribers, ${events === 1 ? 'event after event' : `${events} events at once`}`;
}

function last({ pulp, bare }: Pick<Series, 'pulp' | 'bare'>): string {
  return `${rate(pulp.at(-1) ?? 0)} deliveries/s, bare ${rate(bare.at(-1) ?? 0)}`;
}

function report(all: readonly Measured[], notes: readonly string[]): Result {
  const rows = all.flatMap(({ series }) => series.map(rateRow));
  const memory = all.at(-1)?.memory;
  return { rows: memory === undefined ? rows : [...rows, memoryRow(memory)], notes, raw: all };
}

function rateRow({ subscribers, events, pulp, bare }: Series): Row {
  const [own, other] = [median(pulp), median(bare)];
  const until = (perSecond: number): string =>
    `${rate(perSecond)} deliveries/s, all after ${milliseconds(((events * subscribers) / perSecond) * 1000)}`;
  return {
    what: `SSE, ${describe({ subscribers, events })}`,
    measured: until(own),
    beside: `bare node:http: ${until(other)}`,
    ratio: own / other,
    goals: [{ text: `≥ ${goal} of the bare writer`, met: own / other >= goal }],
  };
}

function memoryRow({ subscribers, pulp, bare }: Memory): Row {
  return {
    what: `SSE, memory (resident) of one of ${rate(subscribers)} idle subscribers`,
    measured: `${figure(pulp / 1000)} kB`,
    beside: `bare node:http: ${figure(bare / 1000)} kB`,
    ratio: pulp / bare,
  };
}
