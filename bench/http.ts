/** Requests a second and latencies of the echo plugins through the real command line, against the ceiling. */
import { type OpenLoad, runOpenLoop } from './open-loop.ts';
import { milliseconds, rate } from './support/format.ts';
import { type Load, type LoadGenerator, loadGenerator } from './support/load.ts';
import { describeLoad, failures, middle, of } from './support/load-figures.ts';
import type { Benchmark, Chart, Context, Goal, Result, Row } from './support/measurement.ts';
import type { ServerProcess } from './support/server-process.ts';
import { median } from './support/statistics.ts';
import { ceiling, checkSameAnswer, echoPath, plugins, type Subject } from './support/subjects.ts';

const concurrencies = [1, 32, 128] as const;
type Concurrency = (typeof concurrencies)[number];

/** Connections of the open loop: enough that a request seldom waits for one. */
const openConnections = 64;

const goals = {
  /** Share of the ceiling's requests a second at c=32. */
  ratio: { echo: 0.65, 'echo-go': 0.35, ceiling: 0 },
  /** In milliseconds, at c=1. */
  p50: 0.2,
  /** p99 at half load, as a multiple of the ceiling's. */
  halfLoad: 2,
} as const;

const original: Readonly<Record<Concurrency, string>> = {
  1: '736 req/s, p50 1.5 ms',
  32: '5,300 req/s',
  128: 'four of five answered 503',
};

