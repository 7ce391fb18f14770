/** What becomes of WebSocket connections when clients are silent, the plugin breaks, or the host stops. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import { WebSocket } from 'ws';
import type { PulpProcess } from '../support/pulp-process.ts';
import { patiently } from '../support/patiently.ts';
import { closeFrame, RawWebSocket } from '../support/raw-websocket.ts';
import {
  command,
  open,
  returned,
  seen,
  seenClose,
  startWsGuest,
  tell,
  wsGuest,
  wsSend,
} from '../support/ws-guest.ts';

suite('silent clients', { concurrency: 2 }, () => {
  const options = 'ping_interval_ms = 200';

  test('they are pinged, and those that answer stay', async (t) => {
    const pulp = await startWsGuest(t, wsGuest(['/ws']), { options });
    const client = new WebSocket(`ws://127.0.0.1:${pulp.port}/ws`);
    t.after(() => client.terminate());
    for (let count = 0; count < 5; count++) await patiently(once(client, 'ping'), () => 'no ping came');
    assert.equal(client.readyState, WebSocket.OPEN);
    assert.ok(seen(pulp).every(({ kind }) => kind === 'open'));
  });

  test('those that do not answer are dropped: 1006', async (t) => {
    const pulp = await startWsGuest(t, wsGuest(['/ws']), { options });
    const client = await RawWebSocket.open(t, pulp.port);
    assert.equal((await client.next())?.opcode, 9);
    assert.equal(await client.next(), undefined);
    await seenClose(pulp, { code: 1006, reason: '' });
  });

  test('those that send are not pinged', async (t) => {
    const pulp = await startWsGuest(t, wsGuest(['/ws']), { options: 'ping_interval_ms = 2000' });
    const client = await RawWebSocket.open(t, pulp.port);
    for (let count = 0; count < 40; count++) {
      client.text('here');
      assert.equal((await client.next())?.opcode, 1);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
});

suite('a plugin that breaks', { concurrency: 2 }, () => {
  test('its connections get 1012; the new instance hears nothing of them and takes new ones', async (t) => {
    const pulp = await startWsGuest(t);
    const clients = [await open(t, pulp, 'a'), await open(t, pulp, 'b')];
    clients[0]?.client.frame({ opcode: 2, payload: command.trap() });
    for (const { client } of clients) {
      assert.deepEqual(await client.close(), { code: 1012, reason: '' });
      client.send(closeFrame(1012));
      await client.closed;
    }
    await pulp.line('plugin restarted');
    const again = await open(t, pulp, 'c');
    again.client.text('hello');
    assert.equal(await again.client.message(), 'hello');
    await tell(again.client, command.send(wsSend(clients[1]?.id ?? 0, 1, 'x')));
    assert.deepEqual(await returned(pulp), [4]);
    assert.deepEqual(
      seen(pulp).map(({ kind, id }) => [kind, id]),
      [...clients, again].map(({ id }) => ['open', id]),
    );
  });

  test('messages that waited for it are not given to the new instance', async (t) => {
    const pulp = await startWsGuest(t);
    const { client } = await open(t, pulp, 'a');
    const other = await open(t, pulp, 'b');
    client.frame({ opcode: 2, payload: command.busy() });
    client.frame({ opcode: 2, payload: command.trap() });
    for (let count = 0; count < 2000; count++) other.client.text('waits');
    await other.client.close();
    await pulp.line('plugin restarted');
    const again = await open(t, pulp, 'c');
    again.client.text('first');
    assert.equal(await again.client.message(), 'first');
    assert.deepEqual(
      seen(pulp).map(({ kind }) => kind),
      ['open', 'open', 'open'],
    );
  });

  test('a client that does not answer the 1012 is dropped', async (t) => {
    const pulp = await startWsGuest(t);
    const { client } = await open(t, pulp, 'a');
    client.frame({ opcode: 2, payload: command.trap() });
    assert.equal((await client.close()).code, 1012);
    await client.closed;
  });

  test('one that may not be started again: its connections get 1001, and the host ends', async (t) => {
    const pulp = await startWsGuest(t, wsGuest(['/ws']), { manifest: 'restart = "never"' });
    const { client } = await open(t, pulp, 'a');
    client.frame({ opcode: 2, payload: command.trap() });
    assert.equal((await client.close()).code, 1001);
    client.send(closeFrame(1001));
    assert.equal((await pulp.end()).code, 1);
  });
});

/** What the guest has seen of the ends of connections, in a word each. */
function story(pulp: PulpProcess): readonly string[] {
  return seen(pulp).map((event) =>
    event.kind === 'open' ? `${event.resumed ? 'resumed' : 'open'} ${event.id}` : `close ${event.id}`,
  );
}

