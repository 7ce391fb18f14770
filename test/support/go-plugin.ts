import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Scope } from './scope.ts';

const run = promisify(execFile);
const sources = join(import.meta.dirname, '..', 'plugins');

/** Builds a plugin of `test/plugins` in a folder that goes with the test. Gives the manifest's path. */
export async function goPlugin(t: Scope, name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pulp-test-go-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const manifest = 'pulp.plugin.toml';
  await copyFile(join(sources, name, manifest), join(folder, manifest));
  await run('go', ['build', '-buildmode=c-shared', '-o', join(folder, 'build', `${name}.wasm`), '.'], {
    cwd: join(sources, name),
    env: { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm' },
  });
  return join(folder, manifest);
}

/** Why a test that needs Go is skipped; false when Go is there, or has to be. */
export async function withoutGo(): Promise<string | false> {
  if (process.env['PULP_REQUIRE_TOOLS'] === '1') return false;
  try {
    await run('go', ['version']);
    return false;
  } catch {
    return 'Go 1.24 or newer is not installed';
  }
}
