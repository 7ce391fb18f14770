import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { silent } from '../../../test/support/guest-context.ts';
import { pluginFolder } from '../../../test/support/plugin-folder.ts';
import { wat } from '../../../test/support/wat.ts';
import { builtinCapabilities, Registry } from '../capabilities/registry.ts';
import { Edge } from '../edge/edge.ts';
import type { LogFields } from '../ext.ts';
import { guestText } from '../guest/guest-text.suite.ts';
import { loadPlugin, readManifest } from './load-plugin.ts';
import { PluginThreads } from './plugin-threads.ts';
import { Supervisor } from './supervisor.ts';
import { Watchdog } from './watchdog.ts';

interface Line {
  readonly message: string;
  readonly fields: LogFields;
}

/** A supervisor whose plugin breaks at its first tick. */
async function breaking(t: TestContext) {
  const lines: Line[] = [];
  const heard = { crashed: (): void => undefined };
  const say = (message: string, fields: LogFields = {}): void => {
    lines.push({ message, fields });
    if (message === 'plugin crashed') heard.crashed();
  };
  const log = { ...silent, info: say, warn: say, error: say };
  const edge = new Edge({
    index: 0,
    maxBodyBytes: 1,
    maxConnections: 1,
    headerTimeoutMs: 1000,
    bodyTimeoutMs: 1000,
    writeTimeoutMs: 1000,
    requestTimeoutMs: 1000,
    log,
  });
  const registry = await Registry.load();
  const wasm = await wat(guestText({ step: '(unreachable)' }));
  const file = await pluginFolder(t, { wasm, manifest: 'tick_interval_ms = 50' });
  const load = async () => loadPlugin(await readManifest(file, registry), registry);
  const watchdog = new Watchdog();
  const supervisor = new Supervisor({
    loaded: await load(),
    load,
    registry,
    threads: new PluginThreads({ max: 16, capabilities: builtinCapabilities }),
    watchdog,
    deployment: { storageRoot: '/nowhere', allowPrivateNetwork: false },
    edge,
    log,
    debug: false,
    startTimeoutMs: 30_000,
    failed: () => undefined,
  });
  t.after(async () => {
    await supervisor.stop(0);
    await edge.close();
    watchdog[Symbol.dispose]();
  });
  return { supervisor, heard, lines };
}

suite('Supervisor', () => {
  test('a stop that meets a crash waits for nothing: the plugin is down, and that is in order', async (t) => {
    const { supervisor, heard, lines } = await breaking(t);
    const { promise: stopped, resolve } = Promise.withResolvers<boolean>();
    // As a signal would that comes in the same turn: before anything is done about the crash.
    heard.crashed = () => resolve(supervisor.stop(performance.now() + 60_000));
    await supervisor.start();
    assert.equal(await stopped, true);
    assert.deepEqual(
      lines.map(({ message }) => message),
      ['step heartbeat', 'plugin crashed', 'shutdown complete'],
    );
    assert.deepEqual(lines[1]?.fields, { plugin: 'guest', reason: 'pulp_step trapped: unreachable' });
  });
});
