/**
 * `npm run fuzz`: gives the codec, the host imports and the edge what nobody would write, and ends with 1 at the first
 * thing that they must not do. What it finds is to become a test.
 *
 * | Flag | |
 * |---|---|
 * | `--cases N` | of all drivers; 1,000,000 unless given |
 * | `--seed S` | the same seed makes the same cases; by chance unless given |
 * | `--driver NAME` | only `codec`, `imports` or `edge` |
 * | `--block N` | only that block of cases, as a finding names it |
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { fuzz } from '../test/fuzz/driver.ts';
import { drivers } from '../test/fuzz/drivers.ts';
import { buildPlugins } from './build-plugins.ts';

/** How often it is said how far it is, in milliseconds. */
const progressMs = 5000;

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000000' },
    seed: { type: 'string' },
    driver: { type: 'string' },
    block: { type: 'string' },
  },
});
const cases = whole('cases', values.cases);
const seed = values.seed === undefined ? randomInt(2 ** 31) : whole('seed', values.seed);
const block = values.block === undefined ? undefined : whole('block', values.block);
const chosen = Object.entries(drivers).filter(([name]) => (values.driver ?? name) === name);
if (chosen.length === 0)
  throw new Error(`there is no driver ${values.driver}: ${Object.keys(drivers).join(', ')}`);
const shares = chosen.reduce((sum, [, { share }]) => sum + share, 0);

say(`seed ${seed}`);
await buildPlugins({ only: ['echo'] });
for (const [name, { share, make }] of chosen) {
  await using driver = await make();
  const begun = performance.now();
  const own = block === undefined ? Math.ceil((cases * share) / shares) : driver.blockCases;
  let last = begun;
  let done = 0;
  const rate = (): string => `${Math.round((done / (performance.now() - begun)) * 1000)} a second`;
  try {
    await fuzz({
      seed,
      drivers: [{ driver, cases: own }],
      ...(block === undefined ? {} : { from: block }),
      progress(_, count) {
        done = count;
        if (performance.now() - last < progressMs) return;
        last = performance.now();
        say(`${name}: ${done} of ${own} cases, ${rate()}`);
      },
    });
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
    break;
  }
  say(`${name}: ${done} cases, nothing found, ${rate()}`);
}

function whole(flag: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new Error(`--${flag} takes a whole number, not ${text}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