interface Plan {
  readonly rounds: number;
  /** Of one run. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

interface Running {
  readonly subject: Subject;
  readonly server: ServerProcess;
}

/** Every round of one subject at one concurrency. */
interface Series {
  readonly subject: Subject;
  readonly connections: Concurrency;
  readonly rounds: Load[];
}

/** Half of a plugin's own maximum rate: its rounds, and the ceiling's at the same rate. */
interface HalfLoad {
  readonly subject: Subject;
  readonly rate: number;
  readonly rounds: OpenLoad[];
  readonly besideRounds: OpenLoad[];
}

export const http: Benchmark = {
  name: 'http',
  about: 'requests/s and latency of the echo plugins against bare node:http',
  async run(context) {
    const plan: Plan = context.quick
      ? { rounds: 1, seconds: 1, warmUpSeconds: 1 }
      : { rounds: 3, seconds: 3, warmUpSeconds: 2 };
    const { subjects, skipped } = await plugins(context);
    const generator = await loadGenerator();
    await using scope = new AsyncDisposableStack();
    const running: Running[] = [];
    for (const subject of [ceiling, ...subjects]) {
      running.push({ subject, server: scope.use(await subject.start()) });
    }
    const [reference] = running;
    if (reference === undefined) throw new Error('the ceiling is always there');
    for (const { subject, server } of running) {
      await checkSameAnswer(server, reference.server, subject.name);
      context.log(`http: warming up ${subject.name}`);
      const { warmUpSeconds: seconds } = plan;
      await generator.run({ port: server.port, path: echoPath, connections: 32, seconds });
    }
    const series = await closedRuns(context, { plan, running, generator });
    const halves: HalfLoad[] = [];
    for (const one of running.slice(1))
      halves.push(await halfRuns(context, { plan, one, reference, series }));
    return report(series, halves, [...skipped, `Load: ${generator.name}, one thread.`]);
  },
};

/** A B A B within each concurrency: what disturbs the machine for a while disturbs all. */
async function closedRuns(
  { log }: Context,
  { plan, running, generator }: { plan: Plan; running: readonly Running[]; generator: LoadGenerator },
): Promise<Series[]> {
  const all: Series[] = [];
  for (const connections of concurrencies) {
    const series = running.map(({ subject }): Series => ({ subject, connections, rounds: [] }));
    for (let round = 1; round <= plan.rounds; round++) {
      for (const [index, { subject, server }] of running.entries()) {
        const { port } = server;
        const load = await generator.run({ port, path: echoPath, connections, seconds: plan.seconds });
        series[index]?.rounds.push(load);
        log(`http: c=${connections} round ${round}/${plan.rounds}: ${subject.name} ${describeLoad(load)}`);
      }
    }
    all.push(...series);
  }
  return all;
}

interface HalfOptions {
  readonly plan: Plan;
  readonly one: Running;
  readonly reference: Running;
  readonly series: readonly Series[];
}

async function halfRuns({ log }: Context, { plan, one, reference, series }: HalfOptions): Promise<HalfLoad> {
  const { subject } = one;
  const own = series.filter((candidate) => candidate.subject === subject);
  const perSecond = Math.round(Math.max(...own.map(({ rounds }) => of(rounds, 'perSecond'))) / 2);
  const half: HalfLoad = { subject, rate: perSecond, rounds: [], besideRounds: [] };
  for (let round = 1; round <= plan.rounds; round++) {
    for (const { server, subject: current } of [one, reference]) {
      const load = await runOpenLoop({
        port: server.port,
        path: echoPath,
        rate: perSecond,
        seconds: plan.seconds,
        connections: openConnections,
      });
      (current === subject ? half.rounds : half.besideRounds).push(load);
      const asked = `${rate(perSecond)} req/s asked for`;
      log(`http: half load round ${round}/${plan.rounds}: ${current.name} ${asked}, ${describeLoad(load)}`);
    }
  }
  return half;
}

function report(series: readonly Series[], halves: readonly HalfLoad[], notes: readonly string[]): Result {
  const rows = series.flatMap((one) => {
    const beside = series.find(
      ({ subject, connections }) => subject === ceiling && connections === one.connections,
    );
    return one.subject === ceiling || beside === undefined ? [] : [closedRow(one, beside)];
  });
  return {
    rows: [...rows, ...halves.map(halfRow)],
    notes: [...notes, lagNote(halves)].filter((note) => note !== ''),
    chart: chart(series),
    raw: {
      closed: series.map(({ subject, connections, rounds }) => ({
        subject: subject.name,
        connections,
        rounds,
      })),
      half: halves.map(({ subject, ...rest }) => ({ subject: subject.name, ...rest })),
    },
  };
}

function closedRow({ subject, connections, rounds }: Series, beside: Series): Row {
  const own = middle(rounds);
  const best = middle(beside.rounds);
  const ratio = own.perSecond / best.perSecond;
  const found: Goal[] = [];
  if (connections === 1) {
    found.push({ text: `p50 ≤ ${milliseconds(goals.p50)}`, met: own.p50 <= goals.p50 });
  } else if (connections === 32) {
    const wanted = goals.ratio[subject.key];
    found.push({ text: `≥ ${wanted} of the ceiling`, met: ratio >= wanted });
  } else {
    found.push({ text: 'nothing refused', met: failures(rounds) === 0 });
  }
  return {
    what: `${subject.name}, c=${connections}`,
    measured: `${describeLoad(own)}${failures(rounds) === 0 ? ', 0 refused' : ''}`,
    beside: `${ceiling.name}: ${describeLoad(best)}`,
    ratio,
    goals: found,
    // It ran a Go plugin.
    ...(subject.key === 'echo-go' ? { original: original[connections] } : {}),
  };
}

function halfRow({ subject, rate: perSecond, rounds, besideRounds }: HalfLoad): Row {
  const own = middle(rounds);
  const best = middle(besideRounds);
  const ratio = own.p99 / best.p99;
  const keptUp = failures(rounds) === 0;
  return {
    what: `${subject.name}, half of its maximum: ${rate(perSecond)} req/s, open loop`,
    measured: describeLoad(own),
    beside: `${ceiling.name} at the same rate: ${describeLoad(best)}`,
    ratio,
    goals: [{ text: `p99 ≤ ${goals.halfLoad} × the ceiling's`, met: keptUp && ratio <= goals.halfLoad }],
  };
}

function lagNote(halves: readonly HalfLoad[]): string {
  if (halves.length === 0) return '';
  const lags = halves.flatMap(({ rounds, besideRounds }) => [...rounds, ...besideRounds]);
  const worst = milliseconds(median(lags.map(({ lagP99 }) => lagP99)));
  return `Open loop: the generator itself was late by ${worst} (p99, median of all runs); it is in both latencies.`;
}

function chart(series: readonly Series[]): Chart {
  return {
    title: 'Requests a second, more is better',
    format: rate,
    scale: 'linear',
    groups: concurrencies.map((connections) => ({
      label: `c=${connections}`,
      bars: series
        .filter((one) => one.connections === connections)
        .map(({ subject, rounds }) => ({ name: subject.name, value: of(rounds, 'perSecond') })),
    })),
  };
}
