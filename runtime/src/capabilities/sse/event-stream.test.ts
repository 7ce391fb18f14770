import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { frameOverhead } from './backlog.ts';
import { EventStream } from './event-stream.ts';
import { FakeSubscriber } from './fake-subscriber.suite.ts';
import type { Served } from './fan-out.ts';

const mebibyte = 1024 * 1024;

/** A stream with so many subscribers, whose turn comes when the test says so. */
function stream(subscribers: number, maxBufferedBytes = mebibyte) {
  const waiting = { bytes: 0 };
  const asked: Served[] = [];
  const state = { slow: 0, left: [] as number[] };
  const made = new EventStream('/events', {
    maxBufferedBytes,
    waiting,
    fanOut: { add: (served: Served) => void asked.push(served) },
    slow: () => {
      state.slow += 1;
    },
    left: ({ id }) => state.left.push(id),
  });
  const join = (id: number): FakeSubscriber => {
    const subscriber = new FakeSubscriber(made, id);
    made.add(subscriber);
    return subscriber;
  };
  return {
    stream: made,
    members: Array.from({ length: subscribers }, (_, index) => join(index + 1)),
    join,
    waiting,
    state,
    asked,
    emit: (text: string): void => made.emit(Buffer.from(text, 'latin1')),
    send: (to: FakeSubscriber, text: string): void => made.send(to, Buffer.from(text, 'latin1')),
    /** Everybody has their turn. */
    serve: (): void => {
      while (made.serveNext());
    },
  };
}

const texts = (members: readonly FakeSubscriber[]): string => members.map(({ text }) => text).join(' ');

suite('EventStream: events for all', () => {
  test('everybody gets each event once, in order, when their turn comes', () => {
    const { members, emit, serve, asked } = stream(3);
    emit('a');
    assert.equal(texts(members), '  ');
    assert.ok(asked.length > 0, 'nobody was asked to serve them');
    serve();
    assert.equal(texts(members), 'a a a');
    emit('b');
    emit('c');
    serve();
    serve();
    assert.equal(texts(members), 'abc abc abc');
    assert.equal(members[0]?.pieces, 2, 'events that come together go out together');
  });

  test('who comes later gets what is emitted later, also in the middle of a round', () => {
    const { stream: made, members, join, emit, serve } = stream(2);
    emit('a');
    made.serveNext();
    const late = join(9);
    emit('b');
    serve();
    assert.equal(texts([...members, late]), 'ab ab b');
  });

  test('an event without subscribers is nothing to keep', () => {
    const { emit, waiting, join, serve } = stream(0);
    emit('a');
    assert.equal(waiting.bytes, 0);
    const late = join(1);
    serve();
    assert.equal(late.text, '');
  });

  test('who leaves in the middle of a round is passed over, and takes nothing along', () => {
    const { stream: made, members, emit, serve, state, waiting } = stream(4);
    emit('a');
    made.serveNext();
    for (const index of [0, 1, 3]) members[index]?.leaves();
    emit('b');
    serve();
    assert.equal(texts(members), 'a  ab ');
    assert.deepEqual(state.left, [1, 2, 4]);
    assert.equal(made.size, 1);
    assert.equal(waiting.bytes, 0);
  });

  test('nothing is kept once everybody has everything', () => {
    const { emit, serve, waiting } = stream(2);
    for (let count = 0; count < 10; count++) emit('x'.repeat(100));
    assert.ok(waiting.bytes >= 1000);
    serve();
    assert.equal(waiting.bytes, 0);
  });

  test('a plugin that emits faster than there are turns loses nothing: its own calls serve them', () => {
    const { members, emit, serve, state, waiting } = stream(3, 10_000);
    let expected = '';
    for (let count = 0; count < 1000; count++) {
      const text = `${count},`.padEnd(500, '.');
      expected += text;
      emit(text);
      assert.ok(waiting.bytes <= 10_000, `${waiting.bytes} bytes wait`);
    }
    serve();
    for (const { text } of members) assert.ok(text === expected);
    assert.equal(state.slow, 0);
  });

  test('is crowded as long as some are far behind, however the clients do', () => {
    const { stream: made, members, emit, serve } = stream(3);
    const fill = (): number => {
      let count = 0;
      for (; !made.crowded; count++) emit('x'.repeat(1000));
      return count;
    };
    const most = fill();
    assert.ok(most > 10 && most < 100, `${most} events of 1,000 bytes`);
    assert.equal(texts(members), '  ', 'none was served at once for it');
    made.serveNext();
    made.serveNext();
    assert.equal(made.crowded, true);
    made.serveNext();
    assert.equal(made.crowded, false);
    const [blocked, leaves, last] = members;
    assert.ok(blocked && leaves && last);
    blocked.takes = 0;
    fill();
    blocked.leaves();
    leaves.leaves();
    assert.equal(made.crowded, true);
    last.takes = 0;
    serve();
    assert.equal(made.crowded, false, 'a client that takes nothing is no reason to wait');
  });

  test('a large event waits for their turns, as any other', () => {
    const { members, emit, serve } = stream(2, 1024);
    emit('x'.repeat(mebibyte));
    assert.equal(members[0]?.text, '');
    serve();
    assert.equal(members[1]?.text.length, mebibyte);
  });
});

