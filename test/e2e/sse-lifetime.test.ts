import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { patiently } from '../support/patiently.ts';
import { RawConnection } from '../support/raw-http.ts';
import { eventually, SseClient } from '../support/sse-client.ts';
import {
  emitMessage,
  messages,
  seen,
  sendMessage,
  sseRegister,
  startSse,
  tell,
} from '../support/sse-guest.ts';
import { all, busy, respond, text, trap, type Action } from '../support/wat-guest.ts';

/** Prints a line. */
function print(line: string): Action {
  const bytes = Buffer.from(`${line}\n`);
  return (data) => `(call $print ${data.add(bytes)})`;
}

suite('a plugin that is restarted', { concurrency: 2 }, () => {
  test('keeps its subscribers, who get the events of the new instance', async (t) => {
    const pulp = await startSse(t, { paths: ['/events'] });
    const stream = await SseClient.open(t, { port: pulp.port, path: '/events' });
    await tell(pulp, 'emit', emitMessage('/events', { data: 'before' }));
    for (const instance of ['2', '3']) {
      assert.equal((await fetch(`${pulp.url}/trap`)).status, 502);
      await pulp.line('plugin restarted', { instance });
      assert.deepEqual(await tell(pulp, 'emit', emitMessage('/events', { data: `of ${instance}` })), [0]);
    }
    assert.deepEqual(
      (await stream.first(3)).map(({ data }) => data),
      ['before', 'of 2', 'of 3'],
    );
  });

  test('is told again of each that stayed, under the same id, and can send to it', async (t) => {
    const pulp = await startSse(t, { paths: ['/events'] }, { options: 'events = true' });
    const [stays, leaves] = [
      await SseClient.open(t, { port: pulp.port, path: '/events?n=1' }),
      await SseClient.open(t, { port: pulp.port, path: '/events?n=2' }),
    ];
    const [first, second] = await eventually(
      () => seen(pulp),
      (list) => list.length === 2,
    );
    assert.ok(first && second);
    leaves.close();
    await eventually(
      () => seen(pulp),
      (list) => list.length === 3,
    );
    await fetch(`${pulp.url}/trap`);
    await pulp.line('plugin restarted', { instance: '2' });
    const again = await eventually(
      () => seen(pulp),
      (list) => list.length > 0,
    );
    assert.deepEqual(again, [first]);
    assert.deepEqual(await tell(pulp, 'send', sendMessage(first.id, { data: 'to you' })), [0]);
    assert.deepEqual(await tell(pulp, 'send', sendMessage(second.id, { data: 'to nobody' })), [4]);
    assert.equal((await stays.first(1))[0]?.data, 'to you');
    stays.close();
    const notices = await eventually(
      () => seen(pulp),
      (list) => list.length === 2,
    );
    assert.deepEqual(notices[1], { id: first.id });
  });

  test('is told of 2,000 that stayed, while its requests are served', async (t) => {
    const pulp = await startSse(t, { paths: ['/events'] }, { options: 'events = true' });
    const count = 2000;
    for (let opened = 0; opened < count; opened += 100) {
      await Promise.all(
        Array.from({ length: 100 }, () => SseClient.open(t, { port: pulp.port, path: '/events' })),
      );
    }
    await fetch(`${pulp.url}/trap`);
    await pulp.line('plugin restarted', { instance: '2' });
    await pulp.alive();
    const notices = await eventually(
      () => seen(pulp),
      (list) => list.length === count,
    );
    assert.equal(new Set(notices.map(({ id }) => id)).size, count);
  });

  test('drops the subscriber whose notice broke it, and is not broken by it again', async (t) => {
    // It breaks on its second subscriber: the memory in which it counts is new in each instance.
    const second = text(`
      (if (i32.eq (i32.load8_u offset=26 (local.get $at)) (i32.const 0xa8)) (then
        (i32.store (i32.const 1100) (i32.add (i32.load (i32.const 1100)) (i32.const 1)))
        (if (i32.eq (i32.load (i32.const 1100)) (i32.const 2)) (then (unreachable)))))`);
    const pulp = await startSse(t, { paths: ['/events'], first: second }, { options: 'events = true' });
    const good = await SseClient.open(t, { port: pulp.port, path: '/events' });
    await eventually(
      () => seen(pulp),
      (list) => list.length === 1,
    );
    const poison = await SseClient.open(t, { port: pulp.port, path: '/events' });
    assert.equal(await patiently(poison.ended, () => 'it was not dropped'), false);
    await pulp.line('plugin restarted', { instance: '2' });
    await eventually(
      () => seen(pulp),
      (list) => list.length === 1,
    );
    await tell(pulp, 'emit', emitMessage('/events', { data: 'x' }));
    await good.first(1);
    assert.equal(pulp.messages.filter((message) => message === 'plugin crashed').length, 1);
  });

  test('paths that the new instance does not claim again are gone, with their streams', async (t) => {
    // Registered in a step, so that no other instance has it.
    const pulp = await startSse(t, {
      paths: ['/events'],
      routes: { 'POST /claim': all(sseRegister('/once'), respond({ body: 'registered' })) },
    });
    await fetch(`${pulp.url}/claim`, { method: 'POST' });
    const [gone, stays] = [
      await SseClient.open(t, { port: pulp.port, path: '/once' }),
      await SseClient.open(t, { port: pulp.port, path: '/events' }),
    ];
    await fetch(`${pulp.url}/trap`);
    assert.equal(await patiently(gone.ended, () => 'the stream did not end'), true);
    assert.equal((await fetch(`${pulp.url}/once`)).status, 404);
    await tell(pulp, 'emit', emitMessage('/events', { data: 'x' }));
    await stays.first(1);
  });
});

