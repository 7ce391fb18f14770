/** The worker of stack-room.test.ts: runs SQL from everywhere on its stack, and tells what came of it. */
import { parentPort } from 'node:worker_threads';
import { TestDatabase } from './database-under-test.suite.ts';

const database = new TestDatabase({ after() {} }, { table: { pragmas: { synchronous: 'off' } } });
database.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1)');

let calls = 0;
let ran = 0;
let overflows = 0;
/** SQL that makes SQLite recurse: as it is compiled, again with each value, and as it runs. */
const needy: readonly (() => unknown)[] = [
  () => database.one(`SELECT ${'1+'.repeat(900)}1 -- ${calls}`),
  () => database.one(`SELECT ${'1+'.repeat(900)}a FROM t WHERE a LIKE ?`, [String(calls)]),
  () => database.one('SELECT ? LIKE ?', ['a'.repeat(48_000), '%a'.repeat(24_000)]),
  () => database.one('SELECT json_patch(?1, ?1)', [`${'{"a":'.repeat(990)}1${'}'.repeat(990)}`]),
];
// Kept compiled from here on.
for (const run of needy) run();

function down(left: number, run: () => unknown): number {
  if (left === 0) {
    run();
    return 0;
  }
  return down(left - 1, run) + 1;
}

for (const run of needy) {
  let failures = 0;
  for (let depth = 1000; failures < 20; depth += Math.ceil(depth / 40)) {
    calls++;
    try {
      down(depth, run);
      ran++;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      overflows++;
      failures++;
    }
  }
}
await database.close();
parentPort?.postMessage({ ran, overflows });
