import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import type { Event, Outcome } from '../ext.ts';
import { inlineBytes, type TakenEvent } from '../link/link.ts';
import { Budget } from './budget.ts';
import { count, type EndUnderTest, event, plugin, step } from './plugin-under-test.suite.ts';

const ending = async (t: TestContext, taken: boolean): Promise<string[]> => {
  const { detach, edge, port, instance, budget } = await plugin(t, [{}]);
  const outcomes: string[] = [];
  const thread = instance();
  for (const id of count(1, 60)) port.push(event(id, outcomes, 10_000));
  step(thread, 2);
  if (taken) thread.take();
  detach();
  assert.deepEqual([edge.unfinished, budget.used], [0, 0]);
  return outcomes;
};

suite('EdgePlugin: the end of an instance', () => {
  test('blames the one event whose step had begun, and no other', async (t) => {
    assert.deepEqual(await ending(t, true), [
      '1 done',
      '2 done',
      '3 broken',
      ...count(4, 60).map((id) => `${id} undelivered`),
    ]);
  });

  test('blames none when no step had begun', async (t) => {
    assert.deepEqual(await ending(t, false), [
      '1 done',
      '2 done',
      ...count(3, 60).map((id) => `${id} undelivered`),
    ]);
  });

  test('takes what the instance had sent before', async (t) => {
    const effects: number[] = [];
    const { detach, edge, instance } = await plugin(t, [{ effect: (kind) => void effects.push(kind) }]);
    const thread = instance();
    thread.send(0, 3, 1, new Uint8Array(5));
    detach();
    assert.deepEqual(effects, [3]);
    thread.send(0, 4, 1, new Uint8Array(5));
    edge.drain();
    assert.equal(edge.hasEffects, false);
    assert.deepEqual(effects, [3], 'an instance that is detached is heard no more');
    detach();
  });

  test('a cancelled event whose step had begun hears nothing', async (t) => {
    const { detach, port, instance } = await plugin(t, [{}]);
    const outcomes: string[] = [];
    const thread = instance();
    const one = event(1, outcomes);
    port.push(one);
    thread.take();
    port.cancel(one);
    detach();
    assert.deepEqual(outcomes, []);
  });

  test('events that were not delivered go to the next instance, before those that come later', async (t) => {
    const again: Event[] = [];
    const end: EndUnderTest = {
      resend() {
        for (const one of again.splice(0)) assert.equal(end.port?.push(one), true);
      },
    };
    const { detach, port, instance } = await plugin(t, [end]);
    const kept = (id: number): Event => {
      const self: Event = {
        kind: 0,
        id,
        payload: new Uint8Array(id === 2 ? inlineBytes * 2 : 10).fill(id),
        done: (outcome: Outcome) => {
          assert.equal(port.push(self), outcome === 'done', 'nothing is taken while no instance is there');
          if (outcome === 'undelivered') again.push(self);
        },
      };
      return self;
    };
    const first = instance();
    for (const id of [1, 2, 3]) port.push(kept(id));
    first.take();
    detach();
    const second = instance();
    port.push(event(9, []));
    for (const id of [2, 3, 9]) {
      const taken = second.take();
      assert.equal(taken?.id, id);
      if (id !== 9) assert.ok(taken?.payload.every((byte) => byte === id));
      second.finish();
    }
  });

  test('ends hear of each instance: attached, then ready, and closed at the end', async (t) => {
    const heard: string[] = [];
    const end: EndUnderTest = {
      attached: () => void heard.push('attached'),
      ready: () => void heard.push('ready'),
      closed: () => void heard.push('closed'),
    };
    const { detach, ready, edge, instance } = await plugin(t, [end]);
    end.port?.scope.defer(() => void heard.push('left'));
    for (let start = 0; start < 2; start++) {
      instance();
      ready();
      detach();
    }
    await edge.close();
    assert.deepEqual(heard, ['attached', 'ready', 'attached', 'ready', 'closed', 'left']);
  });
});

