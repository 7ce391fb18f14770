import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Backlog, maxWaiting, maxWaitingBytes, type Message } from './backlog.ts';

const message = (order: number, bytes = 1): Message => ({
  order,
  channel: 'a',
  payload: new Uint8Array(bytes),
});
const orders = ({ messages }: Backlog): readonly number[] => messages.map(({ order }) => order);

suite('messages that wait', () => {
  test('keep the order in which they came, also when one comes back', () => {
    const backlog = new Backlog();
    for (const order of [3, 4, 1, 5, 2]) assert.equal(backlog.add(message(order)), true);
    assert.deepEqual(orders(backlog), [1, 2, 3, 4, 5]);
    const [first] = backlog.messages;
    if (first !== undefined) backlog.delete(first);
    backlog.retain(({ order }) => order !== 4);
    assert.deepEqual(orders(backlog), [2, 3, 5]);
  });

  test('are so many at most, and there is room again when one has gone', () => {
    const backlog = new Backlog();
    for (let order = 0; order < maxWaiting; order++) assert.equal(backlog.add(message(order)), true);
    assert.equal(backlog.add(message(maxWaiting)), false);
    backlog.retain(({ order }) => order !== 7);
    assert.equal(backlog.add(message(maxWaiting)), true);
    assert.equal(backlog.add(message(maxWaiting)), false);
  });

  test('have so many bytes at most', () => {
    const backlog = new Backlog();
    assert.equal(backlog.add(message(1, maxWaitingBytes)), true);
    assert.equal(backlog.add(message(2)), false);
    backlog.retain(() => false);
    assert.equal(backlog.add(message(3, maxWaitingBytes + 1)), false);
    assert.equal(backlog.add(message(4)), true);
  });
});
