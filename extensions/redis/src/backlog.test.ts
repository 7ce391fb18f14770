import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Backlog, maxWaiting, maxWaitingBytes } from './backlog.ts';

const message = (text: string | Buffer) => ({ channel: 'a', payload: Buffer.from(text) });

suite('messages that wait', () => {
  test('come in their order', () => {
    const backlog = new Backlog();
    assert.equal(backlog.isEmpty, true);
    for (const text of ['1', '2']) assert.equal(backlog.add(message(text)), true);
    assert.equal(backlog.first?.payload.toString(), '1');
    backlog.removeFirst();
    assert.equal(backlog.first?.payload.toString(), '2');
    backlog.removeFirst();
    backlog.removeFirst();
    assert.equal(backlog.isEmpty, true);
  });

  test('are so many at most, and there is room again when one has gone', () => {
    const backlog = new Backlog();
    for (let at = 0; at < maxWaiting; at++) assert.equal(backlog.add(message('x')), true);
    assert.equal(backlog.add(message('x')), false);
    backlog.removeFirst();
    assert.equal(backlog.add(message('x')), true);
  });

  test('have so many bytes at most', () => {
    const backlog = new Backlog();
    assert.equal(backlog.add(message(Buffer.alloc(maxWaitingBytes))), true);
    assert.equal(backlog.add(message('x')), false);
    backlog.clear();
    assert.equal(backlog.add(message(Buffer.alloc(maxWaitingBytes + 1))), false);
    assert.equal(backlog.add(message('x')), true);
  });
});
