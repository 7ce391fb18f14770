import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Backlog, frameOverhead } from './backlog.ts';
import { Batch } from './batch.ts';

const frame = (text: string): Buffer => Buffer.from(text, 'latin1');

suite('Batch', () => {
  test('is the frames as they are, and as one chunk of HTTP/1.1', () => {
    const batch = new Batch([frame('a'.repeat(10)), frame('\xff'.repeat(7))]);
    const text = 'a'.repeat(10) + '\xff'.repeat(7);
    assert.equal(batch.plain.toString('latin1'), text);
    assert.equal(batch.chunk.toString('latin1'), `11\r\n${text}\r\n`);
  });
});

suite('Backlog', () => {
  test('gives what is missing at each position, up to where it is asked for', () => {
    const backlog = new Backlog({ bytes: 0 });
    for (const text of ['a', 'b', 'c', 'd']) backlog.add(frame(text));
    assert.equal(backlog.end, 4);
    const from = (position: number, to: number): string => backlog.batch(position, to).batch.plain.toString();
    assert.equal(from(0, 4), 'abcd');
    assert.equal(from(2, 4), 'cd');
    assert.equal(from(1, 3), 'bc');
    assert.equal(backlog.batch(1, 3).next, 3);
  });

  test('makes one batch for all that are at one position', () => {
    const backlog = new Backlog({ bytes: 0 });
    backlog.add(frame('a'));
    const { batch } = backlog.batch(0, 1);
    assert.equal(backlog.batch(0, 1).batch, batch);
    backlog.add(frame('b'));
    assert.equal(backlog.batch(0, 2).batch.plain.toString(), 'ab');
  });

  test('puts 32 KiB into a batch at most; a larger frame is alone in its batch', () => {
    const backlog = new Backlog({ bytes: 0 });
    for (const size of [16_384, 16_384, 1, 100_000, 1]) backlog.add(Buffer.alloc(size));
    const sizes: number[] = [];
    for (let position = 0; position < backlog.end;) {
      const { batch, next } = backlog.batch(position, backlog.end);
      sizes.push(batch.plain.length);
      position = next;
    }
    assert.deepEqual(sizes, [32_768, 1, 100_000, 1]);
  });

  test('counts what waits at each position, and altogether, with what keeping a frame costs', () => {
    const waiting = { bytes: 100 };
    const backlog = new Backlog(waiting);
    backlog.add(Buffer.alloc(10));
    backlog.add(Buffer.alloc(20));
    const cost = 30 + 2 * frameOverhead;
    assert.deepEqual(
      [0, 1, 2].map((position) => backlog.bytesFrom(position)),
      [cost, 20 + frameOverhead, 0],
    );
    assert.equal(waiting.bytes, 100 + cost);
    backlog.clear();
    assert.equal(waiting.bytes, 100);
    assert.equal(backlog.bytesFrom(2), 0);
    assert.deepEqual([backlog.first, backlog.end], [2, 2]);
  });

  test('forgets the oldest when it is trimmed, and the newest never', () => {
    const waiting = { bytes: 0 };
    const backlog = new Backlog(waiting);
    for (let count = 0; count < 5; count++) backlog.add(Buffer.alloc(100));
    backlog.trim(3 * (100 + frameOverhead));
    assert.equal(backlog.first, 2);
    backlog.trim(3 * (100 + frameOverhead) - 1);
    assert.equal(backlog.first, 3);
    backlog.trim(0);
    assert.deepEqual([backlog.first, backlog.end], [4, 5]);
    assert.equal(waiting.bytes, 100 + frameOverhead);
    assert.equal(backlog.batch(4, 5).batch.plain.length, 100);
  });
});
