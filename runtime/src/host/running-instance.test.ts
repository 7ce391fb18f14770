import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { silent } from '../../../test/support/guest-context.ts';
import { pluginFolder } from '../../../test/support/plugin-folder.ts';
import { wat } from '../../../test/support/wat.ts';
import { Registry } from '../capabilities/registry.ts';
import { Edge } from '../edge/edge.ts';
import { guestText } from '../guest/guest-text.suite.ts';
import { Bell } from '../link/bell.ts';
import { hostChannel } from '../link/link.ts';
import { linkThreads, SharedMemoryThread } from '../link/shared-memory.ts';
import { Activity, Entry } from '../plugin-thread/activity.ts';
import { NativeCalls } from '../plugin-thread/native-calls.ts';
import {
  encodeHostEffect,
  HostEffect,
  type InstanceState,
  type StartCommand,
} from '../plugin-thread/protocol.ts';
import { loadPlugin, readManifest } from './load-plugin.ts';
import type { PluginThread } from './plugin-thread.ts';
import { type InstanceEnd, RunningInstance } from './running-instance.ts';

/** An instance whose thread is the test: it has 300 ms for a call. */
async function instance(t: TestContext) {
  const edge = new Edge({
    index: 0,
    maxBodyBytes: 1,
    maxConnections: 1,
    headerTimeoutMs: 1000,
    bodyTimeoutMs: 1000,
    writeTimeoutMs: 1000,
    requestTimeoutMs: 1000,
    log: silent,
  });
  const registry = new Registry();
  const wasm = await wat(guestText({}));
  const file = await pluginFolder(t, { wasm, manifest: 'call_timeout_ms = 300' });
  const bell = new Bell();
  const plugin = edge.plugin({ name: 'guest', version: '1.2.3' });
  let command: Omit<StartCommand, 'type' | 'link' | 'postedAt'> | undefined;
  let played: SharedMemoryThread | undefined;
  const stops: number[] = [];
  const thread: Pick<PluginThread, 'link' | 'start' | 'stop'> = {
    link: (edgeBell) => linkThreads({ thread: bell, edge: edgeBell }),
    start(given, { endpoint }) {
      command = given;
      played = new SharedMemoryThread(endpoint, edge.bell);
    },
    stop: (key) => stops.push(key),
  };
  const ready: number[] = [];
  const ends: InstanceEnd[] = [];
  const running = new RunningInstance({
    loaded: await loadPlugin(await readManifest(file, registry), registry),
    number: 7,
    lease: {
      // Its private parts are not looked at.
      thread: thread as PluginThread,
      index: 1,
      tenants: 1,
      nextKey: () => 42,
      release: () => Promise.resolve(true),
      kill: () => Promise.resolve(true),
    },
    edge,
    plugin,
    slots: [],
    deployment: { storageRoot: '/nowhere', allowPrivateNetwork: false, setUpMs: 30_000 },
    debug: false,
    log: silent,
    ready: ({ number }) => ready.push(number),
    ended: (_, end) => ends.push(end),
  });
  t.after(async () => {
    plugin.detach(running.attachment);
    played?.close();
    await edge.close();
  });
  assert.ok(command !== undefined && played !== undefined, 'it is started at once');
  const link = played;
  return {
    running,
    command,
    stops,
    ready,
    ends,
    activity: new Activity(command.activity),
    native: new NativeCalls(command.nativeCalls),
    say: (state: InstanceState): void => {
      link.send(hostChannel, HostEffect.state, 0, encodeHostEffect(state));
      plugin.drain();
    },
  };
}

