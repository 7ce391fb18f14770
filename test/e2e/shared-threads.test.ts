/** Plugins that share a thread because there are more of them than threads. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { HostUnderTest } from '../support/host-under-test.ts';
import { until } from '../support/until.ts';
import { all, busy, forever, respond } from '../support/wat-guest.ts';

const names = ['a', 'b', 'c', 'd', 'e'];
const manifest = 'call_timeout_ms = 300\ncapabilities = ["transport.http.inbound"]';

const threadsOf = (host: HostUnderTest): ReadonlyMap<string, number | undefined> =>
  new Map(host.host.status().plugins.map(({ name, thread }) => [name, thread]));

/** Five plugins on two threads; each may loop. */
function five(t: TestContext, more: Readonly<Record<string, string>> = {}): Promise<HostUnderTest> {
  const plugins = names.map((name) => ({
    name,
    guest: {
      routes: { [`GET /loop/${name}`]: forever(), [`GET /busy/${name}`]: all(busy(50), respond({})) },
    },
    manifest: `${more[name] ?? ''}\n${manifest}`,
  }));
  return HostUnderTest.start(t, plugins, { pluginThreads: 2 });
}

suite('five plugins on two threads', { concurrency: 2 }, () => {
  test('all serve, also at the same time', async (t) => {
    const host = await five(t);
    assert.deepEqual(new Set(threadsOf(host).values()), new Set([1, 2]));
    const answers = await Promise.all(
      names.flatMap((name) => [host.get(`/${name}`), host.get(`/busy/${name}`)]),
    );
    assert.ok(answers.every(([status]) => status === 200));
  });

  test('a runaway takes those with it that share its thread; they are started again at once', async (t) => {
    const host = await five(t);
    const before = threadsOf(host);
    const sharing = names.filter((name) => name !== 'a' && before.get(name) === before.get('a'));
    const apart = names.filter((name) => before.get(name) !== before.get('a'));
    assert.ok(sharing.length > 0 && apart.length > 0);
    const load = host.load(`/${apart[0]}`);
    assert.equal((await host.get('/loop/a'))[0], 504);
    for (const name of sharing) {
      const { reason } = await host.line('plugin crashed', { plugin: name });
      assert.match(
        String(reason),
        /^plugin a, which shares the thread: a step took longer than call_timeout_ms, 300 ms$/,
      );
    }
    for (const name of ['a', ...sharing]) await host.line('plugin restarted', { plugin: name });
    for (const name of names) assert.deepEqual(await host.get(`/${name}`), [200, name]);
    assert.deepEqual((await load.stop()).errors, []);
    for (const { name, crashes } of host.host.status().plugins) {
      assert.equal(crashes, name === 'a' ? 1 : 0, `${name} is blamed for ${crashes} crashes`);
    }
    for (const name of apart) assert.deepEqual(host.logged('plugin crashed', { plugin: name }), []);
  });

  test('requests that wait for one that shares the thread are served behind that', async (t) => {
    const host = await five(t);
    const before = threadsOf(host);
    const sharing = names.find((name) => name !== 'a' && before.get(name) === before.get('a')) ?? '';
    const loop = host.get('/loop/a');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const waiting = Promise.all(Array.from({ length: 10 }, () => host.get(`/${sharing}`)));
    assert.equal((await loop)[0], 504);
    assert.ok((await waiting).every(([status, body]) => status === 200 && body === sharing));
  });

  test('one with a thread of its own is not touched', async (t) => {
    const host = await five(t, { c: 'dedicated_thread = true' });
    const before = threadsOf(host);
    assert.ok(names.every((name) => name === 'c' || before.get(name) !== before.get('c')));
    const load = host.load('/c');
    for (const name of ['a', 'b']) assert.equal((await host.get(`/loop/${name}`))[0], 504);
    await until(() => host.host.status().plugins.every(({ state }) => state === 'ready'), 'all are up again');
    for (const name of names) assert.deepEqual(await host.get(`/${name}`), [200, name]);
    assert.deepEqual((await load.stop()).errors, []);
    assert.deepEqual(host.logged('plugin crashed', { plugin: 'c' }), []);
  });
});