suite('the end of the host', { concurrency: 2 }, () => {
  test('ends streams in order, behind what was emitted, with exit code 0', async (t) => {
    const pulp = await startSse(t, { paths: ['/events'] });
    const streams = await Promise.all(
      Array.from({ length: 50 }, () => SseClient.open(t, { port: pulp.port, path: '/events' })),
    );
    await tell(pulp, 'emit', emitMessage('/events', { data: 'last' }));
    assert.deepEqual(await pulp.stop(), { code: 0, signal: null, stderr: '' }, pulp.dump());
    for (const stream of streams) {
      assert.equal(await stream.ended, true);
      assert.deepEqual(
        stream.events.map(({ data }) => data),
        ['last'],
      );
    }
  });

  test('the plugin is told of the end of each before its shutdown', async (t) => {
    // It prints a line for each that leaves, and for its shutdown.
    const left = print('left');
    const pulp = await startSse(
      t,
      {
        paths: ['/events'],
        imports: `(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))`,
        first: (data) =>
          `(if (i32.eq (i32.load8_u offset=26 (local.get $at)) (i32.const 0xa9)) (then ${left(data)}))`,
        shutdown: print('shutdown'),
        fields: `(func $print (param $from i32) (param $length i32)
          (i32.store (i32.const 1100) (local.get $from))
          (i32.store (i32.const 1104) (local.get $length))
          (drop (call $fd_write (i32.const 1) (i32.const 1100) (i32.const 1) (i32.const 1108))))`,
      },
      { options: 'events = true' },
    );
    // More than are told of in turns while it runs.
    const count = 200;
    await Promise.all(
      Array.from({ length: count }, () => SseClient.open(t, { port: pulp.port, path: '/events' })),
    );
    await eventually(
      () => seen(pulp),
      (list) => list.length === count,
    );
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
    const printed = pulp.lines.filter(({ stream }) => stream === 'stdout').map(({ msg }) => msg);
    assert.deepEqual(printed, [...Array.from({ length: count }, () => 'left'), 'shutdown']);
  });

  test('is not held up by subscribers that do not read', async (t) => {
    const pulp = await startSse(
      t,
      { paths: ['/events'] },
      { options: 'max_buffered_bytes = 100_000_000', args: ['-drain-timeout', '5s'] },
    );
    const stalled = await RawConnection.open(t, pulp.port);
    stalled.head('GET /events HTTP/1.1', 'Host: test');
    await eventually(
      () => Promise.resolve(stalled.rest),
      (rest) => rest.includes('\r\n\r\n'),
    );
    stalled.pause();
    const data = 'x'.repeat(100_000);
    await tell(pulp, 'emits', messages(Array.from({ length: 100 }, () => emitMessage('/events', { data }))));
    assert.deepEqual(await pulp.stop(), { code: 0, signal: null, stderr: '' }, pulp.dump());
  });

  test('streams end while a step still runs', async (t) => {
    const pulp = await startSse(t, {
      paths: ['/events'],
      routes: { 'GET /busy': all(busy(1000), respond({ body: 'done' })) },
    });
    const stream = await SseClient.open(t, { port: pulp.port, path: '/events' });
    const running = fetch(`${pulp.url}/busy`);
    await new Promise((resolve) => setTimeout(resolve, 200));
    pulp.signal('SIGTERM');
    assert.equal(await stream.ended, true);
    assert.equal(await (await running).text(), 'done');
    assert.equal((await pulp.end()).code, 0, pulp.dump());
  });

  test('comes to a plugin that may not be started again, and its streams end', async (t) => {
    const pulp = await startSse(t, { paths: ['/events'] }, { manifest: 'restart = "never"' });
    const stream = await SseClient.open(t, { port: pulp.port, path: '/events' });
    await fetch(`${pulp.url}/trap`).catch(() => undefined);
    await stream.ended;
    assert.equal((await pulp.end()).code, 1, pulp.dump());
  });
});

test('a plugin whose step for a notice traps is started again', async (t) => {
  const pulp = await startSse(
    t,
    {
      paths: ['/events'],
      first: (data) =>
        `(if (i32.eq (i32.load8_u offset=26 (local.get $at)) (i32.const 0xa9)) (then ${trap()(data)}))`,
    },
    { options: 'events = true' },
  );
  const stream = await SseClient.open(t, { port: pulp.port, path: '/events' });
  await eventually(
    () => seen(pulp),
    (list) => list.length === 1,
  );
  stream.close();
  await pulp.line('plugin restarted', { instance: '2' });
  assert.deepEqual(await seen(pulp), [], 'nobody is there any more');
});