suite('EventStream: clients that do not keep up', () => {
  test('get nothing more until they read, and then what they missed, in order', () => {
    const { members, emit, serve, waiting } = stream(2);
    const [slow, quick] = members;
    assert.ok(slow && quick);
    slow.takes = 0;
    for (const text of ['a', 'b', 'c']) {
      emit(text);
      serve();
    }
    assert.equal(texts(members), 'a abc');
    assert.ok(waiting.bytes >= 2 + 2 * frameOverhead, 'what they miss is kept');
    slow.resume();
    assert.equal(texts(members), 'abc abc');
    assert.equal(waiting.bytes, 0);
    emit('d');
    serve();
    assert.equal(texts(members), 'abcd abcd');
  });

  test('that read a little get a little', () => {
    const { members, emit, serve } = stream(1);
    const [slow] = members;
    assert.ok(slow);
    slow.takes = 0;
    for (let count = 0; count < 4; count++) emit(String(count).repeat(20_000));
    serve();
    const sizes = [slow.text.length];
    for (let count = 0; count < 3; count++) {
      slow.resume(0);
      sizes.push(slow.text.length);
    }
    assert.deepEqual(sizes, [20_000, 40_000, 60_000, 80_000]);
    assert.equal(slow.text, ['0', '1', '2', '3'].map((text) => text.repeat(20_000)).join(''));
  });

  test('are dropped when more waits for them than may, and nobody else is', () => {
    const { stream: made, members, emit, serve, state, waiting } = stream(3, 1024);
    const [slow, quick] = members;
    assert.ok(slow && quick);
    slow.takes = 0;
    emit('a');
    serve();
    // Eight of these are 1024 bytes.
    const text = 'x'.repeat(128 - frameOverhead);
    for (let count = 0; count < 8; count++) {
      emit(text);
      serve();
    }
    assert.equal(slow.outcome, undefined);
    emit('y');
    serve();
    assert.equal(slow.outcome, 'dropped');
    assert.equal(state.slow, 1);
    assert.equal(made.size, 2);
    assert.equal(waiting.bytes, 0);
    assert.equal(quick.text, `a${text.repeat(8)}y`);
    assert.equal(quick.outcome, undefined);
  });

  test('one event always fits, and a second one behind it does not', () => {
    const { members, emit, serve } = stream(1, 1024);
    const [slow] = members;
    assert.ok(slow);
    slow.takes = 0;
    emit('a');
    serve();
    emit('x'.repeat(100_000));
    serve();
    assert.equal(slow.outcome, undefined);
    emit('b');
    assert.equal(slow.outcome, 'dropped');
  });

  test('are dropped each at its own time', () => {
    const { members, emit, serve } = stream(3, 1024);
    const [first, second, third] = members;
    assert.ok(first && second && third);
    const text = 'x'.repeat(512 - frameOverhead);
    first.takes = 0;
    emit(text);
    serve();
    second.takes = 0;
    emit(text);
    serve();
    emit(text);
    serve();
    assert.deepEqual([first.outcome, second.outcome], [undefined, undefined]);
    emit(text);
    serve();
    assert.deepEqual([first.outcome, second.outcome], ['dropped', undefined]);
    emit(text);
    serve();
    assert.deepEqual([second.outcome, third.outcome], ['dropped', undefined]);
    assert.equal(third.text, text.repeat(5));
  });

  test('are dropped when all streams of the plugin together keep too much', () => {
    const { members, emit, serve, waiting } = stream(2, 1024 * mebibyte);
    const [slow, quick] = members;
    assert.ok(slow && quick);
    slow.takes = 0;
    emit('a');
    serve();
    waiting.bytes += 64 * mebibyte - 1000;
    emit('b');
    serve();
    assert.equal(slow.outcome, undefined);
    emit('x'.repeat(1000));
    serve();
    assert.equal(slow.outcome, 'dropped');
    assert.equal(quick.text, `ab${'x'.repeat(1000)}`);
    assert.equal(waiting.bytes, 64 * mebibyte - 1000);
  });

  test('are dropped then, and who has not had its turn loses nothing', () => {
    const { members, emit, serve, waiting } = stream(2);
    waiting.bytes += 64 * mebibyte;
    for (const text of ['a', 'b', 'c']) emit(text);
    serve();
    assert.equal(texts(members), 'abc abc');
  });
});

