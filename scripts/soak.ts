/**
 * `npm run soak`: mixed load on one host for a while, with crashes and reloads, and ends with 1 when it uses more and
 * more of anything, or answers wrongly.
 *
 * `--minutes N` says how long; 3 unless given. `--entry FILE` runs another program in the place of the command line,
 * with the same flags. Linux only.
 */
import { parseArgs } from 'node:util';
import { shown } from '../test/faults/soak/growth.ts';
import { soak } from '../test/faults/soak/soak.ts';
import { buildExample } from '../test/support/example-plugins.ts';

/** Errors that are shown; the rest are more of the same. */
const mostShown = 10;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '3' }, entry: { type: 'string' } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes takes a number above 0, not ${values.minutes}`);
if (process.platform !== 'linux') throw new Error('what a process uses is read from /proc, which Linux has');

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
await using scope = new AsyncDisposableStack();
await buildExample('echo');
const withoutGo = await buildExample('notes-go');
if (withoutGo !== false) await buildExample('notes');
const { growth, errors } = await soak(
  {
    after: (end) => {
      scope.defer(async () => {
        await end();
      });
    },
  },
  {
    ms: minutes * 60_000,
    notes: withoutGo === false ? 'notes-go' : 'notes',
    ...(values.entry === undefined ? {} : { entry: values.entry }),
    say,
  },
);
for (const { measure, first, last, grew } of growth) {
  say(`${measure}: ${shown(measure, first)} → ${shown(measure, last)}${grew ? ': IT GROWS' : ''}`);
}
for (const error of errors.slice(0, mostShown)) say(error);
if (errors.length > 0) say(`${errors.length} errors`);
const failed = errors.length > 0 || growth.some(({ grew }) => grew);
say(failed ? 'failed' : 'nothing grows');
process.exitCode = failed ? 1 : 0;
