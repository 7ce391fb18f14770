import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Event, Outcome } from '../../ext.ts';
import { FakeSubscriber } from './fake-subscriber.suite.ts';
import { Notices } from './notices.ts';
import type { Subscriber } from './subscriber.ts';
import { Kind } from './wire.ts';

/** Notices to a plugin whose queue has so much room. */
function plugin(room = Number.POSITIVE_INFINITY) {
  const state = { room, drained: Promise.withResolvers<void>() };
  const queue: Event[] = [];
  /** What the plugin was given, as `+id` and `-id`. */
  const given: string[] = [];
  const notices = new Notices({
    push(event) {
      if (queue.length >= state.room) return false;
      queue.push(event);
      return true;
    },
    drained: () => state.drained.promise,
  });
  const owner = {
    send: () => undefined,
    resumed: () => undefined,
    gone: (subscriber: Subscriber): void => notices.closed(subscriber),
  };
  const settle = (outcome: Outcome): boolean => {
    const event = queue.shift();
    if (event === undefined) return false;
    if (outcome !== 'undelivered') given.push(`${event.kind === Kind.open ? '+' : '-'}${event.id}`);
    event.done?.(outcome);
    return true;
  };
  return {
    notices,
    queue,
    given,
    state,
    settle,
    subscriber: (id: number): FakeSubscriber => new FakeSubscriber(owner, id),
    /** The plugin does a step for everything in its queue. */
    steps: (): void => {
      while (settle('done'));
    },
    /** There is room again. */
    makeRoom: async (more: number): Promise<void> => {
      state.room = more;
      const { resolve } = state.drained;
      state.drained = Promise.withResolvers();
      resolve();
      await new Promise((done) => setImmediate(done));
    },
  };
}

suite('Notices', () => {
  test('the plugin is told of everybody who comes, and of their leaving, once each', () => {
    const { notices, subscriber, steps, given } = plugin();
    const [a, b] = [subscriber(1), subscriber(2)];
    assert.equal(notices.opened(a), true);
    assert.equal(notices.opened(b), true);
    a.leaves();
    steps();
    b.leaves();
    b.leaves();
    steps();
    assert.deepEqual(given, ['+1', '+2', '-1', '-2']);
  });

  test('a subscriber for whom there is no room is refused, and the plugin never hears of it', async () => {
    const { notices, subscriber, steps, given, makeRoom } = plugin(1);
    const [a, b] = [subscriber(1), subscriber(2)];
    assert.equal(notices.opened(a), true);
    assert.equal(notices.opened(b), false);
    b.leaves();
    steps();
    await makeRoom(10);
    steps();
    assert.deepEqual(given, ['+1']);
  });

  test('that one has left is kept until there is room', async () => {
    const { notices, subscriber, steps, given, state, makeRoom } = plugin(2);
    const [a, b] = [subscriber(1), subscriber(2)];
    notices.opened(a);
    notices.opened(b);
    state.room = 0;
    a.leaves();
    b.leaves();
    steps();
    await makeRoom(0);
    steps();
    assert.deepEqual(given, ['+1', '+2']);
    await makeRoom(10);
    steps();
    assert.deepEqual(given, ['+1', '+2', '-1', '-2']);
  });

  test('many that leave at once do not fill the queue', () => {
    const { notices, subscriber, steps, given, queue } = plugin();
    const all = Array.from({ length: 1000 }, (_, index) => subscriber(index + 1));
    for (const each of all) notices.opened(each);
    steps();
    for (const each of all) each.leaves();
    assert.ok(queue.length <= 64, `${queue.length} are in the queue`);
    steps();
    assert.equal(given.length, 2000);
    assert.equal(new Set(given).size, 2000);
  });
});

suite('Notices: a new instance', () => {
  test('is told of everybody who is there, a few at a time, and can be told of their end', () => {
    const { notices, subscriber, steps, settle, given, queue } = plugin();
    const all = Array.from({ length: 200 }, (_, index) => subscriber(index + 1));
    for (const each of all) notices.opened(each);
    steps();
    given.length = 0;
    notices.attached(all);
    assert.ok(queue.length <= 64, `${queue.length} are in the queue`);
    all[0]?.leaves();
    all[199]?.leaves();
    while (settle('done'));
    // The last left before the instance heard of it.
    const expected = all.slice(0, 199).map(({ id }) => `+${id}`);
    assert.deepEqual(given.toSorted(), [...expected, '-1'].toSorted());
    assert.ok(given.indexOf('-1') > given.indexOf('+1'));
  });

  test('is not told of the end of those it never heard of', () => {
    const { notices, subscriber, steps, settle, given, queue } = plugin();
    const [a, b, c] = [subscriber(1), subscriber(2), subscriber(3)];
    for (const each of [a, b, c]) notices.opened(each);
    settle('done');
    // The instance goes with the rest in its queue.
    a.leaves();
    while (settle('undelivered'));
    b.leaves();
    assert.equal(queue.length, 0, 'nothing is pushed while events are taken back');
    given.length = 0;
    notices.attached([c]);
    steps();
    c.leaves();
    steps();
    assert.deepEqual(given, ['+3', '-3']);
  });

  test('is not given the notice that broke the one before: that subscriber is dropped', () => {
    const { notices, subscriber, steps, settle, given } = plugin();
    const [a, b] = [subscriber(1), subscriber(2)];
    notices.opened(a);
    notices.opened(b);
    settle('broken');
    settle('undelivered');
    assert.equal(a.outcome, 'dropped');
    given.length = 0;
    notices.attached([b]);
    steps();
    assert.deepEqual(given, ['+2']);
  });

  test('what finds no room is told when there is some', async () => {
    const { notices, subscriber, steps, given, state, makeRoom } = plugin(0);
    const all = [subscriber(1), subscriber(2)];
    notices.attached(all);
    steps();
    assert.equal(state.room, 0);
    await makeRoom(1);
    steps();
    await makeRoom(1);
    steps();
    assert.deepEqual(given, ['+1', '+2']);
  });
});

suite('Notices: the end of the host', () => {
  test('the plugin is told that everybody it knows has left, and that nobody else has', () => {
    const { notices, subscriber, settle, steps, given } = plugin();
    const [known, leaving, begun, queued] = [1, 2, 3, 4].map(subscriber);
    assert.ok(known && leaving && begun && queued);
    for (const each of [known, leaving]) notices.opened(each);
    steps();
    notices.opened(begun);
    notices.opened(queued);
    leaving.leaves();
    // The step of the first has begun; what is behind it is taken back.
    settle('done');
    while (settle('undelivered'));
    notices.draining([known, begun, queued]);
    for (const each of [known, begun, queued]) each.leaves();
    steps();
    assert.deepEqual(given.toSorted(), ['+1', '+2', '+3', '-1', '-2', '-3'].toSorted());
  });
});
