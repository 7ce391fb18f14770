import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createRing, Flag, RingConsumer, RingProducer, ringBytes } from './ring.ts';

function ring() {
  const buffer = createRing();
  return { producer: new RingProducer(buffer), consumer: new RingConsumer(buffer) };
}

function bytes(length: number, seed: number): Uint8Array {
  return new Uint8Array(length).fill(seed & 0xff);
}

suite('ring', () => {
  test('a record keeps channel, kind, flags, id and payload', () => {
    const { producer, consumer } = ring();
    for (const [channel, kind, id] of [
      [0, 0, 0],
      [253, 255, Number.MAX_SAFE_INTEGER],
      [255, 128, 2 ** 44 * 7 + 1],
    ] as const) {
      const at = producer.write(channel, kind, Flag.ask, id, Uint8Array.of(1, 2, 3));
      assert.equal(consumer.next(), true);
      const { channel: gotChannel, kind: gotKind, id: gotId, at: gotAt } = consumer;
      assert.deepEqual([gotChannel, gotKind, gotId, gotAt], [channel, kind, id, at]);
      assert.equal(consumer.flags(at), Flag.ask);
      assert.deepEqual([...consumer.payload], [1, 2, 3]);
      consumer.release();
    }
    assert.equal(consumer.next(), false);
  });

  test('flags set on either side are seen on the other, and say what was there before', () => {
    const { producer, consumer } = ring();
    const at = producer.write(7, 9, 0, 1, bytes(4, 1));
    const next = producer.write(8, 10, 0, 2, bytes(4, 2));
    assert.equal(producer.flag(at, Flag.cancelled), 0);
    assert.equal(consumer.next(), true);
    assert.equal(consumer.flag(consumer.at, Flag.started), Flag.cancelled);
    assert.equal(producer.flags(at), Flag.cancelled | Flag.started);
    assert.equal(producer.flags(next), 0);
    assert.deepEqual([consumer.channel, consumer.kind], [7, 9]);
  });

  test('room is given only up to the head that was seen', () => {
    const { producer, consumer } = ring();
    let written = 0;
    while (producer.write(1, 1, 0, written, bytes(1000, written)) >= 0) written += 1;
    assert.equal(producer.hasRoom(1000), false);
    consumer.next();
    consumer.release();
    assert.equal(producer.hasRoom(1000), false);
    assert.equal(producer.finished, 1, 'the count is looked at, not remembered');
    producer.refresh();
    assert.equal(producer.hasRoom(1000), true);
    assert.ok(producer.write(1, 1, 0, written, bytes(1000, written)) >= 0);
  });

  test('as much as it holds fits in, and not a byte more', () => {
    const { producer } = ring();
    assert.equal(producer.hasRoom(ringBytes - 16), true);
    assert.equal(producer.hasRoom(ringBytes - 15), false);
    assert.equal(producer.write(1, 1, 0, 1, bytes(ringBytes - 15, 1)), -1);
    assert.ok(producer.write(1, 1, 0, 1, bytes(ringBytes - 16, 1)) >= 0);
    assert.equal(producer.hasRoom(0), false);
  });

  test('records that do not fit before the end go to the beginning, whole', () => {
    const { producer, consumer } = ring();
    let id = 0;
    let taken = 0;
    // Sizes that share no factor with the ring, so that every distance to the end comes up.
    for (let round = 0; round < 20_000; round++) {
      const size = (round * 7) % 5003;
      producer.refresh();
      const room = producer.hasRoom(size);
      const at = producer.write(1, 1, 0, id, bytes(size, id));
      assert.equal(at >= 0, room, 'hasRoom and write disagree');
      if (at >= 0) id += 1;
      if (at >= 0 && round % 3 !== 0) continue;
      for (let left = 2; left > 0 && consumer.next(); left--) {
        assert.equal(consumer.id, taken);
        assert.ok(consumer.payload.every((byte) => byte === (taken & 0xff)));
        taken += 1;
        consumer.release();
      }
    }
    while (consumer.next()) {
      assert.equal(consumer.id, taken);
      taken += 1;
      consumer.release();
    }
    assert.equal(taken, id);
    assert.equal(producer.finished, id);
  });

  test('a record stays until it is released, and next gives it again', () => {
    const { producer, consumer } = ring();
    producer.write(1, 1, 0, 1, bytes(3, 1));
    producer.write(1, 1, 0, 2, bytes(3, 2));
    consumer.next();
    consumer.next();
    assert.equal(consumer.id, 1);
    assert.equal(producer.finished, 0);
    consumer.release();
    consumer.next();
    assert.equal(consumer.id, 2);
    assert.equal(producer.finished, 1);
  });

  test('a consumer with a limit stops there', () => {
    const { producer, consumer } = ring();
    producer.write(1, 1, 0, 1, undefined);
    const { published } = consumer;
    producer.write(1, 1, 0, 2, undefined);
    assert.equal(consumer.next(published), true);
    consumer.release();
    assert.equal(consumer.next(published), false);
    assert.equal(consumer.ready, true);
    assert.equal(consumer.next(), true);
  });

  test('a producer that waits is woken once, when half of the ring is free', (t) => {
    const { producer, consumer } = ring();
    let written = 0;
    while (producer.write(1, 1, 0, written, bytes(1000, written)) >= 0) written += 1;
    const notify = t.mock.method(Atomics, 'notify');
    // What waitForRoom notes before it blocks.
    const waiting = 17;
    new Int32Array(producer.buffer)[waiting] = 1;
    for (let released = 1; consumer.next(); released++) {
      consumer.release();
      assert.equal(notify.mock.callCount(), released >= written / 2 ? 1 : 0, `${released} of ${written}`);
    }
  });

  test('positions go on beyond 2^32 bytes', () => {
    const { producer, consumer } = ring();
    const payload = bytes(ringBytes / 8 - 16 - 24, 1);
    const rounds = Math.ceil(2 ** 32 / (ringBytes / 8)) + 5000;
    for (let id = 0; id < rounds; id++) {
      payload[0] = id & 0xff;
      assert.ok(producer.write(1, 1, 0, id, payload) >= 0);
      if (id % 5 !== 4) continue;
      for (let left = 5; left > 0; left--) {
        assert.ok(consumer.next());
        if (consumer.id !== id - left + 1 || consumer.payload[0] !== (consumer.id & 0xff))
          assert.fail(`record ${id}`);
        consumer.release();
      }
      assert.equal(consumer.ready, false);
      producer.refresh();
    }
    assert.equal(producer.finished, Math.floor(rounds / 5) * 5);
  });
});