suite('EdgePlugin.stopAccepting', () => {
  test('takes back what has not begun, lets the running step end, and tells the ends', async (t) => {
    const outcomes: string[] = [];
    const end: EndUnderTest = { closed: () => void outcomes.push('closed') };
    const { edge, port, instance } = await plugin(t, [end]);
    const thread = instance();
    const events = count(1, 60).map((id) => event(id, outcomes, 10_000));
    for (const one of events) port.push(one);
    const taken = thread.take() as TakenEvent;
    port.cancel(events[1] as Event);
    edge.stopAccepting();
    assert.deepEqual(outcomes, [...count(3, 60).map((id) => `${id} undelivered`), 'closed']);
    assert.deepEqual([port.up, port.push(event(61, outcomes))], [false, false]);
    assert.equal(taken.cancelled, false, 'a step that runs goes on as it is');
    outcomes.length = 0;
    thread.finish();
    while (edge.unfinished > 0) {
      assert.deepEqual(step(thread), []);
      edge.drain();
    }
    assert.deepEqual(outcomes, ['1 done']);
  });

  test('last events have room, however many there are', async (t) => {
    const outcomes: string[] = [];
    const end: EndUnderTest = {
      draining: () => {
        for (let id = 1; id <= 5000; id++) assert.equal(end.port?.push(event(id, outcomes)), true);
      },
    };
    // What was queued counts until it is passed over, and more than is there is taken all the same.
    const budget = new Budget(100);
    const { edge, port, instance } = await plugin(t, [end], budget);
    const thread = instance();
    assert.ok(port.push(event(9999, outcomes, 100)));
    edge.stopAccepting();
    const seen: number[] = [];
    while (edge.unfinished > 0) {
      seen.push(...step(thread));
      edge.drain();
    }
    assert.deepEqual(seen, count(1, 5000));
    assert.equal(budget.used, 0);
  });

  test('ends may push last events, which are stepped before the shutdown', async (t) => {
    const outcomes: string[] = [];
    const end: EndUnderTest = {
      draining: () => void outcomes.push(`pushed: ${end.port?.push(event(9, outcomes))}`),
    };
    const { edge, port, instance } = await plugin(t, [end]);
    const thread = instance();
    port.push(event(1, outcomes));
    edge.stopAccepting();
    edge.stopAccepting();
    assert.deepEqual(outcomes, ['1 undelivered', 'pushed: true']);
    assert.deepEqual([port.push(event(10, outcomes)), edge.unfinished], [false, 2]);
    assert.deepEqual(step(thread), [9]);
    edge.drain();
    assert.deepEqual([outcomes.at(-1), edge.unfinished], ['9 done', 0]);
  });

  test('what ends push as an instance enters comes first, however much it is', async (t) => {
    const outcomes: string[] = [];
    const waits = { kind: 0, id: 1, payload: new Uint8Array(10) };
    const end: EndUnderTest = {
      entered: (number) => {
        if (number === 1) return;
        for (let id = 1001; id <= 5000; id++) assert.equal(end.port?.push(event(id, outcomes)), true);
      },
      resend: () => void end.port?.push(waits),
    };
    const { detach, port, edge, instance } = await plugin(t, [end]);
    instance();
    detach();
    const thread = instance();
    assert.equal(port.push(event(9999, outcomes)), false);
    const seen: number[] = [];
    while (edge.unfinished > 0) {
      seen.push(...step(thread));
      edge.drain();
    }
    assert.deepEqual(seen, count(1001, 5000));
    assert.equal(port.push(waits), true);
  });

  test('an instance that breaks in its last step is blamed for that one event', async (t) => {
    const { detach, edge, port, instance } = await plugin(t, [{}]);
    const outcomes: string[] = [];
    const thread = instance();
    for (const id of [1, 2]) port.push(event(id, outcomes));
    thread.take();
    edge.stopAccepting();
    edge.stopAccepting();
    detach();
    assert.deepEqual(outcomes, ['2 undelivered', '1 broken']);
  });
});