suite('EventStream: events for one', () => {
  test('come behind what was emitted before and before what is emitted after', () => {
    const { members, emit, send, serve } = stream(2);
    const [one] = members;
    assert.ok(one);
    send(one, '1');
    emit('a');
    send(one, '2');
    emit('b');
    send(one, '3');
    serve();
    assert.equal(texts(members), '1a2b3 ab');
    one.takes = 0;
    emit('c');
    serve();
    send(one, '4');
    emit('d');
    send(one, '5');
    serve();
    assert.equal(texts(members), '1a2b3c abcd');
    one.resume();
    assert.equal(texts(members), '1a2b3c4d5 abcd');
  });

  test('go out at once when nothing is before them', () => {
    const { members, send } = stream(2);
    const [one] = members;
    assert.ok(one);
    send(one, 'x');
    assert.equal(texts(members), 'x ');
  });

  test('are bounded for who does not read, one always fits, and who is dropped leaves nothing behind', () => {
    const { members, emit, serve, send, state, waiting } = stream(2, 1024);
    const [one, other] = members;
    assert.ok(one && other);
    one.takes = 0;
    emit('a');
    serve();
    send(one, 'x'.repeat(2000));
    assert.equal(one.outcome, undefined);
    send(one, 'y');
    assert.equal(one.outcome, 'dropped');
    assert.equal(state.slow, 1);
    assert.equal(waiting.bytes, 0);
    send(one, 'z');
    assert.equal(waiting.bytes, 0, 'what is for somebody who has gone is not kept');
    send(other, 'b');
    assert.equal(texts(members), 'a ab');
  });

  test('are bounded by what all streams of the plugin keep, too', () => {
    const { members, send, waiting } = stream(1, 1024 * mebibyte);
    const [one] = members;
    assert.ok(one);
    one.takes = 0;
    send(one, 'a');
    waiting.bytes += 64 * mebibyte;
    send(one, 'b');
    assert.equal(one.outcome, undefined);
    send(one, 'c');
    assert.equal(one.outcome, 'dropped');
  });

  test('do not pile up for who has not had its turn', () => {
    const { members, emit, send, serve, waiting } = stream(1);
    const [one] = members;
    assert.ok(one);
    let expected = 'a';
    emit('a');
    for (let count = 0; count < 1000; count++) {
      const text = String(count).padEnd(1000, '.');
      expected += text;
      send(one, text);
      assert.ok(waiting.bytes < 100_000, `${waiting.bytes} bytes wait`);
    }
    serve();
    assert.ok(one.text === expected);
  });
});

suite('EventStream: its end', () => {
  test('comes behind everything that was emitted; who does not read is given a moment', () => {
    const { stream: made, members, emit, serve } = stream(3);
    const [slow, quick] = members;
    assert.ok(slow && quick);
    slow.takes = 0;
    emit('a');
    serve();
    emit('b');
    made.end();
    assert.equal(quick.text, 'ab');
    assert.equal(quick.outcome, 'ended');
    assert.deepEqual([slow.outcome, slow.hurried], [undefined, 1]);
    made.end();
    assert.equal(slow.hurried, 1);
    slow.resume();
    assert.equal(slow.text, 'ab');
    assert.equal(slow.outcome, 'ended');
    assert.equal(made.size, 0);
  });
});
