import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { Host } from '../../runtime/src/host/host.ts';
import { HostUnderTest } from '../support/host-under-test.ts';
import { guestFolder } from '../support/guest-host.ts';
import type { Scope } from '../support/scope.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { busy, all, forever, respond, trap, watGuest, type WatGuest } from '../support/wat-guest.ts';

async function hosting(t: Scope, guest: WatGuest, manifest = '') {
  const file = await guestFolder(t, guest, manifest);
  const host = await Host.start({
    manifest: file,
    httpPort: 0,
    httpHost: '127.0.0.1',
    storageRoot: await temporaryFolder(t),
  });
  t.after(() => host.stop());
  const answer = async (path: string): Promise<string> => {
    const response = await fetch(`${host.url}${path}`);
    return `${response.status} ${(await response.text()).trim()}`;
  };
  /** Writes another module, and has the host take it. */
  const reload = async (next: WatGuest): Promise<void> => {
    const routes = { 'GET /ok': respond({ body: 'ok' }), ...next.routes };
    await writeFile(join(dirname(file), 'plugin.wasm'), await watGuest({ ...next, routes }));
    await host.reloadPlugin('guest');
  };
  return { host, answer, file, reload };
}

const says = (body: string): WatGuest => ({ routes: { 'GET /who': respond({ body }) } });

/** A manifest with more capabilities than the one before. */
function largerManifest(name: string): string {
  return `name = "${name}"\nversion = "2"\ncapabilities = ["transport.http.inbound", "storage.fs", "transport.sse"]\n`;
}

suite('a reload', { concurrency: 2 }, () => {
  test('without the listener gives the routes up, and one with it again has them back', async (t) => {
    const host = await HostUnderTest.start(t, [{ name: 'one' }, { name: 'neighbour' }]);
    assert.deepEqual(await host.get('/one'), [200, 'one']);
    await host.reload({ name: 'one', manifest: 'capabilities = []' });
    assert.equal((await host.get('/one'))[0], 404);
    assert.deepEqual(await host.get('/neighbour'), [200, 'neighbour']);
    await host.reload({ name: 'one' });
    assert.deepEqual(await host.get('/one'), [200, 'one']);
    assert.deepEqual(host.logged('http route refused'), []);
  });

  test('under load: every request is answered, and by one of the two', async (t) => {
    const { answer, reload } = await hosting(t, says('0'));
    const done = new AbortController();
    const clients = Array.from({ length: 8 }, async () => {
      const answers: string[] = [];
      while (!done.signal.aborted) answers.push(await answer('/who'));
      return answers;
    });
    for (let version = 1; version <= 10; version++) await reload(says(String(version)));
    assert.equal(await answer('/who'), '200 10');
    done.abort();
    for (const answers of await Promise.all(clients)) {
      for (const one of answers) assert.match(one, /^200 \d+$/);
      // Of a client that waits for each answer no version comes back once another was there.
      const versions = answers.map((one) => Number(one.slice(4)));
      assert.deepEqual(
        versions,
        versions.toSorted((one, other) => one - other),
      );
    }
  });

  test('an instance that was replaced, and still is in a step, ends with its plugin', async (t) => {
    const slow = { 'GET /slow': all(busy(60_000), respond({ body: 'too late' })) };
    const { host, answer, reload } = await hosting(t, { routes: slow }, 'call_timeout_ms = 100000');
    const asked = answer('/slow').catch(() => 'no answer');
    await new Promise((resolve) => setTimeout(resolve, 200));
    await reload(says('new'));
    await host.stopPlugin('guest');
    assert.notEqual(await asked, '200 too late');
  });

  test('routes change hands in one moment', async (t) => {
    const { answer, reload } = await hosting(t, { routes: { 'GET /old': respond({ body: 'old' }) } });
    await reload({ routes: { 'GET /new': respond({ body: 'new' }) } });
    assert.deepEqual(
      [await answer('/old'), await answer('/new'), await answer('/ok')],
      ['404 404 page not found', '200 new', '200 ok'],
    );
  });

  test('a step that runs ends where it began; what waits behind it goes to the new instance', async (t) => {
    const slow = { 'GET /slow': all(busy(2500), respond({ body: 'of the old one' })) };
    const { answer, reload } = await hosting(t, { routes: { ...says('old').routes, ...slow } });
    let ended = false;
    const begun = answer('/slow').finally(() => (ended = true));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const waiting = answer('/who');
    await reload(says('new'));
    // On a machine that has much else to do the step may be over first.
    assert.equal(await waiting, ended ? '200 old' : '200 new');
    assert.equal(await begun, '200 of the old one');
  });

  for (const [what, next] of [
    ['traps in its init', { init: trap() }],
    ['never ends its start', { start: forever() }],
  ] as const) {
    test(`one that ${what} changes nothing, and the reason is told`, async (t) => {
      const { host, answer, reload } = await hosting(t, says('old'), 'call_timeout_ms = 300');
      await assert.rejects(
        reload(next),
        /plugin guest did not start: (?:pulp_init trapped|its start took longer)/,
      );
      assert.equal(await answer('/who'), '200 old');
      await reload(says('new'));
      assert.equal(await answer('/who'), '200 new');
      assert.equal(host.status().plugins[0]?.state, 'ready');
    });
  }

  test('an instance that breaks while the next one starts is replaced by that', async (t) => {
    const { host, answer, reload } = await hosting(t, { routes: { 'GET /trap': trap() } });
    const reloading = reload({ ...says('new'), init: busy(600) });
    await until(() => (host.status().plugins[0]?.memoryBytes ?? 0) > 0, 'the guest has memory');
    await new Promise((resolve) => setTimeout(resolve, 250));
    assert.equal((await answer('/trap')).slice(0, 3), '502');
    await reloading;
    assert.equal(await answer('/who'), '200 new');
    assert.deepEqual([host.status().plugins[0]?.instance, host.status().plugins[0]?.crashes], [2, 1]);
  });

  test('a manifest with other capabilities and another name', async (t) => {
    const { host, answer, file, reload } = await hosting(t, says('old'));
    await writeFile(file, largerManifest('guest'));
    await reload(says('new'));
    assert.equal(await answer('/who'), '200 new');
    assert.equal(host.status().plugins[0]?.version, '2');
    await writeFile(file, largerManifest('another'));
    await assert.rejects(host.reloadPlugin('guest'), /is called another now: restart the host/);
    assert.equal(await answer('/who'), '200 new');
  });

  test('one that is stopped takes its new files when it is started', async (t) => {
    const { host, answer, reload } = await hosting(t, says('old'));
    await host.stopPlugin('guest');
    await reload(says('new'));
    assert.equal((await answer('/who')).slice(0, 3), '503');
    await host.startPlugin('guest');
    assert.equal(await answer('/who'), '200 new');
  });
});
