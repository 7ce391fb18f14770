/** Connections that outlive the instance that was told of them. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { closeFrame, frame } from '../../../../test/support/raw-websocket.ts';
import { Effect } from './wire.ts';
import { made, settled } from './ws-plugin-under-test.suite.ts';

const text = (payload: string): Buffer => frame({ opcode: 1, payload });

suite('connections that outlive their instance', () => {
  test('the next one is told of each first, and then of what the one before was not, in the order of each', async (t) => {
    const { next, ready, effect, port, connect, held } = made(t, { resume: true });
    const [one, two] = [await connect(), await connect()];
    await port.finish();
    port.room = 3;
    await one.send(text('a'), text('b'));
    await two.send(text('c'));
    await one.send(text('d'));
    port.room = 0;
    await port.finish('undelivered');
    await one.send(text('e'));
    port.room = 100;
    next();
    await settled();
    assert.deepEqual(await port.finish(), [
      'open 1 /ws resumed',
      'open 2 /ws resumed',
      'frame 1 a',
      // Connections take turns.
      'frame 2 c',
      'frame 1 b',
      'frame 1 d',
      // It was not read before there was room.
      'frame 1 e',
    ]);
    ready();
    effect(Effect.text, Buffer.from('hello'), 2);
    await two.send(text('f'));
    assert.deepEqual(await port.finish(), ['frame 2 f']);
    assert.equal(two.frames()[0]?.payload.toString(), 'hello');
    await one.drop();
    assert.deepEqual(await port.finish(), ['close 1 1006']);
    assert.equal(held.used, 0);
  });

  test('of each before any message, also of those that came while there was no instance', async (t) => {
    const { next, port, connect, held } = made(t, { resume: true });
    const clients = [await connect(), await connect(), await connect()];
    await port.finish();
    port.up = false;
    for (const [index, client] of clients.entries()) await client.send(text(`${index} waits`));
    port.up = true;
    next();
    await settled();
    const opens = [1, 2, 3].map((id) => `open ${id} /ws resumed`);
    assert.deepEqual(await port.finish(), [
      ...opens,
      'frame 1 0 waits',
      'frame 2 1 waits',
      'frame 3 2 waits',
    ]);
    assert.equal(held.used, 0);
    // The queue takes none, as with the memory of all plugins used up: the order within a connection stays.
    port.up = false;
    for (const client of clients) await client.send(text('late'));
    next();
    port.up = true;
    await port.finish();
    await settled();
    assert.deepEqual(await port.finish(), [...opens, 'frame 1 late', 'frame 2 late', 'frame 3 late']);
  });

  test('what came while there was none stays behind what the one before was not told, on each connection', async (t) => {
    const { next, port, connect, held } = made(t, { resume: true });
    const clients = [await connect(), await connect(), await connect()];
    await port.finish();
    for (const client of clients) await client.send(text('first'));
    port.up = false;
    await port.finish('undelivered');
    for (const client of clients) await client.send(text('second'));
    port.up = true;
    next();
    await settled();
    const seen = await port.finish();
    for (const id of [1, 2, 3]) {
      assert.deepEqual(
        seen.filter((line) => String(line).startsWith(`frame ${id} `)),
        [`frame ${id} first`, `frame ${id} second`],
      );
    }
    assert.equal(held.used, 0);
  });

  test('of each before any message, also behind one that broke before it was told', async (t) => {
    const { next, port, connect, held } = made(t, { resume: true });
    const clients = [await connect(), await connect()];
    await port.finish();
    for (let broken = 0; broken < 2; broken++) {
      next();
      for (const client of clients) await client.send(text(`${broken}`));
      await port.finish('undelivered');
    }
    next();
    await settled();
    assert.deepEqual(await port.finish(), [
      'open 1 /ws resumed',
      'open 2 /ws resumed',
      'frame 1 0',
      'frame 2 0',
      'frame 1 1',
      'frame 2 1',
    ]);
    assert.equal(held.used, 0);
  });

  test('of one that ends meanwhile, when it has said what no instance has heard', async (t) => {
    const { next, port, connect, held } = made(t, { resume: true, max_connections: 2 });
    const [queued, waits] = [await connect(), await connect()];
    await port.finish();
    await queued.send(text('order'), closeFrame(4000));
    await port.finish('undelivered');
    port.up = false;
    await waits.send(text('late'), closeFrame(4001));
    port.up = true;
    next();
    await settled();
    assert.deepEqual(await port.finish(), [
      'open 1 /ws resumed',
      'open 2 /ws resumed',
      // Connections take turns.
      'frame 2 late',
      'frame 1 order',
      'close 2 4001',
      'close 1 4000',
    ]);
    assert.equal(held.used, 0);
    await connect();
    await connect();
  });

  test('one that no instance was told of yet begins as any other', async (t) => {
    const { next, port, connect } = made(t, { resume: true });
    const client = await connect();
    await client.send(text('a'));
    await port.finish('undelivered');
    next();
    await settled();
    assert.deepEqual(await port.finish(), ['open 1 /ws', 'frame 1 a']);
  });

  test('one that ends while no instance is there is none of the business of the next', async (t) => {
    const { next, port, connect } = made(t, { resume: true, max_connections: 1 });
    const client = await connect();
    await port.finish();
    await client.drop();
    await port.finish('undelivered');
    next();
    await settled();
    assert.deepEqual(await port.finish(), []);
    await connect();
  });

  test('one whose beginning breaks the plugin closes with 1011, and the next hears nothing of it', async (t) => {
    const { next, port, connect } = made(t, { resume: true });
    const client = await connect();
    await port.finish('broken');
    assert.equal(client.code(), 1011);
    next();
    await settled();
    assert.deepEqual(await port.finish(), []);
  });

  test('the message that broke the plugin is not told again', async (t) => {
    const { next, port, connect } = made(t, { resume: true });
    const client = await connect();
    await port.finish();
    await client.send(text('poison'));
    await port.finish('broken');
    next();
    await settled();
    assert.deepEqual(await port.finish(), ['open 1 /ws resumed']);
  });

  test('what an instance that was replaced has in hand comes before what its successor is told', async (t) => {
    const outcomes = ['done', 'broken', 'overdue'] as const;
    for (const outcome of outcomes) {
      const { next, port, connect, held } = made(t, { resume: true });
      const [slow, other] = [await connect(), await connect()];
      await port.finish();
      await slow.send(text('in hand'), text('taken back'));
      await other.send(text('of another'));
      const inHand = port.events.shift();
      await port.finish('undelivered');
      next();
      await slow.send(text('later'));
      const opens = ['open 1 /ws resumed', 'open 2 /ws resumed'];
      assert.deepEqual(await port.finish(), [...opens, 'frame 2 of another']);
      // Over the next reload, too.
      next();
      await other.send(text('and again'));
      assert.deepEqual(await port.finish(), [...opens, 'frame 2 and again']);
      assert.ok(held.used > 0);
      inHand?.done?.(outcome);
      await settled();
      assert.deepEqual(await port.finish(), ['frame 1 taken back', 'frame 1 later']);
      await slow.send(text('as ever'));
      assert.deepEqual(await port.finish(), ['frame 1 as ever']);
      assert.equal(held.used, 0);
    }
  });

  test('one whose message is in hand, and that ends: its end is told behind that, and nothing is kept', async (t) => {
    const { next, port, connect, held } = made(t, { resume: true, max_connections: 1 });
    const client = await connect();
    await port.finish();
    await client.send(text('in hand'));
    const inHand = port.events.shift();
    next();
    await client.send(text('later'), closeFrame(4000));
    assert.deepEqual(await port.finish(), ['open 1 /ws resumed']);
    inHand?.done?.('done');
    await settled();
    assert.deepEqual([await port.finish(), await port.finish()].flat(), ['frame 1 later', 'close 1 4000']);
    assert.equal(held.used, 0);
    await connect();
  });

  test('one whose message is in hand as the host stops is told of its end, once', async (t) => {
    const { plugin, next, port, connect, held } = made(t, { resume: true });
    const client = await connect();
    await port.finish();
    await client.send(text('in hand'));
    const inHand = port.events.shift();
    next();
    await client.send(text('later'));
    plugin.draining();
    plugin.closed();
    await settled();
    assert.deepEqual(await port.finish(), ['open 1 /ws resumed', 'close 1 1001']);
    inHand?.done?.('done');
    await settled();
    assert.deepEqual([port.seen(), held.used, client.code()], [[], 0, 1001]);
  });
});
