/** Builds the packages in TypeScript: `src` of each into its `dist`, with the license beside it. */
import { execFile } from 'node:child_process';
import { copyFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(import.meta.dirname, '..');

/** Folders of packages, those that others need first. */
const folders = ['runtime', 'extensions/demo', 'extensions/cron', 'extensions/redis'];

const configuration = ['tsconfig.json', 'extensions/tsconfig.json', 'package-lock.json'];

/**
 * Builds the packages with a source that is newer than their last build. Several processes MUST NOT do so at a time.
 * Rejects with the compiler's words when there are type errors; then that package has no `dist` at all, so that a
 * broken build is never taken for a good one.
 */
export async function buildPackages(): Promise<void> {
  for (const folder of folders) await buildPackage(folder);
}

async function buildPackage(folder: string): Promise<void> {
  const place = join(root, folder);
  const inputs = [...configuration, `${folder}/tsconfig.json`, `${folder}/src`].map((file) =>
    join(root, file),
  );
  const dist = join(place, 'dist');
  // Written by every build, so its time is that of the build.
  if ((await newest(inputs)) >= (await modified(join(dist, 'index.js')))) {
    process.stderr.write(`building ${folder} (TypeScript)\n`);
    await rm(dist, { recursive: true, force: true });
    await compile(folder, dist);
  }
  await copyFile(join(root, 'LICENSE'), join(place, 'LICENSE'));
}

async function compile(folder: string, dist: string): Promise<void> {
  // Only its package.json may be resolved by name.
  const tsc = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript/package.json')));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  execFile(
    process.execPath,
    [tsc, '-p', join(root, folder, 'tsconfig.json')],
    { cwd: root },
    (error, stdout) => {
      if (error === null) resolve();
      else
        reject(
          new Error(`${folder}: the build failed:\n${stdout.trim() || error.message}`, { cause: error }),
        );
    },
  );
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
