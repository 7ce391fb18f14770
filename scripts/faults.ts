/**
 * `npm run faults`: every fault of `test/faults` for longer than in the tests, each beside a plugin under load, and
 * a report of what the neighbour and the plugin itself saw of it: `test/faults/results/report.md`.
 *
 * One row is no fault: all plugins reloaded once a second for a minute at half of what the host can serve, where the
 * errors are those of the reloaded plugins' own clients.
 *
 * `npm run faults -- words` runs the faults that have one of the words in their name, and writes no report.
 * `--seconds N` says how long each is measured before and during the fault; 5 unless given.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { scenarios } from '../test/faults/scenarios/all.ts';
import { killAndRestart } from '../test/faults/support/kill.ts';
import { describeReloads, reloadUnderLoad } from '../test/faults/support/reload-load.ts';
import { type Outcome, type Recovery, runScenario, type Scenario } from '../test/faults/support/scenario.ts';
import type { Scope } from '../test/support/scope.ts';
import { buildPlugins } from './build-plugins.ts';

const results = join(import.meta.dirname, '..', 'test', 'faults', 'results');

/** A line of the report. */
interface Row {
  readonly fault: string;
  readonly cells: readonly [errors: string, before: string, during: string, ratio: string, recovery: string];
}

const headings = ['Fault', "Neighbour's errors", 'p99 before', 'p99 during', 'Ratio (goal ≤ 2)', 'Recovery'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '5' } },
});
const ms = Number(values.seconds) * 1000;
if (!(ms > 0)) throw new Error(`--seconds takes a number above 0, not ${values.seconds}`);
const wanted = (name: string): boolean =>
  positionals.length === 0 || positionals.some((word) => name.includes(word));

await buildPlugins({ only: ['echo', 'notes'] });
const rows: Row[] = [];
let failed = false;
const killName = 'kill -9 of the process';
const reloadName = 'reload every second at half of capacity';
/** How long that goes on, in milliseconds. */
const reloadMs = 60_000;
for (const scenario of scenarios)
  if (wanted(scenario.name)) await measure(scenario.name, () => run(scenario));
if (wanted(killName)) await measure(killName, kill);
if (wanted(reloadName)) await measure(reloadName, reload);
if (positionals.length === 0) {
  await mkdir(results, { recursive: true });
  await writeFile(join(results, 'report.md'), report());
}
process.exitCode = failed ? 1 : 0;

async function measure(fault: string, figures: () => Promise<Row['cells']>): Promise<void> {
  process.stdout.write(`${fault} … `);
  try {
    const cells = await figures();
    rows.push({ fault, cells });
    process.stdout.write(`${cells.join(' | ')}\n`);
  } catch (error) {
    failed = true;
    rows.push({ fault, cells: ['FAILED', '', '', '', ''] });
    process.stdout.write(`failed: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

async function scoped<T>(work: (t: Scope) => Promise<T>): Promise<T> {
  await using stack = new AsyncDisposableStack();
  // Awaited here: the scope ends with this function.
  return await work({
    after: (end) => {
      stack.defer(async () => {
        await end();
      });
    },
  });
}

async function run(scenario: Scenario): Promise<Row['cells']> {
  const reason = (await scenario.skip?.()) ?? false;
  if (reason !== false) return ['not run', '', '', '', reason];
  const outcome = await scoped((t) => runScenario(t, scenario, { baselineMs: ms, faultMs: ms }));
  return cellsOf(outcome, outcome.recoveries.map(describe).join('; '));
}

async function kill(): Promise<Row['cells']> {
  const storageRoot = await mkdtemp(join(tmpdir(), 'pulp-killed-'));
  try {
    const { acknowledged, restartMs } = await scoped((t) => killAndRestart(t, { storageRoot, ms }));
    const kept = `${acknowledged} notes acknowledged, none lost; serves ${restartMs.toFixed(0)} ms after its start`;
    return ['it ends, too', '', '', '', kept];
  } finally {
    await rm(storageRoot, { recursive: true, force: true });
  }
}

async function reload(): Promise<Row['cells']> {
  const outcome = await scoped((t) => reloadUnderLoad(t, { ms: reloadMs, measureMs: ms }));
  return cellsOf(outcome, `${describeReloads(outcome)}; no connection lost`);
}

function cellsOf({ before, during }: Pick<Outcome, 'before' | 'during'>, said: string): Row['cells'] {
  return [
    `${during.errors} of ${during.requests}`,
    `${before.p99.toFixed(1)} ms`,
    `${during.p99.toFixed(1)} ms`,
    (during.p99 / before.p99).toFixed(1),
    said,
  ];
}

function describe({ what, ms: took, goalMs }: Recovery): string {
  return `${what}: ${took.toFixed(0)} ms${goalMs === undefined ? '' : ` (goal ${goalMs})`}`;
}

function report(): string {
  const [cpu] = cpus();
  const table = [headings, ...rows.map(({ fault, cells }) => [fault].concat(cells))];
  const widths = headings.map((_, column) => Math.max(...table.map((line) => (line[column] ?? '').length)));
  // Padded as the formatter would, which looks at documents, too.
  const lines = table.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
  lines.splice(
    1,
    0,
    widths.map((width) => '-'.repeat(width)),
  );
  return `# Faults and their neighbours

Written by \`npm run faults\`; [isolation](../../../docs/isolation.md) says what the figures mean. Node ${process.version},
${cpus().length} × ${cpu?.model ?? 'unknown processor'}, ${values.seconds} s before and during each fault.

${lines.map((line) => `| ${line.join(' | ')} |`).join('\n')}
`;
}
