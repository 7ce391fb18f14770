/** Connections that outlive the instance they were made with: over crashes and over reloads. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { type GuestPlugin, HostUnderTest } from '../support/host-under-test.ts';
import { patiently } from '../support/patiently.ts';
import { closeFrame, RawWebSocket } from '../support/raw-websocket.ts';
import { SseClient } from '../support/sse-client.ts';
import { emitMessage, sseGuest, tell as tellSse } from '../support/sse-guest.ts';
import { until } from '../support/until.ts';
import { all, arm, busy, type Data, respond, trap, type WatGuest, whenArmed } from '../support/wat-guest.ts';
import { command, open, seen, seenClose, wsGuest } from '../support/ws-guest.ts';

/** A plugin with WebSockets on `/ws`. */
const ws = (options = '', guest: WatGuest = {}): GuestPlugin => ({
  name: 'app',
  guest: wsGuest(['/ws'], { ...guest, routes: { 'GET /trap': trap(), ...guest.routes } }),
  manifest: `capabilities = ["transport.http.inbound", "transport.ws.inbound"]
tick_interval_ms = 0
[transport.ws.inbound]
${options}`,
});

const start = (t: TestContext, plugin: GuestPlugin): Promise<HostUnderTest> =>
  HostUnderTest.start(t, [plugin]);

/** What the plugin was told, shortly. */
const told = (host: HostUnderTest): readonly string[] =>
  seen(host).map((event) =>
    event.kind === 'open'
      ? `open ${event.id}${event.resumed === undefined ? '' : ` resumed ${String(event.resumed)}`}`
      : `close ${event.id} ${event.code}`,
  );

/** Two ways to the next instance, which takes a while to come up. */
const ways: Readonly<Record<string, (host: HostUnderTest, next: GuestPlugin) => Promise<unknown>>> = {
  'a crash': async (host, next) => {
    await host.release(next);
    assert.equal((await host.get('/trap'))[0], 502);
  },
  'a reload': (host, next) => host.reload(next),
};

