/** Start to first answer, processor time while idle, and memory. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exchange } from './support/connection.ts';
import { figure, megabytes, milliseconds } from './support/format.ts';
import { loadGenerator } from './support/load.ts';
import type { Benchmark, Context, Result, Row } from './support/measurement.ts';
import { canReadFigures, cpuSeconds, residentBytes } from './support/process-figures.ts';
import { spawnOwned } from './support/owned-process.ts';
import type { ServerProcess } from './support/server-process.ts';
import { median } from './support/statistics.ts';
import { ceiling, echoPath, plugins, type Subject } from './support/subjects.ts';

const goals = {
  /** Start to first answer with the Go echo, in milliseconds. */
  startMs: 300,
  /** Idle with ticks at 10 ms, in percent of a core. */
  idlePercent: 1,
} as const;

const waitingThread = 'a thread that waits for 10 ms at a time';

const original = { start: '1,280 ms', idle: '6 % of a core', memory: '71 MB' } as const;

/** How long a server may answer with something else than 200 at first, in milliseconds. */
const patienceMs = 30_000;

/** How long after its first answer a server is left alone before its memory is looked at, in milliseconds. */
const settleMs = 1000;

interface Plan {
  readonly starts: number;
  readonly idleRounds: number;
  /** How long they idle before it counts: the engine compiles what turns out to be used, also in ticks. */
  readonly warmMs: number;
  readonly idleMs: number;
  readonly loadSeconds: number;
}

interface Figures {
  readonly subject: Subject;
  /** Spawn to first 200, in milliseconds, one figure a round. */
  readonly starts: number[];
  /** Percent of a core, one figure a round. */
  readonly idle: number[];
  /** In bytes. */
  readonly memory: { idle: number; loaded: number };
}

export const start: Benchmark = {
  name: 'start',
  about: 'start to first answer, idle processor time and memory',
  async run(context) {
    const plan: Plan = context.quick
      ? { starts: 2, idleRounds: 1, warmMs: 0, idleMs: 2000, loadSeconds: 1 }
      : { starts: 7, idleRounds: 3, warmMs: 30_000, idleMs: 8000, loadSeconds: 3 };
    const { subjects, skipped } = await plugins(context);
    const all = [ceiling, ...subjects].map((subject): Figures => ({
      subject,
      starts: [],
      idle: [],
      memory: { idle: Number.NaN, loaded: Number.NaN },
    }));
    await measureStarts(context, all, plan);
    const notes = [...skipped];
    let waiting: number[] = [];
    if (canReadFigures) waiting = await measureIdle(context, all, plan);
    else notes.push('Idle time and memory were skipped: they are read from /proc, which only Linux has.');
    return report(all, waiting, notes);
  },
};

/** In turn, after one start of each that is not counted: it brings the files into the system's cache. */
async function measureStarts({ log }: Context, all: readonly Figures[], { starts }: Plan): Promise<void> {
  for (let round = 0; round <= starts; round++) {
    for (const { subject, starts: times } of all) {
      await using server = await subject.start();
      const time = await firstAnswer(server);
      if (round === 0) continue;
      times.push(time);
      log(`start: round ${round}/${starts}: ${subject.name} ${milliseconds(time)}`);
    }
  }
}

/** Milliseconds from spawn to the first 200. */
async function firstAnswer({ port, spawned }: ServerProcess): Promise<number> {
  for (;;) {
    const { status } = await exchange(port, echoPath);
    const time = performance.now() - spawned;
    if (status === 200) return time;
    if (time > patienceMs) throw new Error(`port ${port}: still answers ${status} after ${figure(time)} ms`);
    await sleep(1);
  }
}

/**
 * All at the same time: each is charged only what it used itself. Gives what a thread that only waits cost, in
 * percent of a core, one figure a round.
 */
