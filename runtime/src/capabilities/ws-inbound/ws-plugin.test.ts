import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { suite, test } from 'node:test';
import { closeFrame, frame } from '../../../../test/support/raw-websocket.ts';
import { Budget } from '../../edge/budget.ts';
import { Effect, encodeFarewell, encodePath } from './wire.ts';
import { made, options, Queue, settled, upgrade } from './ws-plugin-under-test.suite.ts';
import { maxPaths, WsPlugin } from './ws-plugin.ts';

const text = (payload: string): Buffer => frame({ opcode: 1, payload });

suite('what a plugin is told', () => {
  test('the beginning, the messages and the end of a connection, each once', async (t) => {
    const { port, connect } = made(t);
    const client = await connect();
    await client.send(text('a'), text('b'), closeFrame(4000));
    assert.equal(client.code(), 4000);
    await settled();
    assert.deepEqual(await port.finish(), ['open 1 /ws', 'frame 1 a', 'frame 1 b', 'close 1 4000']);
    assert.deepEqual(await port.finish(), []);
  });

  test('everything in its order when the queue is full most of the time', async (t) => {
    const { port, connect, held } = made(t);
    port.room = 1;
    const client = await connect();
    await client.send(text('a'), text('b'), text('c'), closeFrame(4000));
    const seen: unknown[] = [];
    for (let turn = 0; turn < 6; turn++) seen.push(...(await port.finish()));
    assert.deepEqual(seen, ['open 1 /ws', 'frame 1 a', 'frame 1 b', 'frame 1 c', 'close 1 4000']);
    assert.equal(held.used, 0);
  });

  test('nothing is read from a connection whose messages wait', async (t) => {
    const { port, connect, held } = made(t);
    port.room = 1;
    const client = await connect();
    await client.send(text('a'));
    const before = held.used;
    await client.send(text('b'));
    await client.send(text('c'));
    assert.equal(held.used, before);
    const seen: unknown[] = [];
    for (let turn = 0; turn < 5; turn++) seen.push(...(await port.finish()));
    assert.deepEqual(seen, ['open 1 /ws', 'frame 1 a', 'frame 1 b', 'frame 1 c']);
  });

  test('the end of a connection whose beginning still waits', async (t) => {
    const { port, connect } = made(t);
    port.room = 0;
    const client = await connect();
    await client.drop();
    port.room = 9;
    await port.finish();
    assert.deepEqual(await port.finish(), ['open 1 /ws', 'close 1 1006']);
  });
});

/** The status that an upgrade gets. */
async function answer(plugin: WsPlugin): Promise<string> {
  const { incoming, sent } = upgrade();
  plugin.accept(incoming, '/ws', duplexPair()[0], Buffer.alloc(0));
  await settled();
  return sent();
}

async function status(plugin: WsPlugin): Promise<string> {
  return (await answer(plugin)).slice(9, 12);
}

suite('upgrades that are refused', () => {
  test('503 while the plugin is down, and while others wait for room in its queue', async (t) => {
    const { plugin, port, connect } = made(t);
    port.up = false;
    assert.match(await answer(plugin), /^HTTP\/1\.1 503 [^]*\r\nRetry-After: 7\r\n/);
    port.up = true;
    port.room = 0;
    await connect();
    assert.equal(await status(plugin), '503');
    port.room = 9;
    await port.finish();
    await connect();
  });

  test('a connection counts until the plugin knows that it is over', async (t) => {
    const { plugin, port, connect } = made(t, { max_connections: 1 });
    const client = await connect();
    await client.drop();
    assert.equal(await status(plugin), '503');
    await port.finish();
    await connect();
  });
});

