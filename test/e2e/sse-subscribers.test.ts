import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { PulpProcess } from '../support/pulp-process.ts';
import { RawConnection, rawRequest } from '../support/raw-http.ts';
import { eventually, SseClient } from '../support/sse-client.ts';
import { emitMessage, messages, seen, startSse, tell } from '../support/sse-guest.ts';

const host = 'Host: test';

/** Opens a stream on a connection of its own, and does not look at what comes. */
async function subscribe(
  t: { after(end: () => unknown): void },
  { port }: PulpProcess,
): Promise<RawConnection> {
  const connection = await RawConnection.open(t, port);
  connection.head('GET /events HTTP/1.1', host);
  await eventually(
    () => Promise.resolve(connection.rest),
    (rest) => rest.includes('\r\n\r\n'),
  );
  return connection;
}

suite('many subscribers', () => {
  test('1,000 get each event exactly once, in order', async (t) => {
    const pulp = await startSse(t, { paths: ['/events'] });
    const clients: SseClient[] = [];
    while (clients.length < 1000) {
      const some = Array.from({ length: 100 }, () => SseClient.open(t, { port: pulp.port, path: '/events' }));
      clients.push(...(await Promise.all(some)));
    }
    const expected: string[] = [];
    // One at a time, then many in one step.
    for (const size of [1, 1, 1, 50, 1, 50]) {
      const list = Array.from({ length: size }, (_, index) => `${expected.length + index}`);
      expected.push(...list);
      assert.deepEqual(
        await tell(pulp, 'emits', messages(list.map((data) => emitMessage('/events', { id: data, data })))),
        [],
      );
    }
    for (const client of clients) {
      const events = await client.first(expected.length);
      assert.deepEqual(
        events.map(({ data }) => data),
        expected,
      );
      client.close();
    }
  });

  test('events of a plugin that emits as fast as it can arrive all, in order, however slowly they are read', async (t) => {
    const pulp = await startSse(t, { paths: ['/events'] }, { options: 'max_buffered_bytes = 50_000_000' });
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => SseClient.open(t, { port: pulp.port, path: '/events' })),
    );
    // 16 MiB for each, far more than what may wait for one.
    const count = 8192;
    const list = Array.from({ length: count }, (_, index) =>
      emitMessage('/events', { data: `${index}`.padEnd(2048, '.') }),
    );
    for (let at = 0; at < count; at += 2048) {
      assert.deepEqual(await tell(pulp, 'emits', messages(list.slice(at, at + 2048))), []);
    }
    for (const client of clients) {
      const events = await client.first(count);
      for (const [index, { data }] of events.entries()) {
        assert.ok(data === `${index}`.padEnd(2048, '.'), `event ${index} is another`);
      }
    }
    assert.ok(!pulp.messages.includes('sse subscribers dropped'), pulp.dump());
  });

  test('10,000 come and go, however they leave, and leave nothing behind', async (t) => {
    const pulp = await startSse(
      t,
      { paths: ['/events'] },
      { options: 'max_subscribers = 400\nevents = true' },
    );
    const wave = 200;
    for (let round = 0; round < 50; round++) {
      const connections = await Promise.all(Array.from({ length: wave }, () => subscribe(t, pulp)));
      for (const [index, connection] of connections.entries()) {
        assert.match(connection.rest, /^HTTP\/1\.1 200 /);
        if (index % 2 === 0) connection.drop();
        else connection.finish();
      }
      await Promise.all(connections.map(({ closed }) => closed));
    }
    // Each was told of once, coming and going.
    const notices = await eventually(
      () => seen(pulp),
      (list) => list.length === 2 * 50 * wave,
    );
    const here = new Set<number>();
    for (const { id, path } of notices) {
      if (path !== undefined) assert.ok(!here.has(id), `${id} came twice`);
      if (path === undefined) assert.ok(here.delete(id), `${id} left and was not there`);
      else here.add(id);
    }
    assert.equal(here.size, 0);
    assert.deepEqual(await tell(pulp, 'emit', emitMessage('/events', { data: 'x' })), [0]);
    assert.ok(!pulp.messages.includes('sse subscribers refused'), pulp.dump());
  });

  test('over max_subscribers get 503, which is logged; one that leaves makes room', async (t) => {
    const pulp = await startSse(t, { paths: ['/events'] }, { options: 'max_subscribers = 2' });
    const first = await subscribe(t, pulp);
    await subscribe(t, pulp);
    const refused = await rawRequest(t, pulp.port, { head: ['GET /events HTTP/1.1', host] });
    assert.equal(refused.status, 503);
    await pulp.line('sse subscribers refused', { plugin: 'guest', count: '1', max_subscribers: '2' });
    first.drop();
    await eventually(
      async () => (await subscribe(t, pulp)).rest,
      (rest) => rest.startsWith('HTTP/1.1 200'),
    );
  });

  test('for whom there is no room in the queue of a plugin that is told get 503', async (t) => {
    const pulp = await startSse(
      t,
      { paths: ['/events'], routes: { 'GET /loop': () => '(loop $again (br $again))' } },
      { options: 'events = true' },
    );
    const looping = await RawConnection.open(t, pulp.port);
    looping.head('GET /loop HTTP/1.1', host);
    await new Promise((resolve) => setTimeout(resolve, 200));
    let taken = 0;
    for (let round = 0; round < 11; round++) {
      const connections = await Promise.all(Array.from({ length: 100 }, () => subscribe(t, pulp)));
      for (const { rest } of connections) {
        if (rest.startsWith('HTTP/1.1 200 ')) taken += 1;
        else assert.match(rest, /^HTTP\/1\.1 503 .*\r\nRetry-After: 1\r\n/s);
      }
    }
    assert.equal(taken, 1023, 'the loop is in the queue, too');
  });
});