async function measureIdle({ log }: Context, all: readonly Figures[], plan: Plan): Promise<number[]> {
  await using scope = new AsyncDisposableStack();
  const running: { readonly figures: Figures; readonly server: ServerProcess }[] = [];
  for (const figures of all) running.push({ figures, server: scope.use(await figures.subject.start()) });
  for (const { server } of running) await firstAnswer(server);
  await sleep(settleMs);
  for (const { figures, server } of running) figures.memory.idle = await residentBytes(server.pid);

  const waiting = spawnOwned(process.execPath, [join(import.meta.dirname, 'support', 'waiting-thread.js')]);
  scope.defer(() => void waiting.kill('SIGKILL'));
  const waited: number[] = [];
  const idling = [
    { name: waitingThread, pid: waiting.pid ?? 0, idle: waited },
    ...running.map(({ figures: { subject, idle }, server: { pid } }) => ({ name: subject.name, pid, idle })),
  ];
  log(`start: idling for ${plan.warmMs / 1000} s`);
  await sleep(plan.warmMs);
  for (let round = 1; round <= plan.idleRounds; round++) {
    const begun = performance.now();
    const before = await Promise.all(idling.map(({ pid }) => cpuSeconds(pid)));
    await sleep(plan.idleMs);
    const seconds = (performance.now() - begun) / 1000;
    for (const [index, { name, pid, idle }] of idling.entries()) {
      const percent = (((await cpuSeconds(pid)) - (before[index] ?? Number.NaN)) / seconds) * 100;
      idle.push(percent);
      log(`start: idle round ${round}/${plan.idleRounds}: ${name} ${figure(percent)} % of a core`);
    }
  }

  const generator = await loadGenerator();
  for (const { figures, server } of running) {
    const { port } = server;
    await generator.run({ port, path: echoPath, connections: 32, seconds: plan.loadSeconds });
    figures.memory.loaded = await residentBytes(server.pid);
    log(`start: memory after load: ${figures.subject.name} ${megabytes(figures.memory.loaded)}`);
  }
  return waited;
}

function report(all: readonly Figures[], waiting: readonly number[], notes: readonly string[]): Result {
  const [bare, ...others] = all;
  if (bare === undefined) throw new Error('the ceiling is always there');
  const rows = others.map((figures) => startRow(figures, bare));
  if (canReadFigures) {
    rows.push(...others.map((figures) => idleRow(figures, waiting)));
    rows.push(...others.map((figures) => memoryRow(figures, bare)));
  }
  return { rows, notes, raw: all.map(({ subject, ...rest }) => ({ subject: subject.name, ...rest })) };
}

function startRow({ subject, starts }: Figures, bare: Figures): Row {
  const own = median(starts);
  const best = median(bare.starts);
  const goal = { text: `≤ ${milliseconds(goals.startMs)}`, met: own <= goals.startMs };
  return {
    what: `${subject.name}, start to first answer`,
    measured: milliseconds(own),
    beside: `${ceiling.name}: ${milliseconds(best)}`,
    ratio: own / best,
    // The goal is set for the heavier of the two, and it is what the original ran.
    ...(subject.key === 'echo-go' ? { goals: [goal], original: original.start } : {}),
  };
}

function idleRow({ subject, idle }: Figures, waiting: readonly number[]): Row {
  const own = median(idle);
  const least = median(waiting);
  return {
    what: `${subject.name}, idle with ticks at 10 ms`,
    measured: `${figure(own)} % of a core`,
    beside: `${waitingThread}: ${figure(least)} %`,
    ratio: own / least,
    goals: [{ text: `≤ ${goals.idlePercent} % of a core`, met: own <= goals.idlePercent }],
    ...(subject.key === 'echo-go' ? { original: original.idle } : {}),
  };
}

function memoryRow({ subject, memory }: Figures, bare: Figures): Row {
  const describe = ({ idle, loaded }: Figures['memory']): string =>
    `${megabytes(idle)}, after load ${megabytes(loaded)}`;
  return {
    what: `${subject.name}, memory (resident)`,
    measured: describe(memory),
    beside: `${ceiling.name}: ${describe(bare.memory)}`,
    ratio: memory.idle / bare.memory.idle,
    ...(subject.key === 'echo-go' ? { original: original.memory } : {}),
  };
}
