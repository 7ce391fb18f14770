import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { buildExample } from '../support/example-plugins.ts';
import { killAndRestart } from './support/kill.ts';

suite('a host that is killed', () => {
  before(async () => {
    for (const name of ['echo', 'notes']) await buildExample(name);
  });

  test('has, started again, everything that it had acknowledged', async (t) => {
    const storageRoot = await mkdtemp(join(tmpdir(), 'pulp-killed-'));
    t.after(() => rm(storageRoot, { recursive: true, force: true }));
    const { acknowledged, restartMs } = await killAndRestart(t, { storageRoot, ms: 600 });
    assert.ok(acknowledged > 0);
    t.diagnostic(
      `${acknowledged} notes acknowledged and there; serves again after ${restartMs.toFixed(0)} ms`,
    );
  });
});