suite('connections with resume = true', { concurrency: 2 }, () => {
  const options = 'resume = true';

  test('outlive the instance that broke: the next one is told of each, and goes on with them', async (t) => {
    const pulp = await startWsGuest(t, wsGuest(['/ws']), { options });
    const [a, b] = [await open(t, pulp, 'a'), await open(t, pulp, 'b')];
    a.client.frame({ opcode: 2, payload: command.busy() });
    a.client.frame({ opcode: 2, payload: command.trap() });
    for (const text of ['one', 'two', 'three']) b.client.text(text);
    await pulp.line('plugin restarted');
    for (const text of ['one', 'two', 'three']) assert.equal(await b.client.message(), text);
    a.client.text('still here');
    assert.equal(await a.client.message(), 'still here');
    a.client.send(closeFrame(4001));
    await seenClose(pulp, { id: a.id, code: 4001 });
    assert.deepEqual(story(pulp).toSorted(), [
      `close ${a.id}`,
      `open ${a.id}`,
      `open ${b.id}`,
      `resumed ${a.id}`,
      `resumed ${b.id}`,
    ]);
  });

  test(
    'outlive a reload, and lose nothing of what is said meanwhile',
    {
      skip: process.platform === 'win32' && 'no SIGHUP',
    },
    async (t) => {
      const pulp = await startWsGuest(t, wsGuest(['/ws']), { options });
      const { client, id } = await open(t, pulp, 'a');
      for (let round = 0; round < 3; round++) {
        const texts = Array.from({ length: 200 }, (_, index) => `${round} ${index}`);
        pulp.signal('SIGHUP');
        for (const text of texts) {
          client.text(text);
          if (text.endsWith('0')) await new Promise((resolve) => setTimeout(resolve, 5));
        }
        for (const text of texts) assert.equal(await client.message(), text);
        await pulp.line('plugin reloaded', { instance: String(round + 2) });
      }
      client.send(closeFrame(1000));
      await seenClose(pulp, { id, code: 1000 });
      assert.deepEqual(story(pulp), [`open ${id}`, ...Array(3).fill(`resumed ${id}`), `close ${id}`]);
    },
  );
});

suite('the end of the host', { concurrency: 2 }, () => {
  test('clients get 1001, the plugin is told 1001 before its shutdown, exit code 0', async (t) => {
    const pulp = await startWsGuest(t);
    const clients = await Promise.all(['a', 'b', 'c'].map((name) => open(t, pulp, name)));
    const ended = pulp.stop();
    for (const { client } of clients) {
      assert.deepEqual(await client.close(), { code: 1001, reason: '' });
      client.send(closeFrame(1001));
      await client.closed;
    }
    assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
    for (const { id } of clients) await seenClose(pulp, { id, code: 1001, reason: '' });
    assert.equal(seen(pulp).length, 6);
    assert.equal(pulp.messages.at(-1), 'pulp exit clean');
  });

  test('with a step that runs and messages that wait: the plugin is told 1001 of those it knows', async (t) => {
    const pulp = await startWsGuest(t);
    const { client, id } = await open(t, pulp, 'known');
    // All but the first are taken back when the host stops.
    for (let count = 0; count < 10; count++) client.frame({ opcode: 2, payload: command.busy() });
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (let count = 0; count < 100; count++) client.text('waits');
    const late = await RawWebSocket.open(t, pulp.port, { path: '/ws?unknown' });
    const gone = await RawWebSocket.open(t, pulp.port, { path: '/ws?gone' });
    gone.drop();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const ended = pulp.stop();
    assert.equal((await late.close()).code, 1001);
    assert.equal((await client.close()).code, 1001);
    for (const each of [late, client]) each.finish();
    assert.equal((await ended).code, 0, pulp.dump());
    assert.deepEqual(
      seen(pulp).map((event) => [event.kind, event.id, event.kind === 'close' ? event.code : 0]),
      [
        ['open', id, 0],
        ['close', id, 1001],
      ],
    );
  });

  test('a close that the plugin has not seen yet keeps its code and reason', async (t) => {
    const pulp = await startWsGuest(t);
    const [busy, leaving] = [await open(t, pulp, 'busy'), await open(t, pulp, 'leaving')];
    for (let count = 0; count < 10; count++) busy.client.frame({ opcode: 2, payload: command.busy() });
    await new Promise((resolve) => setTimeout(resolve, 100));
    leaving.client.send(closeFrame(4444, 'bye'));
    await leaving.client.close();
    leaving.client.finish();
    await leaving.client.closed;
    // Who is let in later comes behind that close.
    const later = await RawWebSocket.open(t, pulp.port);
    const ended = pulp.stop();
    await later.close();
    later.finish();
    await busy.client.close();
    busy.client.finish();
    assert.equal((await ended).code, 0);
    await seenClose(pulp, { id: leaving.id, code: 4444, reason: 'bye' });
    await seenClose(pulp, { id: busy.id, code: 1001 });
  });

  test('clients that answer nothing and read nothing do not hold it up', async (t) => {
    const pulp = await startWsGuest(t);
    const silent = await open(t, pulp, 'silent');
    const begun = performance.now();
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
    assert.ok(performance.now() - begun < 6000, 'it waited for a client');
    await seenClose(pulp, { id: silent.id, code: 1001 });
  });
});