suite('WebSockets of a plugin with resume = true', { concurrency: 2 }, () => {
  for (const [what, happen] of Object.entries(ways)) {
    test(`stay over ${what}: the plugin is told of each before anything else, and of its end once`, async (t) => {
      const plugin = ws('resume = true', { init: busy(200) });
      const host = await start(t, plugin);
      const [one, two] = [await open(t, host, 'one'), await open(t, host, 'two')];
      await happen(host, plugin);
      // Some of these find the plugin down, or not ready yet.
      for (let count = 0; count < 50; count++) one.client.text(`message ${count}`);
      for (let count = 0; count < 50; count++) assert.equal(await one.client.message(), `message ${count}`);
      two.client.text('here, too');
      assert.equal(await two.client.message(), 'here, too');
      two.client.send(closeFrame(4000, 'bye'));
      await seenClose(host, { id: two.id, code: 4000, reason: 'bye' });
      assert.deepEqual(told(host), [
        `open ${one.id}`,
        `open ${two.id}`,
        `open ${one.id} resumed true`,
        `open ${two.id} resumed true`,
        `close ${two.id} 4000`,
      ]);
      const [, , again] = seen(host);
      assert.ok(again?.kind === 'open' && again.path === '/ws' && 'one' in again.query);
      await host.host.stop();
      assert.deepEqual(told(host).slice(5), [`close ${one.id} 1001`]);
    });
  }

  test('of whom all wait for an answer when it breaks: none is told anything before all are told', async (t) => {
    const host = await start(t, ws('resume = true', { init: busy(50) }));
    const clients: Awaited<ReturnType<typeof open>>[] = [];
    for (let index = 0; index < 6; index++) clients.push(await open(t, host, `client-${index}`));
    for (let round = 0; round < 3; round++) {
      assert.equal((await host.get('/trap'))[0], 502);
      // Some of these find the plugin down, some find it up and not ready yet.
      for (let message = 0; message < 8; message++) {
        for (const { client } of clients) client.text(`${round}/${message}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      for (const { client } of clients) {
        for (let message = 0; message < 8; message++)
          assert.equal(await client.message(), `${round}/${message}`);
      }
    }
    const opens = clients.map(({ id }) => `open ${id}`);
    const resumed = opens.map((line) => `${line} resumed true`);
    assert.deepEqual(told(host), [...opens, ...resumed, ...resumed, ...resumed]);
  });

  test('what they say stays in order while an instance that was replaced still has something in hand', async (t) => {
    const guest = wsGuest(['/ws'], { routes: { 'GET /slow': all(arm(), respond({ body: 'slow' })) } });
    const slow = whenArmed(busy(500));
    const plugin = {
      ...ws('resume = true'),
      guest: { ...guest, step: (data: Data): string => slow(data) + (guest.step?.(data) ?? '') },
    };
    const host = await start(t, plugin);
    const [one, two] = [await open(t, host, 'one'), await open(t, host, 'two')];
    assert.equal((await host.get('/slow'))[0], 200);
    for (const message of ['in hand', 'waits']) one.client.text(message);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await host.reload(plugin);
    for (const { client } of [one, two]) client.text('behind the reload');
    const of = async ({ client }: typeof one, count: number): Promise<readonly string[]> => {
      const messages: string[] = [];
      while (messages.length < count) messages.push(await client.message());
      return messages;
    };
    assert.deepEqual(await of(two, 1), ['behind the reload']);
    assert.deepEqual(await of(one, 3), ['in hand', 'waits', 'behind the reload']);
  });

  test('messages that waited for an instance that broke are not lost, and stay in order', async (t) => {
    const host = await start(t, ws('resume = true'));
    const { client, id } = await open(t, host, 'one');
    client.text('first');
    client.frame({ opcode: 2, payload: command.busy() });
    client.frame({ opcode: 2, payload: command.trap() });
    for (let count = 0; count < 500; count++) client.text(`waits ${count}`);
    assert.equal(await client.message(), 'first');
    for (let count = 0; count < 500; count++) assert.equal(await client.message(), `waits ${count}`);
    assert.deepEqual(told(host), [`open ${id}`, `open ${id} resumed true`]);
    // The message that broke it is not tried again.
    assert.equal(host.logged('plugin crashed').length, 1);
  });

  test('a client that leaves while the plugin is down: its end is told, if the plugin is told of it at all', async (t) => {
    const host = await start(t, ws('resume = true', { init: busy(400) }));
    const [leaves, stays] = [await open(t, host, 'leaves'), await open(t, host, 'stays')];
    assert.equal((await host.get('/trap'))[0], 502);
    leaves.client.drop();
    stays.client.text('hello');
    assert.equal(await stays.client.message(), 'hello');
    await host.line('plugin restarted');
    const later = await open(t, host, 'later');
    later.client.text('x');
    await later.client.message();
    const about = told(host)
      .slice(2)
      .filter((event) => event.split(' ')[1] === String(leaves.id));
    const opens = about.filter((event) => event.startsWith('open')).length;
    const closes = about.filter((event) => event.startsWith('close')).length;
    assert.equal(closes, opens, about.join());
  });
});

suite('WebSockets of a plugin without resume', { concurrency: 2 }, () => {
  for (const [what, happen] of Object.entries(ways)) {
    test(`get 1012 at ${what}, and can connect again`, async (t) => {
      const host = await start(t, ws());
      const { client, id } = await open(t, host, 'one');
      await happen(host, ws());
      assert.deepEqual(await client.close(), { code: 1012, reason: '' });
      client.send(closeFrame(1012));
      await client.closed;
      await until(() => host.host.status().plugins[0]?.state === 'ready', 'the next one is ready');
      const again = await open(t, host, 'again');
      again.client.text('hello');
      assert.equal(await again.client.message(), 'hello');
      assert.deepEqual(
        told(host).filter((event) => event.startsWith('open')),
        [`open ${id}`, `open ${again.id}`],
      );
    });
  }
});

suite('a reload with other options of WebSockets', { concurrency: 2 }, () => {
  test('ends the connections with the old ones, and new ones have the new', async (t) => {
    const host = await start(t, ws('resume = true\nmax_message_bytes = 1000'));
    const { client } = await open(t, host, 'one');
    client.text('x'.repeat(100));
    assert.equal((await client.message()).length, 100);
    await host.reload(ws('resume = true\nmax_message_bytes = 50'));
    assert.ok([1001, 1012].includes((await client.close()).code));
    const again = await open(t, host, 'again');
    again.client.text('x'.repeat(50));
    assert.equal((await again.client.message()).length, 50);
    again.client.text('x'.repeat(51));
    assert.equal((await again.client.close()).code, 1009);
  });

  test('that fails leaves the connections with the old ones', async (t) => {
    const host = await start(t, ws('max_message_bytes = 1000'));
    const { client } = await open(t, host, 'one');
    await assert.rejects(host.reload(ws('max_message_bytes = 50', { initialize: trap() })), /did not start/);
    client.text('x'.repeat(100));
    assert.equal((await client.message()).length, 100);
    assert.equal(told(host).length, 1);
  });

  test('that gives up the capability: connections end, and the path is gone', async (t) => {
    const host = await start(t, ws('resume = true'));
    const { client } = await open(t, host, 'one');
    await host.reload({ ...ws(), manifest: 'capabilities = ["transport.http.inbound"]' });
    assert.ok([1001, 1012].includes((await client.close()).code));
    assert.equal((await host.get('/ws'))[0], 404);
    assert.deepEqual(await host.get('/app'), [200, 'app']);
  });
});

/** A plugin with streams on `/events`. */
const sse = (guest: WatGuest = {}): GuestPlugin => ({
  name: 'app',
  guest: sseGuest({ ...guest, paths: ['/events'] }),
  manifest: 'capabilities = ["transport.http.inbound", "transport.sse"]',
});

suite('SSE subscribers', { concurrency: 2 }, () => {
  for (const [what, happen] of Object.entries(ways)) {
    test(`stay over ${what}, and hear the next instance`, async (t) => {
      const host = await start(t, sse());
      const streams = await Promise.all(
        Array.from({ length: 20 }, () => SseClient.open(t, { port: host.port, path: '/events' })),
      );
      assert.deepEqual(await tellSse(host, 'emit', emitMessage('/events', { data: 'old' })), [0]);
      await happen(host, sse());
      await until(() => host.host.status().plugins[0]?.state === 'ready', 'the next one is ready');
      assert.equal(host.host.status().plugins[0]?.instance, 2);
      assert.deepEqual(await tellSse(host, 'emit', emitMessage('/events', { data: 'next' })), [0]);
      for (const stream of streams) {
        const events = await stream.first(2);
        assert.deepEqual(
          events.map(({ data }) => data),
          ['old', 'next'],
        );
      }
      await host.host.stop();
      for (const stream of streams) {
        assert.equal(await patiently(stream.ended, () => 'the stream did not end'), true);
      }
    });
  }

  test('can come while the plugin is reloaded, and hear what follows', async (t) => {
    const host = await start(t, sse());
    const reloaded = host.reload(sse({ initialize: busy(500) }));
    const stream = await SseClient.open(t, { port: host.port, path: '/events' });
    await reloaded;
    await tellSse(host, 'emit', emitMessage('/events', { data: 'next' }));
    assert.equal((await stream.first(1))[0]?.data, 'next');
  });
});

test('a WebSocket that is opened while the plugin is reloaded is served by one of its versions', async (t) => {
  const host = await start(t, ws('resume = true'));
  const reloaded = host.reload(ws('resume = true', { initialize: busy(500) }));
  const client = await RawWebSocket.open(t, host.port, { path: '/ws?early' });
  client.text('before');
  assert.equal(await client.message(), 'before');
  await reloaded;
  client.text('behind');
  assert.equal(await client.message(), 'behind');
});
