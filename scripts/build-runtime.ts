/** Builds the package `pulp-runtime`: `runtime/src` into `runtime/dist`, with the license beside it. */
import { execFile } from 'node:child_process';
import { copyFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(import.meta.dirname, '..');
const runtime = join(root, 'runtime');
const dist = join(runtime, 'dist');

/** Written by every build, so its time is that of the build. */
const product = join(dist, 'cli', 'entry.js');

const configuration = ['tsconfig.json', 'package-lock.json', 'runtime/tsconfig.json'];

/**
 * Builds the runtime if a source is newer than the last build. Several processes MUST NOT do so at a time.
 * Rejects with the compiler's words when there are type errors; then there is no `dist` at all, so that a
 * broken build is never taken for a good one.
 */
export async function buildRuntime(): Promise<void> {
  const inputs = [join(runtime, 'src'), ...configuration.map((file) => join(root, file))];
  if ((await newest(inputs)) >= (await modified(product))) {
    process.stderr.write('building runtime (TypeScript)\n');
    await rm(dist, { recursive: true, force: true });
    await compile();
  }
  await copyFile(join(root, 'LICENSE'), join(runtime, 'LICENSE'));
}

async function compile(): Promise<void> {
  // Only its package.json may be resolved by name.
  const tsc = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript/package.json')));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  execFile(process.execPath, [tsc, '-p', join(runtime, 'tsconfig.json')], { cwd: root }, (error, stdout) => {
    if (error === null) resolve();
    else reject(new Error(`runtime: the build failed:\n${stdout.trim() || error.message}`, { cause: error }));
  });
  try {
    await promise;
  } catch (error) {
    await rm(dist, { recursive: true, force: true });
    throw error;
  }
}

/** When the newest of files and folders, and all that is in them, was changed, in milliseconds. */
async function newest(paths: readonly string[]): Promise<number> {
  let latest = 0;
  for (const path of paths) {
    latest = Math.max(latest, await modified(path));
    if (!(await stat(path)).isDirectory()) continue;
    const inside = (await readdir(path)).filter((name) => !/\.(?:test|suite)\.ts$/.test(name));
    latest = Math.max(latest, await newest(inside.map((name) => join(path, name))));
  }
  return latest;
}

/** When a file was changed, in milliseconds; 0 when there is none. */
async function modified(path: string): Promise<number> {
  return (await stat(path, { throwIfNoEntry: false }))?.mtimeMs ?? 0;
}
