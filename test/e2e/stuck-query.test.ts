import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { ControlClient } from '../../runtime/src/control/client.ts';
import { exampleManifest } from '../support/example-plugins.ts';
import { PulpProcess } from '../support/pulp-process.ts';
import { SqliteGuest, sqlitePlugin } from '../support/sqlite-guest.ts';

async function storage(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pulp-test-stuck-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A query over so many rows: nothing can interrupt it. */
function long(rows: number): string {
  return `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT max(i) FROM n`;
}

async function start(t: TestContext, args: readonly string[] = []): Promise<SqliteGuest> {
  const manifest = await sqlitePlugin(t, { options: 'query_timeout_ms = 300' });
  const root = await storage(t);
  return new SqliteGuest(await PulpProcess.start(t, { manifest, args: ['-storage-root', root, ...args] }));
}

suite('a query that does not come back', () => {
  test('costs its plugin 503 until it does, and the log says which it is', async (t) => {
    const guest = await start(t);
    const { pulp } = guest;
    const running = guest.query(long(6_000_000));
    const { call, limit_ms: limit } = await pulp.line('plugin is stuck');
    assert.match(call ?? '', /^WITH RECURSIVE n/);
    assert.equal(limit, '300');
    const refused = await fetch(`${pulp.url}/query`, { method: 'POST' });
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1']);
    assert.equal((await fetch(`${pulp.url}/none`)).status, 404, 'the edge goes on');
    assert.equal((await running).code, 0);
    await pulp.line('plugin goes on');
    assert.equal((await guest.query('SELECT 1')).code, 0);
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
  });

  test('goes on when its plugin is stopped, and `pulp ps` says so until it is over', async (t) => {
    const root = await storage(t);
    const manifest = await sqlitePlugin(t, { options: 'query_timeout_ms = 300' });
    const pulp = await PulpProcess.start(t, { manifest, args: ['-storage-root', root] });
    const guest = new SqliteGuest(pulp);
    guest.query(long(120_000_000)).catch(() => undefined);
    await pulp.line('plugin is stuck');
    const control = new ControlClient(root);
    const { name = '', state: before, reason: why = '' } = (await control.status()).plugins[0] ?? {};
    assert.equal(before, 'stuck');
    assert.match(why, /^a call takes longer than 300 ms, and nothing can end it: WITH RECURSIVE n/);
    const { state, reason } = await control.act(name, 'stop');
    assert.deepEqual([state, reason], ['stopped', 'a call that nothing can end goes on in its thread']);
    while ((await control.plugin(name)).reason !== undefined) await setTimeout(20);
    assert.equal((await control.act(name, 'start')).state, 'ready');
    assert.equal((await guest.query('SELECT 1')).code, 0);
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
  });

  test('the plugins of its thread are stuck with it', async (t) => {
    const root = await storage(t);
    const manifest = await sqlitePlugin(t, { options: 'query_timeout_ms = 300' });
    const pulp = await PulpProcess.start(t, {
      manifest: [manifest, exampleManifest('echo')],
      args: ['-storage-root', root, '-plugin-threads', '1'],
    });
    const guest = new SqliteGuest(pulp);
    const running = guest.query(long(20_000_000));
    await pulp.line('plugin is stuck', { plugin: 'echo' });
    assert.equal((await fetch(`${pulp.url}/echo/x`)).status, 503);
    const { state, reason = '' } = await new ControlClient(root).plugin('echo');
    assert.equal(state, 'stuck');
    assert.match(
      reason,
      /^a call takes longer than 300 ms, and nothing can end it: of [\w-]+, in the same thread: WITH RECURSIVE n/,
    );
    assert.equal((await running).code, 0);
    await pulp.line('plugin goes on', { plugin: 'echo' });
    assert.equal((await fetch(`${pulp.url}/echo/x`)).status, 200);
    assert.equal((await guest.query('SELECT 1')).code, 0);
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
  });

  for (const signals of [1, 2]) {
    test(`does not keep the process from ending at ${signals} SIGTERM`, async (t) => {
      const guest = await start(t, ['-drain-timeout', '500ms']);
      const { pulp } = guest;
      // Longer than any test may take.
      guest.query(long(100_000_000_000)).catch(() => undefined);
      await pulp.line('plugin is stuck');
      pulp.signal('SIGTERM');
      if (signals === 2) {
        await pulp.line('signal received');
        // Signals that follow at once count as one.
        await setTimeout(300);
        pulp.signal('SIGTERM');
      }
      const { code } = await pulp.end();
      assert.equal(code, signals === 1 ? 1 : 143, pulp.dump());
    });
  }
});
