/**
 * `npm run bench`: runs every benchmark beside what it is compared with, and writes one table, one plot and
 * the raw figures. What each measures and how to read it: README.md beside this file.
 *
 * Exit code: 0 when everything ran, whether goals were met or not; 1 when something could not be measured; 2
 * for a command line that cannot be.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fetch } from './fetch.ts';
import { http } from './http.ts';
import { https } from './https.ts';
import { msgpack } from './msgpack.ts';
import { start } from './start.ts';
import { step } from './step.ts';
import { sse } from './sse.ts';
import { storage } from './storage.ts';
import { websocket } from './websocket.ts';
import { buildAll, machine, runsBuild } from './support/environment.ts';
import type { Benchmark, Chart, Context, Result } from './support/measurement.ts';
import { plot } from './support/plot.ts';
import { table } from './support/table.ts';

const benchmarks: readonly Benchmark[] = [http, step, start, msgpack, websocket, sse, storage, fetch, https];

const results = join(import.meta.dirname, 'results');

/** How long all benchmarks together may take, in milliseconds: then the run ends unfinished. */
const limitMs = { whole: 660_000, quick: 120_000 } as const;

const usage = `usage: npm run bench -- [--quick] [--only NAME]... [--out FOLDER]

  --quick       few and short rounds, at most ${limitMs.quick / 1000} s: to try the harness, not to quote
  --only NAME   one benchmark; may be given several times
  --out FOLDER  where results.md, results.json and results.svg go; a whole run writes
                bench/results, a quick or partial one nothing unless told

${benchmarks.map(({ name, about }) => `  ${name.padEnd(12)}${about}\n`).join('')}`;

interface Options {
  readonly quick: boolean;
  readonly chosen: readonly Benchmark[];
  readonly out: string | undefined;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const unknown = values.only.find((name) => benchmarks.every((benchmark) => benchmark.name !== name));
  if (unknown !== undefined) throw new Error(`there is no benchmark "${unknown}"`);
  const whole = values.only.length === 0;
  const chosen = benchmarks.filter(({ name }) => whole || values.only.includes(name));
  return { quick: values.quick, chosen, out: values.out ?? (whole && !values.quick ? results : undefined) };
}

interface Outcome {
  readonly benchmark: string;
  readonly seconds: number;
  readonly result: Result;
}

async function runAll({ chosen, quick }: Options, context: Context): Promise<Outcome[]> {
  const limit = quick ? limitMs.quick : limitMs.whole;
  const timer = setTimeout(() => {
    context.log(`not done after ${limit / 1000} s: giving up; is the machine busy?`);
    process.exit(1);
  }, limit);
  const outcomes: Outcome[] = [];
  for (const { name, run } of chosen) {
    const begun = performance.now();
    try {
      const result = await run(context);
      outcomes.push({ benchmark: name, seconds: (performance.now() - begun) / 1000, result });
    } catch (error) {
      context.log(`${name}: failed: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = 1;
    }
  }
  clearTimeout(timer);
  return outcomes;
}

const aboutOriginal =
  'The last column is what the original host in Go is published with (0.1.0, its own echo plugin, the same ' +
  'kind of machine and load): 736 req/s at c=1 with p50 1.5 ms, 5,300 req/s at c=32, 1,280 ms from start to ' +
  'first answer, 6 % of a core while idle, 71 MB. It was not measured in this run.';

interface Report {
  readonly outcomes: readonly Outcome[];
  readonly quick: boolean;
  readonly built: boolean;
}

function markdown({ outcomes, quick, built }: Report): string {
  const rows = outcomes.flatMap(({ result }) => result.rows);
  const notes = [
    ...(quick ? ['A quick run: good for trying the harness, not for quoting figures.'] : []),
    ...(built
      ? []
      : ['The runtime ran from source, not from its build: starting took longer than as shipped.']),
    ...outcomes.flatMap(({ result }) => result.notes),
    aboutOriginal,
  ];
  const unique = [...new Set(notes)].map((note) => `- ${note}\n`).join('');
  return (
    `# Benchmark results\n\n${machine()}. Medians of alternating rounds; the load comes from the same ` +
    `machine. How to read this: [bench/README.md](../README.md).\n\n${table(rows)}\n${unique}`
  );
}

async function write(folder: string, report: Report, text: string): Promise<void> {
  const { outcomes, quick, built } = report;
  const charts = outcomes.flatMap(({ result }): Chart[] =>
    result.chart === undefined ? [] : [result.chart],
  );
  const json = {
    machine: machine(),
    date: new Date().toISOString().slice(0, 10),
    quick,
    built,
    benchmarks: outcomes.map(({ benchmark, seconds, result: { rows, notes, raw } }) => ({
      benchmark,
      seconds: Math.round(seconds),
      rows,
      notes,
      raw,
    })),
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'results.md'), text);
  await writeFile(join(folder, 'results.json'), `${JSON.stringify(json, undefined, 2)}\n`);
  await writeFile(join(folder, 'results.svg'), plot(charts, machine()));
}

async function main(): Promise<void> {
  let options: Options;
  try {
    options = readOptions();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  // Ending in order lets the children be ended, too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const begun = performance.now();
  const context: Context = {
    quick: options.quick,
    log: (line) => {
      const seconds = ((performance.now() - begun) / 1000).toFixed(1).padStart(6);
      process.stderr.write(`${seconds} s  ${line}\n`);
    },
  };
  await buildAll(context);
  const outcomes = await runAll(options, context);
  const report: Report = { outcomes, quick: options.quick, built: runsBuild() };
  const text = markdown(report);
  process.stdout.write(text);
  if (options.out === undefined) return;
  if (outcomes.length < options.chosen.length)
    context.log('nothing was written: not everything was measured');
  else await write(options.out, report, text);
}

if (Number.parseInt(process.versions.node, 10) < 26) {
  process.stderr.write(`bench: Node 26 is needed and this is ${process.version}; run it by npm run bench\n`);
  process.exitCode = 2;
} else {
  await main();
}
