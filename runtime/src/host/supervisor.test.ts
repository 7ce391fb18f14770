import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { suite, test, type TestContext } from 'node:test';
import { silent } from '../../../test/support/guest-context.ts';
import { pluginFolder } from '../../../test/support/plugin-folder.ts';
import { until } from '../../../test/support/until.ts';
import { busy, text, trap, watGuest, type WatGuest } from '../../../test/support/wat-guest.ts';
import { Registry } from '../capabilities/registry.ts';
import { Edge } from '../edge/edge.ts';
import type { EdgePlugin } from '../edge/plugin.ts';
import type { LogFields } from '../ext.ts';
import { decodeState, HostEffect, type InstanceState } from '../plugin-thread/protocol.ts';
import { loadPlugin, readManifest } from './load-plugin.ts';
import { PluginThreads } from './plugin-threads.ts';
import { Supervisor } from './supervisor.ts';
import { Watchdog } from './watchdog.ts';

interface Line {
  readonly message: string;
  readonly fields: LogFields;
}

/** An edge that listens nowhere, and lets a test see what an instance says right before and behind the supervisor. */
class WatchedEdge extends Edge {
  saying: (state: InstanceState, instance: number) => void = () => undefined;
  said: (state: InstanceState, instance: number) => void = () => undefined;

  override plugin(...args: Parameters<Edge['plugin']>): EdgePlugin {
    const plugin = super.plugin(...args);
    const attach = plugin.attach.bind(plugin);
    plugin.attach = (arrival) =>
      attach({
        ...arrival,
        host: (kind, payload) => {
          const state = kind === HostEffect.state ? decodeState(payload) : undefined;
          if (state !== undefined) this.saying(state, arrival.instance);
          arrival.host(kind, payload);
          if (state !== undefined) this.said(state, arrival.instance);
        },
      });
    return plugin;
  }
}

/** A guest, its version, and what its manifest says besides. It has ticks every 50 ms. */
interface Release {
  readonly guest: WatGuest;
  readonly version?: string;
  readonly manifest?: string;
}

/** A supervisor with a plugin that a test can change. */
async function supervised(t: TestContext, first: Release) {
  const lines: Line[] = [];
  const failures: string[] = [];
  const say = (message: string, fields: LogFields = {}): void => void lines.push({ message, fields });
  const log = { ...silent, info: say, warn: say, error: say };
  const edge = new WatchedEdge({
    index: 0,
    maxBodyBytes: 1,
    maxConnections: 1,
    headerTimeoutMs: 1000,
    bodyTimeoutMs: 1000,
    writeTimeoutMs: 1000,
    requestTimeoutMs: 1000,
    log,
  });
  const registry = new Registry();
  const file = await pluginFolder(t, {});
  const release = async ({ guest, version = '1', manifest = '' }: Release): Promise<void> => {
    await writeFile(file.replace('pulp.plugin.toml', 'plugin.wasm'), await watGuest(guest));
    const head = ['name = "guest"', `version = "${version}"`, 'tick_interval_ms = 50'];
    await writeFile(file, [...head, manifest].join('\n'));
  };
  await release({
    ...first,
    manifest: `capabilities = ["transport.http.inbound"]\n${first.manifest ?? ''}`,
  });
  const load = async () => loadPlugin(await readManifest(file, registry), registry);
  const watchdog = new Watchdog();
  const supervisor = new Supervisor({
    loaded: await load(),
    load,
    registry,
    threads: new PluginThreads({ max: 16 }),
    watchdog,
    deployment: { storageRoot: '/nowhere', allowPrivateNetwork: false, setUpMs: 30_000 },
    edge,
    log,
    debug: false,
    startTimeoutMs: 30_000,
    failed: (reason) => failures.push(reason),
  });
  t.after(async () => {
    await supervisor.stop(0);
    await edge.close();
    watchdog[Symbol.dispose]();
  });
  const messages = (): readonly string[] => lines.map(({ message }) => message);
  return { supervisor, edge, lines, messages, failures, release };
}

/** Breaks at its first tick. */
const breaking: WatGuest = { tick: trap() };

