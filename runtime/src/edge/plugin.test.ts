import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Event } from '../ext.ts';
import type { TakenEvent } from '../link/link.ts';
import { Budget } from './budget.ts';
import { count, type EndUnderTest, event, mebibyte, plugin, step } from './plugin-under-test.suite.ts';

suite('EdgePlugin: its queue', () => {
  test('takes 1,024 events, and more as they are finished', async (t) => {
    const { edge, port, instance, pushes } = await plugin(t, [{}]);
    const outcomes: string[] = [];
    const thread = instance();
    for (const id of count(1, 1024)) assert.equal(port.push(event(id, outcomes)), true);
    assert.equal(port.push(event(1025, outcomes)), false);
    assert.equal(edge.unfinished, 1024);
    assert.equal(pushes(), 1024);
    assert.deepEqual(step(thread, 3), [1, 2, 3]);
    assert.equal(port.push(event(1025, outcomes)), false, 'what was not drained is not finished');
    edge.drain();
    assert.deepEqual(outcomes, ['1 done', '2 done', '3 done']);
    for (const id of count(1025, 1027)) assert.equal(port.push(event(id, outcomes)), true);
    assert.equal(port.push(event(1028, outcomes)), false);
  });

  test('takes 64 MiB, and more as they are finished', async (t) => {
    const { edge, port, instance, budget } = await plugin(t, [{}]);
    const thread = instance();
    for (const id of count(1, 63)) assert.equal(port.push(event(id, [], mebibyte)), true);
    assert.equal(port.push(event(64, [], mebibyte + 1)), false);
    assert.equal(port.push(event(64, [], mebibyte)), true);
    assert.equal(port.push(event(65, [], 1)), false);
    assert.equal(port.push(event(65, [], 0)), true, 'what takes no room finds room');
    assert.equal(budget.used, 64 * mebibyte);
    step(thread, 1);
    edge.drain();
    assert.equal(budget.used, 63 * mebibyte);
    assert.equal(port.push(event(66, [], mebibyte)), true);
  });

  test('shares the bytes of the host with other plugins', async (t) => {
    const budget = new Budget(100);
    const one = await plugin(t, [{}], budget);
    const two = await plugin(t, [{}], budget);
    const thread = one.instance();
    two.instance();
    assert.equal(one.port.push(event(1, [], 60)), true);
    assert.equal(two.port.push(event(1, [], 41)), false);
    assert.equal(two.edge.unfinished, 0);
    assert.equal(two.port.push(event(1, [], 40)), true);
    step(thread);
    one.edge.drain();
    assert.equal(budget.used, 40);
    two.detach();
    assert.equal(budget.used, 0);
  });

  test('takes nothing while no instance is there', async (t) => {
    const { detach, port, instance } = await plugin(t, [{}]);
    assert.deepEqual([port.up, port.push(event(1, []))], [false, false]);
    instance();
    assert.deepEqual([port.up, port.push(event(1, []))], [true, true]);
    detach();
    assert.deepEqual([port.up, port.push(event(2, []))], [false, false]);
  });

  test('says whether the next instance is moments away, as it was told, until one comes or none does', async (t) => {
    const { edge, detach, port, instance } = await plugin(t, [{}]);
    const broken = (): boolean => {
      instance();
      assert.equal(port.restarting, false);
      detach();
      assert.equal(port.restarting, false);
      edge.expectNext();
      return port.restarting;
    };
    assert.equal(broken(), true);
    edge.pause('memory', true);
    assert.equal(port.restarting, false, 'it would not be let in');
    edge.pause('memory', false);
    assert.equal(port.restarting, true);
    edge.refuseWaiting(10_000);
    assert.deepEqual([port.restarting, port.retryAfter], [false, 10]);
    assert.equal(broken(), true);
    edge.stopAccepting();
    assert.equal(port.restarting, false);
    instance();
    edge.expectNext();
    assert.equal(port.restarting, false, 'one is there');
  });

  test('keeps the order of events that wait for room in the link', async (t) => {
    const { edge, port, instance } = await plugin(t, [{}]);
    const outcomes: string[] = [];
    const thread = instance();
    // The link holds some 25 of them at a time.
    for (const id of count(1, 200)) assert.equal(port.push(event(id, outcomes, 10_000)), true);
    const ids = step(thread, 5);
    assert.equal(port.push(event(201, outcomes, 0)), true, 'a small one does not overtake');
    while (edge.unfinished > 0) {
      ids.push(...step(thread, 7));
      edge.drain();
    }
    assert.deepEqual(ids, count(1, 201));
    assert.deepEqual(
      outcomes,
      count(1, 201).map((id) => `${id} done`),
    );
  });

  test('hands each event to the channel it was pushed on, with its kind and bytes', async (t) => {
    const ends: EndUnderTest[] = [{}, {}, {}];
    const { instance } = await plugin(t, ends);
    const thread = instance();
    for (const [channel, { port }] of ends.entries()) {
      port?.push({ kind: channel % 2, id: 2 ** 44 + channel, payload: Uint8Array.of(channel, 7) });
    }
    for (const channel of ends.keys()) {
      const taken = thread.take();
      assert.deepEqual([taken?.channel, taken?.kind, taken?.id], [channel, channel % 2, 2 ** 44 + channel]);
      assert.deepEqual([...(taken?.payload ?? [])], [channel, 7]);
      thread.finish();
    }
  });

  test('an event that is pushed when another has ended is taken', async (t) => {
    const { edge, port, instance } = await plugin(t, [{}]);
    const thread = instance();
    const ids: number[] = [];
    const chained = (id: number): Event => ({
      ...event(id, []),
      done: () => {
        if (id < 5) assert.equal(port.push(chained(id + 1)), true);
      },
    });
    port.push(chained(1));
    while (edge.unfinished > 0) {
      ids.push(...step(thread));
      edge.drain();
    }
    assert.deepEqual(ids, [1, 2, 3, 4, 5]);
  });

  test('a port knows its plugin and the options of its capability', async (t) => {
    const ends: EndUnderTest[] = [{}, {}];
    await plugin(t, ends);
    assert.deepEqual(ends[0]?.port?.plugin, { name: 'guest', version: '1.2.3' });
    assert.deepEqual(
      ends.map(({ port }) => port?.options),
      [{ colour: 'blue' }, {}],
    );
    assert.deepEqual(
      ends.map(({ port }) => port?.nextId()),
      [1, 2],
    );
  });
});