suite('a new instance', () => {
  test('hears nothing of the connections before it, which get 1012', async (t) => {
    const { ready, next, port, connect, held } = made(t);
    const clients = [await connect(), await connect()];
    await port.finish();
    port.room = 1;
    for (const client of clients)
      await client.send(text('queued'), text('held'), frame({ opcode: 1, fin: false, payload: 'x' }));
    assert.ok(held.used > 0);
    await port.finish('undelivered');
    port.events = [];
    port.room = 100;
    next();
    await settled();
    for (const client of clients) {
      assert.equal(client.code(), 1012);
      await client.send(text('late'), closeFrame(1012));
    }
    await port.finish();
    assert.deepEqual([port.events, held.used], [[], 0]);
    ready();
    const client = await connect();
    await client.send(text('new'));
    assert.deepEqual(port.seen(), ['open 3 /ws', 'frame 3 new']);
  });

  test('does not hear of an end either that nobody has told the one before', async (t) => {
    const { next, port, connect } = made(t, { max_connections: 1 });
    const client = await connect();
    await port.finish();
    await client.drop();
    await port.finish('undelivered');
    next();
    await settled();
    assert.deepEqual(await port.finish(), []);
    await connect();
  });

  test('has the paths that it claims, others are gone when its init is over', async (t) => {
    const { ready, next, effect, edge } = made(t);
    const claim = (path: string): number => effect(Effect.register, encodePath(path), 0);
    for (const path of ['/a', '/b', '/a']) assert.equal(claim(path), 0);
    next();
    assert.equal(claim('/b'), 0);
    assert.deepEqual([...edge.paths.keys()], ['/a', '/b']);
    ready();
    assert.deepEqual([...edge.paths.keys()], ['/b']);
  });

  test('what an instance claims that never gets ready is gone with it', (t) => {
    const { ready, next, effect, edge } = made(t);
    const claim = (path: string): number => effect(Effect.register, encodePath(path), 0);
    next();
    claim('/kept');
    ready();
    claim('/later');
    next();
    claim('/lost');
    next();
    assert.deepEqual([...edge.paths.keys()], ['/kept', '/later']);
  });

  test('a path belongs to one plugin, and a plugin has so many of them', (t) => {
    const { effect, edge, logs } = made(t);
    const other = new WsPlugin(new Queue(options(), 'another'), edge);
    other.attached(1);
    assert.equal(effect(Effect.register, encodePath('/a'), 0), 0);
    assert.equal(other.effect(Effect.register, encodePath('/a'), 0, 1), 4);
    for (let index = 1; index < maxPaths; index++) {
      assert.equal(effect(Effect.register, encodePath(`/${index}`), 0), 0);
    }
    assert.equal(effect(Effect.register, encodePath('/more'), 0), 4);
    assert.equal(logs.filter((line) => line.startsWith('ws route refused')).length, 2);
  });
});

suite('the end of the host', () => {
  test('each connection that the plugin knows ends once for it, with 1001 or as it ended before', async (t) => {
    const { plugin, port, connect } = made(t);
    const [open, left, gone] = [await connect(), await connect(), await connect()];
    await port.finish();
    await left.send(closeFrame(4000));
    await gone.drop();
    const news = await connect();
    // The end of the second is in the hands of the plugin, all else is taken back.
    for (const event of port.events.slice(1)) event.done?.('undelivered');
    port.events = port.events.slice(0, 1);
    plugin.draining();
    plugin.closed();
    await settled();
    assert.deepEqual(port.seen(), ['close 2 4000', 'close 1 1001', 'close 3 1006']);
    assert.deepEqual([open.code(), news.code()], [1001, 1001]);
    port.up = false;
    await port.finish();
    await port.scope.disposeAsync();
  });

  test('what waits for room is not told any more, but for ends', async (t) => {
    const { plugin, port, connect, held } = made(t);
    const client = await connect();
    await port.finish();
    port.room = 1;
    await client.send(text('queued'), text('held'), closeFrame(4001));
    for (const event of port.events) event.done?.('undelivered');
    port.events = [];
    port.room = 9;
    plugin.draining();
    assert.deepEqual([port.seen(), held.used], [['close 1 4001'], 0]);
  });

  test('sockets that are left are dropped', async (t) => {
    const { plugin, port, connect } = made(t);
    const client = await connect();
    plugin.closed();
    await settled();
    assert.equal(client.code(), 1001);
    assert.ok(!client.ended);
    await port.scope.disposeAsync();
    await settled();
    assert.ok(client.ended);
  });
});

