import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { manyRequests } from '../support/many-requests.ts';
import { PulpProcess } from '../support/pulp-process.ts';

const run = promisify(execFile);
const source = join(import.meta.dirname, '..', 'plugins', 'goroutines-go');

/** Builds the plugin of this test in a folder that goes with it. Gives the manifest's path. */
async function build(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pulp-test-go-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const manifest = 'pulp.plugin.toml';
  await copyFile(join(source, manifest), join(folder, manifest));
  await run('go', ['build', '-buildmode=c-shared', '-o', join(folder, 'build', 'goroutines-go.wasm'), '.'], {
    cwd: source,
    env: { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm' },
  });
  return join(folder, manifest);
}

/** Why this is skipped; false when Go is there, or has to be. */
async function withoutGo(): Promise<string | false> {
  if (process.env['PULP_REQUIRE_TOOLS'] === '1') return false;
  try {
    await run('go', ['version']);
    return false;
  } catch {
    return 'Go 1.24 or newer is not installed';
  }
}

const skip = await withoutGo();

suite('a Go guest with goroutines on timers', { skip }, () => {
  test('answers 20,000 requests rightly while its goroutines sleep and its timers fire', async (t) => {
    const pulp = await PulpProcess.start(t, { manifest: await build(t) });
    const requests = 20_000;
    let woken = 0;
    await manyRequests(t, {
      port: pulp.port,
      connections: 20,
      requests,
      request: (number) => `GET /sum/token-${number} HTTP/1.1\r\nHost: test\r\n\r\n`,
      body: (number) => (body) => {
        const [token, sum, count] = body.split(' ');
        woken = Math.max(woken, Number(count));
        return token === `token-${number}` && sum === '6';
      },
    });
    assert.ok(woken > 1000, `its timers went on only ${woken} times`);
    assert.deepEqual(await pulp.stop(), { code: 0, signal: null, stderr: '' }, pulp.dump());
    assert.ok(!pulp.messages.includes('plugin crashed'), pulp.dump());
  });
});
