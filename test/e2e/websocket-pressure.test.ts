/** More than one side can take: nothing is lost, and nothing grows without end. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { closeFrame, frame, RawWebSocket } from '../support/raw-websocket.ts';
import { command, eventually, seen, seenClose, startWsGuest, wsGuest } from '../support/ws-guest.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The payload of a ping, as long as one may be. */
const payload = (index: number): string => String(index).padStart(125, '.');

suite('a plugin that is slower than its clients', { concurrency: 2 }, () => {
  test('every message arrives, in its order, from every connection', async (t) => {
    const pulp = await startWsGuest(t);
    const clients = await Promise.all(Array.from({ length: 5 }, () => RawWebSocket.open(t, pulp.port)));
    const each = 3000;
    clients[0]?.frame({ opcode: 2, payload: command.busy() });
    for (const [number, client] of clients.entries()) {
      const frames = Array.from({ length: each }, (_, index) =>
        frame({ opcode: 1, payload: `${number} ${index}` }),
      );
      client.send(Buffer.concat(frames));
    }
    await Promise.all(
      clients.map(async (client, number) => {
        for (let index = 0; index < each; index++) assert.equal(await client.message(), `${number} ${index}`);
      }),
    );
  });

  test('a close behind messages that wait comes last, with its code', async (t) => {
    const pulp = await startWsGuest(t);
    const busy = await RawWebSocket.open(t, pulp.port);
    busy.frame({ opcode: 2, payload: command.busy() });
    await pause(100);
    const client = await RawWebSocket.open(t, pulp.port);
    const frames = Array.from({ length: 3000 }, () => frame({ opcode: 1, payload: 'waits' }));
    client.send(Buffer.concat([...frames, closeFrame(4567, 'last')]));
    await seenClose(pulp, { code: 4567, reason: 'last' });
    busy.text('still there');
    assert.equal(await busy.message(), 'still there');
  });

  test('clients of a plugin that is stuck are not read without end', async (t) => {
    const pulp = await startWsGuest(t, wsGuest(['/ws']), { args: ['-drain-timeout', '100ms'] });
    const client = await RawWebSocket.open(t, pulp.port);
    client.frame({ opcode: 2, payload: command.loop() });
    const message = frame({ opcode: 2, payload: Buffer.alloc(1_000_000) });
    for (let count = 0; count < 200; count++) client.send(message);
    let left = -1;
    while (left !== client.unsent) {
      left = client.unsent;
      await pause(500);
    }
    // The queue holds 64 MiB, the connection a message or two, the system a few more.
    assert.ok(left > 100_000_000, `only ${left} bytes were left`);
    assert.ok(!client.over, 'the connection was closed');
  });

  test('one connection that says much does not keep the others from being heard', async (t) => {
    const pulp = await startWsGuest(t);
    const loud = await RawWebSocket.open(t, pulp.port);
    const quiet = await RawWebSocket.open(t, pulp.port);
    loud.frame({ opcode: 2, payload: command.busy() });
    const frames = Buffer.concat(Array.from({ length: 10_000 }, () => frame({ opcode: 1, payload: 'loud' })));
    loud.send(frames);
    await pause(200);
    quiet.text('quiet');
    let loudMessages = 0;
    const counting = (async () => {
      for (; loudMessages < 10_000; loudMessages++) await loud.message();
    })();
    assert.equal(await quiet.message(), 'quiet');
    assert.ok(loudMessages < 9_000, `${loudMessages} came first`);
    await counting;
  });
});

