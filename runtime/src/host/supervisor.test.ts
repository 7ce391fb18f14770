import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { silent } from '../../../test/support/guest-context.ts';
import { pluginFolder } from '../../../test/support/plugin-folder.ts';
import { wat } from '../../../test/support/wat.ts';
import { builtinCapabilities, Registry } from '../capabilities/registry.ts';
import { Edge } from '../edge/edge.ts';
import type { LogFields } from '../ext.ts';
import { guestText } from '../guest/guest-text.suite.ts';
import { decodeState, HostEffect, type InstanceState } from '../plugin-thread/protocol.ts';
import { loadPlugin, readManifest } from './load-plugin.ts';
import { Supervisor } from './supervisor.ts';

interface Line {
  readonly message: string;
  readonly fields: LogFields;
}

/** An edge that listens nowhere, and lets a test see what an instance says right behind the supervisor. */
class WatchedEdge extends Edge {
  said: (state: InstanceState) => void = () => undefined;

  override plugin(...[channels, options]: Parameters<Edge['plugin']>): ReturnType<Edge['plugin']> {
    return super.plugin(channels, {
      ...options,
      host: (kind, payload) => {
        const state = kind === HostEffect.state ? decodeState(payload) : undefined;
        options.host(kind, payload);
        if (state !== undefined) this.said(state);
      },
    });
  }
}

/** A supervisor whose plugin breaks at its first tick. */
async function breaking(t: TestContext) {
  const lines: Line[] = [];
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
  const registry = await Registry.load();
  const wasm = await wat(guestText({ step: '(unreachable)' }));
  const file = await pluginFolder(t, { wasm, manifest: 'tick_interval_ms = 50' });
  const supervisor = new Supervisor({
    loaded: await loadPlugin(await readManifest(file, registry), registry),
    registry,
    capabilities: builtinCapabilities,
    deployment: { storageRoot: '/nowhere', allowPrivateNetwork: false },
    edge,
    log,
    debug: false,
    startTimeoutMs: 30_000,
    failed: () => undefined,
  });
  t.after(() => supervisor.stop(0).then(() => edge.close()));
  return { supervisor, edge, lines };
}

suite('Supervisor', () => {
  test('a stop that meets a crash waits for nothing: the plugin is down, and that is in order', async (t) => {
    const { supervisor, edge, lines } = await breaking(t);
    const { promise: stopped, resolve } = Promise.withResolvers<boolean>();
    edge.said = ({ state }) => {
      // As a signal would that comes in the same turn: before anything is done about the crash.
      if (state === 'trapped') resolve(supervisor.stop(performance.now() + 60_000));
    };
    await supervisor.start();
    assert.equal(await stopped, true);
    assert.deepEqual(
      lines.map(({ message }) => message),
      ['step heartbeat', 'plugin crashed', 'shutdown complete'],
    );
    assert.deepEqual(lines[1]?.fields, { plugin: 'guest', reason: 'pulp_step trapped: unreachable' });
  });
});