suite('Supervisor', () => {
  test('a stop that meets a crash waits for nothing: the plugin is down, and that is in order', async (t) => {
    const { supervisor, edge, lines, messages } = await supervised(t, { guest: breaking });
    const { promise: stopped, resolve } = Promise.withResolvers<boolean>();
    edge.said = ({ state }) => {
      if (state !== 'trapped') return;
      edge.said = () => undefined;
      // As a signal would that comes in the same turn: before anything is done about the crash.
      resolve(supervisor.stop(performance.now() + 60_000));
    };
    await supervisor.start();
    assert.equal(await stopped, true);
    assert.deepEqual(messages(), ['init complete', 'step heartbeat', 'plugin crashed', 'shutdown complete']);
    assert.deepEqual(lines[2]?.fields, { plugin: 'guest', reason: 'pulp_step trapped: unreachable' });
  });

  test('a stop that meets a restart does not wait for a start, and there is none', async (t) => {
    const { supervisor, messages } = await supervised(t, { guest: {} });
    await supervisor.start();
    const renewed = supervisor.renew();
    await Promise.resolve();
    assert.equal(await supervisor.stop(performance.now() + 60_000), true);
    await assert.rejects(renewed, /plugin guest is not started: the host is stopping/);
    assert.equal(messages().includes('plugin started'), false);
    assert.equal(supervisor.isOver, true);
  });

  test('a stop that meets the end of a reload shuts both instances down', async (t) => {
    const { supervisor, edge } = await supervised(t, { guest: {} });
    const ends: string[] = [];
    edge.said = ({ state }, instance) => void (state === 'stopped' && ends.push(`${instance} stopped`));
    await supervisor.start();
    const { promise: stopped, resolve } = Promise.withResolvers<boolean>();
    edge.saying = ({ state }) => {
      if (state === 'ready') resolve(supervisor.stop(performance.now() + 60_000));
    };
    await supervisor.reload();
    assert.equal(await stopped, true);
    assert.deepEqual(ends.toSorted(), ['1 stopped', '2 stopped']);
  });

  test('a plugin that may not be started again is over, and its thread is given back', async (t) => {
    const { supervisor, failures } = await supervised(t, { guest: breaking, manifest: 'restart = "never"' });
    await supervisor.start();
    assert.equal(supervisor.status().thread, 1);
    await until(() => failures.length > 0, 'it is over');
    assert.deepEqual(failures, ['pulp_step trapped: unreachable']);
    const { state, reason, thread, memoryBytes } = supervisor.status();
    assert.deepEqual([state, reason], ['failed', 'pulp_step trapped: unreachable']);
    assert.deepEqual([supervisor.isOver, thread, memoryBytes], [true, undefined, 0]);
    assert.equal(await supervisor.stop(performance.now()), true);
  });

  test('one that breaks too often is failed, and says when it is tried again', async (t) => {
    const { supervisor, messages } = await supervised(t, { guest: breaking });
    await supervisor.start();
    await until(() => messages().includes('plugin failed'), 'it has failed');
    const { state, crashes, instance, retryAt } = supervisor.status();
    assert.deepEqual([state, crashes, instance], ['failed', 5, 5]);
    const left = (retryAt ?? 0) - Date.now();
    assert.ok(left > 0 && left <= 30_000, `${left} ms`);
  });

  test('a failed plugin that is reloaded starts at once, and is no longer failed', async (t) => {
    const { supervisor, messages, release } = await supervised(t, { guest: breaking });
    await supervisor.start();
    await until(() => messages().includes('plugin failed'), 'it has failed');
    await release({ guest: {}, version: '2' });
    await supervisor.reload();
    const { state, version, retryAt } = supervisor.status();
    assert.deepEqual([state, version, retryAt], ['ready', '2', undefined]);
  });
});

suite('Supervisor.reload', () => {
  test('an instance that was replaced before it came up does not take over when it does', async (t) => {
    const slow = { init: busy(2500), tick: trap() };
    const { supervisor, edge, release, messages } = await supervised(t, { guest: slow });
    const ends: string[] = [];
    edge.said = ({ state }, instance) => ends.push(`${instance} ${state}`);
    await supervisor.start();
    await until(() => supervisor.status().instance === 2, 'the next instance starts');
    await release({ guest: {}, version: '2' });
    await supervisor.reload();
    await until(() => ends.includes('2 stopped'), `the slow one was stopped: ${ends.join()}`);
    const { state, version, instance } = supervisor.status();
    assert.deepEqual([state, version, instance], ['ready', '2', 3]);
    assert.equal(messages().filter((message) => message === 'plugin crashed').length, 1);
  });

  test('one that may not be started again, and breaks meanwhile, is replaced all the same', async (t) => {
    const { supervisor, failures, release, messages } = await supervised(t, {
      guest: breaking,
      manifest: 'restart = "never"',
    });
    await supervisor.start();
    await release({ guest: { init: busy(500) }, version: '2' });
    await supervisor.reload();
    assert.ok(messages().includes('plugin crashed'), 'it broke too late for this test');
    const { state, version } = supervisor.status();
    assert.deepEqual([state, version, failures], ['ready', '2', []]);
  });

  test('it is over when what was to replace it does not come up', async (t) => {
    const { supervisor, failures, release } = await supervised(t, {
      guest: breaking,
      manifest: 'restart = "never"',
    });
    await supervisor.start();
    await release({ guest: { init: (data) => busy(500)(data) + text('(return (i32.const 7))')(data) } });
    await assert.rejects(supervisor.reload(), /plugin guest did not start/);
    await until(() => failures.length > 0, 'it is over');
    assert.equal(supervisor.isOver, true);
  });

  test('a stopped plugin is read again, and stays stopped', async (t) => {
    const { supervisor, release } = await supervised(t, { guest: {} });
    await supervisor.start();
    await supervisor.halt();
    await release({ guest: {}, version: '2' });
    await supervisor.reload();
    assert.deepEqual([supervisor.status().state, supervisor.status().version], ['stopped', '2']);
    await supervisor.resume();
    assert.deepEqual([supervisor.status().state, supervisor.status().instance], ['ready', 2]);
  });
});

suite('Supervisor: what operators ask for', () => {
  test('is done one after the other', async (t) => {
    const { supervisor, messages } = await supervised(t, { guest: {} });
    await supervisor.start();
    await Promise.all([supervisor.halt(), supervisor.resume(), supervisor.renew(), supervisor.reload()]);
    assert.equal(supervisor.status().state, 'ready');
    const done = messages().filter((message) => /^plugin (?:stopped|started|reloaded)$/.test(message));
    assert.deepEqual(done, [
      'plugin stopped',
      'plugin started',
      'plugin stopped',
      'plugin started',
      'plugin reloaded',
    ]);
  });

  test('is refused by a plugin that is over', async (t) => {
    const { supervisor } = await supervised(t, { guest: {} });
    await supervisor.start();
    await supervisor.stop(performance.now() + 5000);
    await assert.rejects(supervisor.reload(), /is not reloaded: the host is stopping/);
    await supervisor.halt();
    assert.equal(supervisor.isOver, true);
  });
});
