import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { guestContext } from '../../../../test/support/guest-context.ts';
import { array, int, map, str } from '../../../../test/support/msgpack-bytes.ts';
import { Failure } from '../../ext.ts';
import { guest } from './guest.ts';
import { decodeClaim, decodeEmit, Effect, Kind, maxPathBytes, type PathClaim } from './wire.ts';

type Sent = readonly [to: number, text: string];

/** The guest end, and what it sent: events for all by their path's number, events for one by its id. */
function end(answers: readonly number[] = []) {
  const claims: PathClaim[] = [];
  const emitted: Sent[] = [];
  const sent: Sent[] = [];
  const made = guest(
    guestContext({
      options: {},
      ask(kind, payload) {
        assert.equal(kind, Effect.register);
        claims.push(decodeClaim(payload));
        return answers[claims.length - 1] ?? 0;
      },
      send(kind, payload, id) {
        if (kind === Effect.send) {
          sent.push([id ?? 0, Buffer.from(payload).toString('latin1')]);
          return;
        }
        assert.equal(kind, Effect.emit);
        assert.equal(id, undefined, 'it goes to every edge');
        const { number, frame } = decodeEmit(payload);
        emitted.push([number, frame.toString('latin1')]);
      },
    }),
  );
  const { functions } = made;
  return {
    claims,
    emitted,
    sent,
    register: (path: string): void => functions.sse_register(Buffer.from(path, 'latin1')),
    emit: functions.sse_emit,
    send: functions.sse_send,
    opened: (id: number): void => made.deliver?.({ kind: Kind.open, id, cancelled: false }),
    closed: (id: number): void => made.deliver?.({ kind: Kind.close, id, cancelled: false }),
  };
}

const coded =
  (code: number) =>
  (error: unknown): boolean =>
    error instanceof Failure && error.code === code;

const emitting = (path: string, data = 'x'): Uint8Array =>
  map([
    ['path', str(path)],
    ['data', str(data)],
  ]);

const sending = (id: number | bigint, data = 'x'): Uint8Array =>
  map([
    ['sub_id', int(id)],
    ['data', str(data)],
  ]);

suite('sse_register', () => {
  test('claims the path as it is, under a number of its own; the same again asks nobody', () => {
    const { register, claims } = end();
    for (const path of ['/', '/a/:id?x#y', '/\xc3\xa4\0\xff', '/']) register(path);
    assert.deepEqual(claims, [
      { number: 0, path: '/' },
      { number: 1, path: '/a/:id?x#y' },
      { number: 2, path: '/\xc3\xa4\0\xff' },
    ]);
  });

  test('refuses what does not begin with /, and what is too long, before it asks', () => {
    const { register, claims } = end();
    for (const path of ['a', ' /', '*', `/${'a'.repeat(maxPathBytes)}`]) {
      assert.throws(() => register(path), coded(4), path.slice(0, 10));
    }
    register(`/${'a'.repeat(maxPathBytes - 1)}`);
    assert.equal(claims.length, 1);
  });

  test('gives the code of the edge, and what was refused can be asked for again', () => {
    const { register, emit, claims } = end([4, 0]);
    assert.throws(() => register('/a'), coded(4));
    assert.throws(() => emit(emitting('/a')), coded(4));
    register('/a');
    emit(emitting('/a'));
    assert.equal(claims.length, 2);
  });
});

suite('sse_emit', () => {
  test('sends the frame, once, under the number of its path', () => {
    const { register, emit, emitted, claims } = end();
    register('/a');
    register('/b');
    emit(
      map([
        ['path', str('/b')],
        ['data', str('one\ntwo')],
        ['event', str('news')],
        ['id', str('7')],
      ]),
    );
    emit(array([str('/a'), str(''), str(''), str('text')]));
    assert.deepEqual(emitted, [
      [claims[1]?.number, 'id: 7\nevent: news\ndata: one\ndata: two\n\n'],
      [claims[0]?.number, 'data: text\n\n'],
    ]);
  });

  test('is 4 for a path that this instance has not registered, and for what cannot be in a line', () => {
    const { register, emit, emitted } = end();
    register('/a');
    for (const message of [
      emitting('/b'),
      emitting('/a/'),
      emitting(''),
      map([]),
      map([
        ['path', str('/a')],
        ['id', str('1\n2')],
      ]),
      map([
        ['path', str('/a')],
        ['event', str('\r')],
      ]),
    ]) {
      assert.throws(() => emit(message), coded(4));
    }
    assert.throws(() => emit(str('/a')), coded(3));
    assert.deepEqual(emitted, []);
  });
});

suite('sse_send', () => {
  test('sends to a subscriber from its sse.open on until its sse.close', () => {
    const { opened, closed, send, sent } = end();
    assert.throws(() => send(sending(5)), coded(4));
    opened(5);
    send(sending(5, 'text'));
    closed(5);
    assert.throws(() => send(sending(5)), coded(4));
    assert.deepEqual(sent, [[5, 'data: text\n\n']]);
  });

  test('is 4 for ids of nobody, whatever they are, and 3 for what cannot be decoded', () => {
    const { opened, send, sent } = end();
    opened(1);
    for (const id of [0, 2, -1, 2n ** 63n]) assert.throws(() => send(sending(id)), coded(4), String(id));
    assert.throws(() => send(map([['sub_id', str('1')]])), coded(3));
    assert.throws(
      () =>
        send(
          map([
            ['sub_id', int(1)],
            ['id', str('\0')],
          ]),
        ),
      coded(4),
    );
    assert.deepEqual(sent, []);
  });
});