suite('a subscriber that does not read', () => {
  test('is dropped when too much waits for it, and nobody else notices', async (t) => {
    const pulp = await startSse(t, { paths: ['/events'] }, { options: 'max_buffered_bytes = 100_000' });
    const stalled = await Promise.all(Array.from({ length: 3 }, () => subscribe(t, pulp)));
    for (const connection of stalled) connection.pause();
    const reading = await SseClient.open(t, { port: pulp.port, path: '/events' });
    const data = 'x'.repeat(20_000);
    let emitted = 0;
    // The kernel takes some megabytes for each before anything waits.
    while (!pulp.messages.includes('sse subscribers dropped')) {
      assert.ok(emitted < 20_000, 'nobody was dropped');
      await tell(pulp, 'emits', messages(Array.from({ length: 50 }, () => emitMessage('/events', { data }))));
      emitted += 50;
    }
    const line = await pulp.line('sse subscribers dropped');
    assert.equal(line['max_buffered_bytes'], '100000');
    assert.ok((await reading.first(emitted)).every((event) => event.data === data));
    for (const connection of stalled) {
      connection.resume();
      await connection.closed;
    }
    const counted = pulp.lines
      .filter(({ msg }) => msg === 'sse subscribers dropped')
      .reduce((sum, { count }) => sum + Number(count), 0);
    assert.equal(counted, 3);
    await pulp.alive();
  });

  test('and says that it is done is gone at once, whatever it has not taken', async (t) => {
    const pulp = await startSse(
      t,
      { paths: ['/events'] },
      { options: 'max_buffered_bytes = 100_000_000\nmax_subscribers = 1' },
    );
    const stalled = await subscribe(t, pulp);
    stalled.pause();
    const data = 'x'.repeat(100_000);
    await tell(pulp, 'emits', messages(Array.from({ length: 100 }, () => emitMessage('/events', { data }))));
    stalled.finish();
    await eventually(
      async () => (await subscribe(t, pulp)).rest,
      (rest) => rest.startsWith('HTTP/1.1 200'),
    );
  });

  test('for a while gets what it missed when it reads again, in order', async (t) => {
    const pulp = await startSse(t, { paths: ['/events'] }, { options: 'max_buffered_bytes = 100_000_000' });
    const client = await SseClient.open(t, { port: pulp.port, path: '/events' });
    client.response.pause();
    const count = 1000;
    const list = Array.from({ length: count }, (_, index) =>
      emitMessage('/events', { data: `${index}`.padEnd(10_000, '.') }),
    );
    for (let at = 0; at < count; at += 500) await tell(pulp, 'emits', messages(list.slice(at, at + 500)));
    client.response.resume();
    const events = await client.first(count);
    for (const [index, { data }] of events.entries())
      assert.ok(data.startsWith(`${index}.`), `event ${index}`);
  });
});
