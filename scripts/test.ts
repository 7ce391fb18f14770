/**
 * `npm test`: builds the packages and the plugins that tests run, then runs every test, with the coverage of `runtime/src`.
 *
 * `npm test -- words` runs the test files with one of the words in their path, or, when no path has one,
 * the tests with one of them in their name; without coverage, since a part covers only a part.
 *
 * Coverage counts worker threads, terminated ones too. It misses the processes of `pulp` that tests start: they run
 * three times as fast without.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { buildPackages } from './build-packages.ts';
import { buildPlugins } from './build-plugins.ts';

const root = join(import.meta.dirname, '..');

const testFiles = [
  'runtime/src/**/*.test.ts',
  'sdk/**/test/*.test.ts',
  'extensions/**/*.test.ts',
  'test/**/*.test.ts',
];

/** Lines of `runtime/src` that tests must run, in percent. */
const coveredLines = 90;

/** Test files at a time: most of them wait for processes and sockets of theirs. */
const concurrency = Math.max(2, availableParallelism() - 1);

/** A test that takes this long hangs. */
const timeoutMs = 300_000;

/** A run that takes this long hangs, as in a file whose process does not exit: the runner then says in which. */
const runTimeoutMs = 1_800_000;

const coverage = [
  '--experimental-test-coverage',
  '--test-coverage-include=runtime/src/**',
  '--test-coverage-exclude=**/*.test.ts',
  '--test-coverage-exclude=**/*.suite.ts',
  `--test-coverage-lines=${coveredLines}`,
];

try {
  await buildPackages();
  await buildPlugins();
  process.exitCode = await runTests(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

function runTests(words: readonly string[]): Promise<number> {
  const all = globSync(testFiles, { cwd: root, exclude: ['**/node_modules/**', '**/dist/**'] }).toSorted();
  const named = all.filter((file) => words.some((word) => file.includes(word)));
  const files = named.length > 0 ? named : all;
  let options: readonly string[] = [];
  if (words.length === 0) options = coverage;
  else if (named.length === 0) options = words.map((word) => `--test-name-pattern=${word}`);

  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const settings = [`--test-concurrency=${concurrency}`, `--test-timeout=${timeoutMs}`];
  const args = ['--test', '--test-reporter=spec', ...settings, ...options, ...files];
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
  const timer = setTimeout(() => child.kill('SIGINT'), runTimeoutMs);
  child.on('error', reject);
  child.on('exit', (code) => {
    clearTimeout(timer);
    resolve(code ?? 1);
  });
  return promise;
}