const odd = (id: number): boolean => id % 2 === 1;

suite('EdgePlugin: cancelled events', () => {
  test('never run, whether they are in the link or wait for room, and nobody hears of them', async (t) => {
    const { edge, port, instance, budget } = await plugin(t, [{}]);
    const outcomes: string[] = [];
    const thread = instance();
    const events = count(1, 100).map((id) => event(id, outcomes, 10_000));
    for (const one of events) port.push(one);
    for (const one of events) if (!odd(one.id)) port.cancel(one);
    port.cancel(events[1] as Event);
    const ids: number[] = [];
    while (edge.unfinished > 0) {
      ids.push(...step(thread, 7));
      edge.drain();
    }
    assert.deepEqual(ids, count(1, 100).filter(odd));
    assert.deepEqual(
      outcomes,
      ids.map((id) => `${id} done`),
    );
    assert.equal(budget.used, 0);
  });

  test('whose step runs are told so, and nobody hears how it ended', async (t) => {
    const { edge, port, instance } = await plugin(t, [{}]);
    const outcomes: string[] = [];
    const thread = instance();
    const one = event(1, outcomes);
    port.push(one);
    const taken = thread.take() as TakenEvent;
    port.cancel(one);
    assert.equal(taken.cancelled, true);
    thread.finish();
    edge.drain();
    assert.equal(edge.unfinished, 0);
    assert.deepEqual(outcomes, []);
  });

  test('an event that was not taken or has ended can be cancelled without harm to others', async (t) => {
    const { edge, port, instance } = await plugin(t, [{}]);
    const outcomes: string[] = [];
    const thread = instance();
    const [one, two] = [event(1, outcomes), event(2, outcomes)];
    port.cancel(one);
    port.push(one);
    step(thread);
    edge.drain();
    port.cancel(one);
    port.push(two);
    assert.deepEqual(step(thread), [2]);
    edge.drain();
    assert.deepEqual(outcomes, ['1 done', '2 done']);
  });

  test('an event may be pushed again once it has ended', async (t) => {
    const { detach, edge, port, instance } = await plugin(t, [{}]);
    const outcomes: string[] = [];
    const one = event(1, outcomes);
    instance();
    port.push(one);
    detach();
    const thread = instance();
    port.push(one);
    port.cancel(one);
    assert.deepEqual(step(thread), []);
    edge.drain();
    assert.deepEqual(outcomes, ['1 undelivered']);
  });
});
