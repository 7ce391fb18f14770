import { readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { buildPlugins } from '../../scripts/build-plugins.ts';
import { buildPackages } from '../../scripts/build-packages.ts';
import type { Context } from './measurement.ts';

const systems: Readonly<Record<string, string>> = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' };

/** What figures depend on, such as `2 shared cores, Node 26.10.0, Linux x64`. */
export function machine(): string {
  const system = systems[process.platform] ?? process.platform;
  return `${availableParallelism()} shared cores, Node ${process.versions.node}, ${system} ${process.arch}`;
}

const runtime = join(import.meta.dirname, '..', '..', 'runtime');

/**
 * Builds what is measured: the runtime as it is shipped, and the echo plugins. Where the runtime cannot be
 * built the command runs its source; that is slower to start, and {@link runsBuild} tells.
 */
export async function buildAll({ log }: Context): Promise<void> {
  try {
    await buildPackages();
  } catch (error) {
    log(error instanceof Error ? error.message : String(error));
  }
  await buildPlugins({ only: ['echo', 'echo-go'] });
}

/** Whether `runtime/bin/pulp.js` takes the build: it does when no source is newer. */
export function runsBuild(): boolean {
  const built = statSync(join(runtime, 'dist', 'cli', 'entry.js'), { throwIfNoEntry: false });
  if (built === undefined) return false;
  const source = join(runtime, 'src');
  return readdirSync(source, { encoding: 'utf8', recursive: true })
    .filter((file) => !/\.(?:test|suite)\.ts$/.test(file))
    .every((file) => (statSync(join(source, file), { throwIfNoEntry: false })?.mtimeMs ?? 0) < built.mtimeMs);
}
