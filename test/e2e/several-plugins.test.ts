import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { suite, test } from 'node:test';
import { Host, type HostOptions } from '../../runtime/src/host/host.ts';
import type { LogFields } from '../../runtime/src/ext.ts';
import { silent } from '../support/guest-context.ts';
import { pluginFolder } from '../support/plugin-folder.ts';
import type { Scope } from '../support/scope.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';
import { codes, forever, respond, trap, watGuest, type WatGuest } from '../support/wat-guest.ts';

/** A plugin of that name, which answers at `/NAME`. Gives its manifest. */
async function made(t: Scope, name: string, guest: WatGuest = {}, manifest = ''): Promise<string> {
  const routes = { [`GET /${name}`]: respond({ body: name }), ...guest.routes };
  const file = await pluginFolder(t, {
    wasm: await watGuest({ ...guest, routes }),
    manifest: `capabilities = ["transport.http.inbound"]\n${manifest}`,
  });
  await writeFile(file, (await readFile(file, 'utf8')).replace('name = "guest"', `name = "${name}"`));
  return file;
}

interface Line {
  readonly message: string;
  readonly fields: LogFields;
}

async function hosting(t: Scope, manifest: readonly string[], options: Partial<HostOptions> = {}) {
  const lines: Line[] = [];
  const say = (message: string, fields: LogFields = {}): void => void lines.push({ message, fields });
  const host = await Host.start({
    manifest,
    httpPort: 0,
    httpHost: '127.0.0.1',
    storageRoot: await temporaryFolder(t),
    log: { ...silent, info: say, warn: say, error: say },
    ...options,
  });
  t.after(() => host.stop());
  const status = async (path: string): Promise<number> => {
    const response = await fetch(`${host.url}${path}`);
    await response.arrayBuffer();
    return response.status;
  };
  const logged = (message: string, plugin: string): boolean =>
    lines.some((line) => line.message === message && line.fields['plugin'] === plugin);
  return { host, status, lines, logged };
}

suite('several plugins on a host', { concurrency: 2 }, () => {
  test('a route belongs to the first that registers it; the other is told 4', async (t) => {
    const shared = { routes: { 'GET /shared': respond({ body: 'first' }) } };
    const second = { routes: { 'GET /shared': respond({ body: 'second' }), 'GET /codes': codes() } };
    const { host, lines } = await hosting(t, [await made(t, 'a', shared), await made(t, 'b', second)]);
    assert.equal(await (await fetch(`${host.url}/shared`)).text(), 'first');
    assert.equal(await (await fetch(`${host.url}/b`)).text(), 'b');
    const refused = lines.filter(({ message }) => message === 'http route refused');
    assert.deepEqual(
      refused.map(({ fields }) => [fields['plugin'], fields['pattern']]),
      [['b', '/shared']],
    );
  });

  test('two of one name are refused', async (t) => {
    const both = [await made(t, 'same'), await made(t, 'same')];
    await assert.rejects(hosting(t, both), /has a plugin named same already/);
  });

  test('they start in the order of what they depend on, and stop the other way round', async (t) => {
    const manifests = [await made(t, 'web', {}, 'depends_on = ["store"]'), await made(t, 'store')];
    const { host, lines } = await hosting(t, manifests);
    await host.stop();
    const of = (message: string): readonly unknown[] =>
      lines.filter((line) => line.message === message).map(({ fields }) => fields['plugin']);
    assert.deepEqual(of('init complete'), ['store', 'web']);
    assert.deepEqual(of('shutdown complete'), ['web', 'store']);
  });

  test('one that does not start keeps the host from starting, and nothing is left', async (t) => {
    const manifests = [await made(t, 'good'), await made(t, 'bad', { init: trap() })];
    await assert.rejects(hosting(t, manifests), /plugin bad did not start: pulp_init trapped/);
  });

  test('one that breaks too often is given up, and the other notices nothing', async (t) => {
    const bad = { routes: { 'GET /trap': trap() } };
    const { host, status, logged } = await hosting(t, [await made(t, 'bad', bad), await made(t, 'good')]);
    for (let crash = 1; crash <= 5; crash++) {
      assert.equal(await status('/trap'), 502);
      assert.equal(await status('/good'), 200);
      const settled = (): boolean => {
        const { state, instance } = host.status().plugins[0] ?? {};
        return crash < 5 ? state === 'ready' && instance === crash + 1 : state === 'failed';
      };
      await until(settled, 'the plugin is there again, or given up');
    }
    assert.deepEqual(
      [await status('/bad'), await status('/nowhere'), await status('/good')],
      [503, 404, 200],
    );
    assert.ok(logged('plugin failed', 'bad'));
    const [failed] = host.status().plugins;
    assert.ok((failed?.retryAt ?? 0) > Date.now());
    assert.equal(host.status().ready, false);
    await host.startPlugin('bad');
    assert.equal(await status('/bad'), 200);
  });

  test('with restart = "never" the other goes on; the host ends when none is left', async (t) => {
    const manifests = await Promise.all(
      ['a', 'b'].map((name) =>
        made(t, name, { routes: { [`GET /trap-${name}`]: trap() } }, 'restart = "never"'),
      ),
    );
    const { host, status, logged } = await hosting(t, manifests);
    assert.equal(await status('/trap-a'), 502);
    assert.deepEqual([await status('/a'), await status('/b')], [503, 200]);
    assert.ok(logged('plugin failed', 'a'));
    assert.equal(await status('/trap-b'), 502);
    assert.deepEqual(await host.finished, { code: 1 });
  });
});

suite('plugins that share threads', { concurrency: 2 }, () => {
  test('all serve; a runaway costs those in its thread a restart, and the log says whose fault it was', async (t) => {
    const loop = { routes: { 'GET /loop': forever() } };
    const manifests = [
      await made(t, 'bad', loop, 'call_timeout_ms = 300'),
      await made(t, 'other'),
      await made(t, 'neighbour'),
      await made(t, 'alone', {}, 'dedicated_thread = true'),
    ];
    const { host, status, lines } = await hosting(t, manifests, { pluginThreads: 2 });
    const threads = host.status().plugins.map(({ thread }) => thread);
    assert.equal(threads[0], threads[2]);
    assert.equal(new Set(threads).size, 3);
    for (const name of ['bad', 'other', 'neighbour', 'alone']) assert.equal(await status(`/${name}`), 200);
    assert.equal(await status('/loop'), 504);
    const again = (): boolean => host.status().plugins.every(({ state }) => state === 'ready');
    await until(again, 'all of them are there again');
    assert.deepEqual(
      host.status().plugins.map(({ instance, crashes }) => [instance, crashes]),
      [
        [2, 1],
        [1, 0],
        [2, 0],
        [1, 0],
      ],
    );
    const crash = lines.find(
      ({ message, fields }) => message === 'plugin crashed' && fields['plugin'] === 'neighbour',
    );
    assert.match(String(crash?.fields['reason']), /plugin bad, which shares the thread: a step took longer/);
    for (const name of ['bad', 'other', 'neighbour', 'alone']) assert.equal(await status(`/${name}`), 200);
  });
});
