/** Operators who ask for everything at once, of plugins that break in every way there is. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../fuzz/support/random.ts';
import { type GuestPlugin, HostUnderTest } from '../support/host-under-test.ts';
import { until } from '../support/until.ts';
import { busy, forever, respond, trap, type WatGuest } from '../support/wat-guest.ts';

const goesOnMs = 5000;
/** How often the host is stopped in the middle of it all. */
const stops = 5;
const names = ['one', 'two', 'three', 'four'];

/** What may be in a plugin's file when it is read. */
const kinds: Readonly<Record<string, WatGuest>> = {
  sound: {},
  'traps in its init': { init: trap() },
  'never ends its init': { init: forever() },
  'takes long for its init': { init: busy(150) },
  'never ends its start section': { start: forever() },
  'traps in its shutdown': { shutdown: trap() },
  'never ends its shutdown': { shutdown: forever() },
};

/**
 * What a request may come to. Nothing takes as long as a request may, so that 504 is for runaways alone; a neighbour in
 * the same thread may end a step.
 */
const answers = { '': [200, 502, 503], '/trap': [502, 503], '/loop': [502, 503, 504] };

const plugin = (name: string, kind: string): GuestPlugin => ({
  name,
  guest: {
    ...kinds[kind],
    routes: {
      [`GET /${name}`]: respond({ body: name }),
      [`GET /${name}/trap`]: trap(),
      [`GET /${name}/loop`]: forever(),
    },
  },
  manifest: 'capabilities = ["transport.http.inbound"]\ncall_timeout_ms = 200\ntick_interval_ms = 0',
});

/** Requests and operators, until it is over. Settles when all of them have their answers. */
async function unrest(host: HostUnderTest, random: Random, over: () => boolean): Promise<void> {
  const operate = async (): Promise<void> => {
    while (!over()) {
      const name = random.pick(names);
      // Whoever does not wait any longer has gone, which calls off what has not begun.
      const signal = random.oneIn(5) ? AbortSignal.timeout(random.below(100)) : undefined;
      const act = random.pick([
        () => host.release(plugin(name, random.oneIn(2) ? 'sound' : random.pick(Object.keys(kinds)))),
        () => host.host.stopPlugin(name, signal),
        () => host.host.startPlugin(name, signal),
        () => host.host.restartPlugin(name, signal),
        () => host.host.reloadPlugin(name, signal),
        () => host.host.reloadPlugin(name, signal),
      ]);
      // What does not come up says so, and that is all right.
      await act().catch(() => undefined);
      await pause(random.below(50));
    }
  };
  const ask = async (name: string): Promise<void> => {
    while (!over()) {
      const what = random.pick(['', '', '', '', '/trap', '/loop'] as const);
      const [status, body] = await host
        .get(`/${name}${what}`)
        .catch((error: Error) => [undefined, error] as const);
      // A host that stops closes connections that nobody uses, and listens no longer.
      const right = status === undefined ? over() : answers[what].includes(status);
      assert.ok(right, `${name}${what}: ${status} ${body}`);
      await pause(random.below(20));
    }
  };
  await Promise.all([...names.map(ask), ...Array.from({ length: 6 }, operate)]);
}

suite('whatever operators ask for, and in whatever order', { concurrency: 1 }, () => {
  for (const pluginThreads of [16, 2]) {
    test(`with ${pluginThreads} threads for ${names.length} plugins`, async (t) => {
      const random = Random.derive(1, 'operators', pluginThreads);
      const calm = {
        name: 'calm',
        manifest: 'capabilities = ["transport.http.inbound"]\ndedicated_thread = true',
      };
      const host = await HostUnderTest.start(t, [...names.map((name) => plugin(name, 'sound')), calm], {
        pluginThreads,
        requestTimeoutMs: 60_000,
      });
      const ends = performance.now() + goesOnMs;
      const load = host.load('/calm', 2);
      t.after(() => load.stop());
      await unrest(host, random, () => performance.now() >= ends);
      const { requests, errors } = await load.stop();
      assert.ok(requests > 0);
      assert.deepEqual(errors, [], 'one with a thread of its own notices nothing');

      // All of them come up again.
      for (const name of names) {
        await host.host.stopPlugin(name);
        await host.reload(plugin(name, 'sound'));
        await host.host.startPlugin(name);
      }
      for (const name of [...names, 'calm'])
        assert.deepEqual(await host.get(`/${name}`), [200, name], host.dump());
      const waits = (): number =>
        host.host.status().plugins.reduce((sum, { queuedEvents }) => sum + queuedEvents, 0);
      await until(() => waits() === 0, 'nothing is left in a queue');
      assert.equal(host.host.status().edgeBytes, 0);
      assert.deepEqual(await host.host.stop(), { clean: true });
    });

    test(`with ${pluginThreads} threads, and the host stops in the middle of it`, async (t) => {
      const random = Random.derive(2, 'operators', pluginThreads);
      for (let count = 0; count < stops; count++) {
        const all = names.map((name) => plugin(name, 'sound'));
        const options = { pluginThreads, requestTimeoutMs: 60_000, drainTimeoutMs: 30_000 };
        const host = await HostUnderTest.start(t, all, options);
        let stopping = false;
        const settled = unrest(host, random, () => stopping);
        await pause(200 + random.below(800));
        stopping = true;
        // Not clean where a runaway was in the middle of a step.
        await host.host.stop();
        await settled;
        assert.deepEqual(
          host.logged('plugin cut off'),
          [],
          'each step ends by itself, or behind its deadline',
        );
        const lines = host.lines.length;
        await pause(50);
        assert.deepEqual(host.messages.slice(lines), [], 'nothing goes on behind it');
      }
    });
  }
});