suite('a client that is slower than its plugin', { concurrency: 2 }, () => {
  test('one that never reads is closed with 1013, and the others are served', async (t) => {
    const pulp = await startWsGuest(t);
    const reads = await RawWebSocket.open(t, pulp.port);
    const never = await RawWebSocket.open(t, pulp.port, { path: '/ws?never' });
    never.pause();
    never.frame({ opcode: 2, payload: command.repeat(2000, 50_000) });
    await pulp.line('websocket clients too slow', { count: '1', max_buffered_bytes: '1048576' });
    reads.text('hello');
    assert.equal(await reads.message(), 'hello');
    // It is dropped 5 s later.
    const opened = seen(pulp).find((event) => event.kind === 'open' && 'never' in event.query);
    await seenClose(pulp, { id: opened?.id ?? 0, code: 1013, reason: '' });
  });

  test('many that leave less each, and too much together: the last are dropped, and the others are served', async (t) => {
    const pulp = await startWsGuest(t, wsGuest(['/ws']), { options: 'max_buffered_bytes = 16_000_000' });
    const clients = await Promise.all(Array.from({ length: 12 }, () => RawWebSocket.open(t, pulp.port)));
    for (const client of clients) {
      client.pause();
      // Some of the 15 MB go into the buffers of the system.
      client.frame({ opcode: 2, payload: command.repeat(15, 1_000_000) });
    }
    const { count } = await pulp.line('websocket clients too slow', { max_buffered_bytes: '16000000' });
    assert.ok(Number(count) >= 1 && Number(count) < 12, `${count} were dropped`);
    const reads = await RawWebSocket.open(t, pulp.port);
    reads.text('hello');
    assert.equal(await reads.message(), 'hello');
  });

  test('one that reads late gets what was sent before, whole, and then 1013', async (t) => {
    const pulp = await startWsGuest(t);
    const client = await RawWebSocket.open(t, pulp.port);
    client.pause();
    client.frame({ opcode: 2, payload: command.repeat(1000, 30_000) });
    await pulp.line('websocket clients too slow');
    client.resume();
    let messages = 0;
    let next = await client.next();
    for (; next?.opcode === 2; next = await client.next()) {
      messages += 1;
      assert.equal(next.payload.length, 30_000);
    }
    assert.ok(messages > 0 && messages < 1000);
    assert.equal(next?.payload.readUInt16BE(0), 1013);
    client.send(closeFrame(1013));
    await client.closed;
    await seenClose(pulp, { code: 1013 });
  });

  test('one that reads slowly gets everything while it stays within max_buffered_bytes', async (t) => {
    const pulp = await startWsGuest(t, wsGuest(['/ws']), { options: 'max_buffered_bytes = 100_000_000' });
    const client = await RawWebSocket.open(t, pulp.port);
    client.pause();
    client.frame({ opcode: 2, payload: command.repeat(1000, 40_000) });
    client.text('last');
    await pause(500);
    client.resume();
    for (let count = 0; count < 1000; count++) assert.equal((await client.message()).length, 40_000);
    assert.equal(await client.message(), 'last');
  });

  test('one message always fits, and many at once to a client that reads', async (t) => {
    const pulp = await startWsGuest(t, wsGuest(['/ws']), {
      options: 'max_buffered_bytes = 1024\nmax_message_bytes = 8_000_000',
    });
    const client = await RawWebSocket.open(t, pulp.port);
    client.frame({ opcode: 1, payload: 'x'.repeat(5_000_000) });
    assert.equal((await client.message()).length, 5_000_000);
    client.frame({ opcode: 2, payload: command.repeat(5, 900) });
    for (let count = 0; count < 5; count++) assert.equal((await client.message()).length, 900);
  });

  test('one that floods with pings and reads nothing: its last ping is answered, not all', async (t) => {
    const pulp = await startWsGuest(t);
    const client = await RawWebSocket.open(t, pulp.port);
    client.pause();
    const count = 300_000;
    for (let index = 0; index < count; index += 1000) {
      const pings = Array.from({ length: 1000 }, (_, place) =>
        frame({ opcode: 9, payload: payload(index + place) }),
      );
      client.send(Buffer.concat(pings));
    }
    await eventually(
      () => (client.unsent === 0 ? true : undefined),
      () => `${client.unsent} bytes were not taken`,
    );
    const other = await RawWebSocket.open(t, pulp.port);
    other.text('hello');
    assert.equal(await other.message(), 'hello');
    client.resume();
    let pongs = 0;
    let last = '';
    while (last !== payload(count - 1)) {
      const pong = await client.next();
      assert.equal(pong?.opcode, 10);
      last = pong.payload.toString();
      pongs += 1;
    }
    assert.ok(pongs < count / 2, `${pongs} pongs were kept`);
    client.text('still there');
    assert.equal(await client.message(), 'still there');
  });
});

test('max_message_bytes: one byte more closes with 1009', async (t) => {
  const pulp = await startWsGuest(t, wsGuest(['/ws']), { options: 'max_message_bytes = 10' });
  const client = await RawWebSocket.open(t, pulp.port);
  client.text('x'.repeat(10));
  assert.equal(await client.message(), 'x'.repeat(10));
  client.text('x'.repeat(11));
  assert.equal((await client.close()).code, 1009);
});
