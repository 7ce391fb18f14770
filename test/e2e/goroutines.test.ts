import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { buildExample } from '../support/example-plugins.ts';
import { manyRequests } from '../support/many-requests.ts';
import { PulpProcess } from '../support/pulp-process.ts';

const source = join(import.meta.dirname, '..', 'plugins', 'goroutines-go');

/** Builds the plugin of this test in a folder that goes with it. Gives the manifest's path. */
async function build(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pulp-test-go-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const manifest = 'pulp.plugin.toml';
  await copyFile(join(source, manifest), join(folder, manifest));
  await promisify(execFile)(
    'go',
    ['build', '-buildmode=c-shared', '-o', join(folder, 'build', 'goroutines-go.wasm'), '.'],
    { cwd: source, env: { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm' } },
  );
  return join(folder, manifest);
}

// It skips, or fails, wherever the example does.
const skip = await buildExample('echo-go');

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