suite('memory', () => {
  test('a message that there is none for closes its connection with 1013, and no other', async (t) => {
    const { port, connect, held, logs } = made(t, {}, new Budget(10_000));
    const [one, two] = [await connect(), await connect()];
    await one.send(frame({ opcode: 1, fin: false, payload: 'x'.repeat(9000) }));
    await two.send(frame({ opcode: 1, fin: false, payload: 'x'.repeat(9000) }));
    assert.equal(two.code(), 1013);
    await two.send(closeFrame(1013));
    await one.send(frame({ opcode: 0, payload: 'y' }));
    assert.ok(held.used < 10);
    assert.deepEqual(
      (await port.finish()).map((seen) => String(seen).slice(0, 12)),
      ['open 1 /ws', 'open 2 /ws', 'close 2 1013', 'frame 1 xxxx'],
    );
    await port.scope.disposeAsync();
    assert.deepEqual(logs, ['websocket messages over memory {"plugin":"guest","count":1}']);
  });

  test('messages that wait count as well', async (t) => {
    const { port, connect, held } = made(t, {}, new Budget(2000));
    const client = await connect();
    port.room = 0;
    await client.send(...Array.from({ length: 10 }, () => text('waits')));
    assert.equal(client.code(), 1013);
    assert.ok(held.used > 0);
    await client.send(closeFrame(1013));
    port.room = 100;
    await port.finish();
    const seen = await port.finish();
    assert.equal(seen.at(-1), 'close 1 1013');
    assert.ok(seen.length > 3 && seen.length < 10);
    assert.equal(held.used, 0);
  });

  test('a connection whose beginning there is none for is closed, and the plugin never hears of it', async (t) => {
    const { port, connect } = made(t, {}, new Budget(10));
    port.room = 0;
    const client = await connect();
    assert.equal(client.code(), 1013);
    port.room = 9;
    await client.send(closeFrame(1013));
    await port.finish();
    assert.deepEqual(await port.finish(), []);
  });
});

suite('paths over a reload', () => {
  test('those of the instance that starts come into force when it is ready', (t) => {
    const { plugin, edge } = made(t);
    plugin.effect(Effect.register, encodePath('/old'), 0, 1);
    plugin.attached(2);
    plugin.effect(Effect.register, encodePath('/new'), 0, 2);
    assert.deepEqual([...edge.paths.keys()], ['/old']);
    plugin.entered(2);
    plugin.ready(2);
    assert.deepEqual([...edge.paths.keys()], ['/new']);
    plugin.detached(1);
    assert.equal(plugin.effect(Effect.register, encodePath('/late'), 0, 1), 4);
  });

  test('a plugin whose options are others has the path from then on, for good', async (t) => {
    const { plugin, edge } = made(t);
    plugin.effect(Effect.register, encodePath('/a'), 0, 1);
    const port = new Queue(options({ max_message_bytes: 10 }));
    const other = new WsPlugin(port, edge);
    other.attached(2);
    assert.equal(other.effect(Effect.register, encodePath('/a'), 0, 2), 0);
    assert.equal(edge.paths.get('/a'), plugin);
    other.entered(2);
    other.ready(2);
    plugin.closed();
    plugin.detached(1);
    assert.equal(edge.paths.get('/a'), other);
    await port.scope.disposeAsync();
  });
});

suite('what the plugin sends', () => {
  test('effects for connections that are over, or of none, do nothing', async (t) => {
    const { effect, connect } = made(t);
    const client = await connect();
    await client.drop();
    for (const id of [0, 1, 99]) {
      assert.equal(effect(Effect.text, Buffer.from('x'), id), 0);
      assert.equal(effect(Effect.close, encodeFarewell(1000, ''), id), 0);
    }
  });

  test('a close comes behind the messages before it', async (t) => {
    const { effect, connect } = made(t);
    const client = await connect();
    effect(Effect.text, Buffer.from('a'), 1);
    effect(Effect.binary, Buffer.from('b'), 1);
    effect(Effect.close, encodeFarewell(4000, 'end'), 1);
    effect(Effect.text, Buffer.from('late'), 1);
    await settled();
    assert.deepEqual(
      client.frames().map(({ opcode, payload }) => [opcode, payload.toString('latin1')]),
      [
        [1, 'a'],
        [2, 'b'],
        [8, '\x0f\xa0end'],
      ],
    );
  });
});