suite('RunningInstance.look', () => {
  test('an instance that does nothing is looked at again before a call could be over its time', async (t) => {
    const { running } = await instance(t);
    assert.deepEqual(running.look(performance.now()), { sees: 'nothing', nextMs: 150 });
  });

  test('one that computes is overdue at its deadline, and looked at again right then', async (t) => {
    const { running, activity } = await instance(t);
    activity.enter(Entry.start, 1000);
    const early = running.look(1200);
    assert.ok(early.sees === 'nothing' && Math.abs(early.nextMs - 100) < 0.1, JSON.stringify(early));
    assert.deepEqual(running.look(1300.1), {
      sees: 'overdue',
      reason: 'its start took longer than call_timeout_ms, 300 ms',
    });
    activity.leave();
    activity.enter(Entry.step, 1300);
    assert.equal(running.look(1500).sees, 'nothing');
    const late = running.look(60_000);
    assert.match(late.sees === 'overdue' ? late.reason : '', /^a step took longer/);
  });

  test('one that waits is never overdue', async (t) => {
    const { running, activity } = await instance(t);
    activity.enter(Entry.step, performance.now());
    activity.wait();
    assert.deepEqual(running.look(performance.now() + 3_600_000), { sees: 'nothing', nextMs: 150 });
  });

  test('one inside of a native call is stuck once that takes too long, never overdue', async (t) => {
    const { running, activity, native } = await instance(t);
    activity.enter(Entry.step, 1000);
    native.begin(Buffer.from('SELECT 1'), 5000, 1000);
    assert.equal(running.look(1000).sees, 'nothing');
    assert.equal(running.look(5999).sees, 'nothing');
    assert.deepEqual(running.look(6000), { sees: 'stuck', call: { what: 'SELECT 1', limitMs: 5000 } });
    assert.equal(running.insideNative, true);
    native.end();
    assert.equal(running.insideNative, false);
  });

  test('time inside of a native call is not the guest’s', async (t) => {
    const { running, activity, native } = await instance(t);
    activity.enter(Entry.step, 1000);
    native.begin(Buffer.from('SELECT 1'), 60_000, 1000);
    running.look(1100);
    running.look(9000);
    native.end(9000);
    assert.equal(running.look(9001).sees, 'nothing');
    assert.equal(running.look(9299).sees, 'nothing');
    assert.equal(running.look(9300).sees, 'overdue');
  });

  test('short calls without end are overdue after call_timeout_ms and the time of one call', async (t) => {
    const { running, activity, native } = await instance(t);
    activity.enter(Entry.step, 1000);
    const overdue = (): number => {
      for (let now = 1000; now < 10_000; now += 10) {
        native.begin(Buffer.from('SELECT 1'), 1000, now);
        if (running.look(now + 5).sees === 'overdue') return now;
        native.end(now + 9);
      }
      return 0;
    };
    const at = overdue();
    assert.ok(at > 2000 && at <= 2300, String(at));
  });

  test('a call that took far longer than it may does not end the guest that it came back to', async (t) => {
    const { running, activity, native } = await instance(t);
    activity.enter(Entry.step, 1000);
    native.begin(Buffer.from('SELECT 1'), 1000, 1000);
    assert.equal(running.look(50_000).sees, 'stuck');
    native.end(60_000);
    assert.equal(running.look(60_100).sees, 'nothing');
  });
});

suite('RunningInstance', () => {
  test('is ready when it says so, once', async (t) => {
    const { running, say, ready } = await instance(t);
    assert.deepEqual([running.isReady, running.readyAt], [false, undefined]);
    say({ state: 'ready' });
    say({ state: 'ready' });
    assert.equal(await running.started, undefined);
    assert.deepEqual([running.isReady, ready], [true, [7]]);
    assert.ok(running.readyAt !== undefined && running.readyAt <= performance.now());
  });

  test('ends as was heard or seen first, and is not ready again', async (t) => {
    const { running, say, ready, ends, activity } = await instance(t);
    activity.memory = 65_536;
    assert.equal(running.memory, 65_536);
    running.over({ state: 'evicted', reason: 'somebody else' });
    say({ state: 'ready' });
    say({ state: 'stopped', code: 0 });
    assert.deepEqual(ends, [{ state: 'evicted', reason: 'somebody else' }]);
    assert.deepEqual([await running.ended, await running.started], [ends[0], ends[0]]);
    assert.deepEqual([running.isReady, running.hasEnded, running.memory, ready], [false, true, 0, []]);
  });

  test('is asked to stop by the number that its thread knows it by', async (t) => {
    const { running, command, stops } = await instance(t);
    running.stop();
    assert.deepEqual([command.instance, stops], [42, [42]]);
  });
});
