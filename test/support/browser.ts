import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch, type Browser } from 'puppeteer-core';
import type { Scope } from './scope.ts';

const program = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
);

/**
 * Why tests with a browser are skipped, for `skip`: false when there is one. With `PULP_REQUIRE_TOOLS=1` they are
 * not skipped, and {@link startBrowser} fails.
 */
export const noBrowser: string | false =
  program === undefined && process.env['PULP_REQUIRE_TOOLS'] !== '1' && 'chromium is not installed';

/** Starts a browser without a window, with a profile of its own. It ends with its test at the latest. */
export async function startBrowser(t: Scope): Promise<Browser> {
  assert.ok(program !== undefined, 'chromium is not installed, and PULP_REQUIRE_TOOLS=1 requires it');
  const profile = await mkdtemp(join(tmpdir(), 'pulp-test-browser-'));
  // By its path, since the package takes no name that the PATH would be searched for.
  const found = spawnSync('which', [program]).stdout.toString().trim();
  const browser = await launch({
    executablePath: found,
    headless: true,
    userDataDir: profile,
    // In containers tests run as root, for whom the sandbox does not work, with little shared memory.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  t.after(async () => {
    await browser.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  return browser;
}
