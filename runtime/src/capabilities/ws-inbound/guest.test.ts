import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { guestContext } from '../../../../test/support/guest-context.ts';
import { bin, int, map, str } from '../../../../test/support/msgpack-bytes.ts';
import { wsClose, wsSend } from '../../../../test/support/ws-guest.ts';
import { Failure } from '../../ext.ts';
import { inlineBytes } from '../../link/link.ts';
import { guest } from './guest.ts';
import type { WsOptions } from './options.ts';
import { Kind } from './told.ts';
import { decodeFarewell, decodePath, Effect, latin1, maxPathBytes } from './wire.ts';

const options: WsOptions = {
  max_message_bytes: 1,
  max_buffered_bytes: 1,
  max_connections: 1,
  ping_interval_ms: 1,
  resume: false,
  allowed_origins: undefined,
  protocols: undefined,
};

/** The guest end, and what it sent: kind, id, and the payload as it was when it was sent. */
function end(code = 0) {
  const sent: [kind: number, id: number | undefined, text: string][] = [];
  const payloads: Uint8Array[] = [];
  const paths: string[] = [];
  const made = guest(
    guestContext({
      options,
      send(kind, payload, id) {
        sent.push([kind, id, latin1(payload)]);
        payloads.push(payload);
      },
      ask(kind, payload) {
        assert.equal(kind, Effect.register);
        paths.push(decodePath(payload));
        return code;
      },
    }),
  );
  const tell = (kind: number, id: number): void => made.deliver?.({ kind, id, cancelled: false });
  return { ...made.functions, sent, payloads, paths, tell };
}

/** As {@link end}, with the connection 7 open. */
function opened() {
  const made = end();
  made.tell(Kind.open, 7);
  return made;
}

const code = (expected: number) => (error: unknown) => error instanceof Failure && error.code === expected;

/** A text message for connection 7 whose payload is encoded already. */
function textMessage(payload: Buffer): Buffer {
  return map([
    ['conn_id', int(7)],
    ['opcode', int(1)],
    ['payload', payload],
  ]);
}

/** What `ws_close` sends for connection 7: effect, id, code and reason. */
function closing(...args: Parameters<typeof wsClose>) {
  const made = opened();
  made.ws_close(wsClose(...args));
  const [payload] = made.payloads;
  assert.ok(payload !== undefined);
  const farewell = decodeFarewell(payload);
  return [made.sent[0]?.[0], made.sent[0]?.[1], farewell.code, latin1(farewell.reason)];
}

function between(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

suite('ws_register', () => {
  test('asks for the path as it is', () => {
    const made = end();
    for (const path of ['/', '/:name', '/a b?c#d', '/\xff\0']) made.ws_register(Buffer.from(path, 'latin1'));
    assert.deepEqual(made.paths, ['/', '/:name', '/a b?c#d', '/\xff\0']);
  });

  test('4 for a path that does not begin with /, and for one that is too long', () => {
    const made = end();
    assert.throws(() => made.ws_register(Buffer.from('a')), code(4));
    assert.throws(() => made.ws_register(Buffer.from(`/${'x'.repeat(maxPathBytes)}`)), code(4));
    assert.deepEqual(made.paths, []);
    made.ws_register(Buffer.from(`/${'x'.repeat(maxPathBytes - 1)}`));
  });

  test('the code of the edge is its code', () =>
    assert.throws(() => end(4).ws_register(Buffer.from('/a')), code(4)));
});

suite('ws_send', () => {
  test('sends the message itself, by its kind', () => {
    const made = opened();
    made.ws_send(wsSend(7, 1, 'text'));
    made.ws_send(wsSend(7, 2, ''));
    assert.deepEqual(made.sent, [
      [Effect.text, 7, 'text'],
      [Effect.binary, 7, ''],
    ]);
  });

  test('takes text for bytes and the reverse', () => {
    const made = opened();
    made.ws_send(textMessage(str('a')));
    made.ws_send(textMessage(bin('b')));
    assert.deepEqual(
      made.sent.map(([, , text]) => text),
      ['a', 'b'],
    );
  });

  test('what is transferred is the own bytes of the host', () => {
    const made = opened();
    const memory = Buffer.alloc(100_000);
    const message = wsSend(7, 2, Buffer.alloc(inlineBytes + 1, 'x'));
    message.copy(memory, 5);
    made.ws_send(memory.subarray(5, 5 + message.length));
    const [payload] = made.payloads;
    assert.equal(payload?.length, inlineBytes + 1);
    assert.equal(payload.buffer.byteLength, inlineBytes + 1);
    memory.fill(0);
    assert.equal(latin1(payload), 'x'.repeat(inlineBytes + 1));
  });

  test('4 before ws.open, behind ws.close, for ids of others and for other opcodes', () => {
    const made = end();
    assert.throws(() => made.ws_send(wsSend(7, 1, '')), code(4));
    made.tell(Kind.open, 7);
    made.ws_send(wsSend(7, 1, ''));
    made.tell(Kind.frame, 7);
    made.ws_send(wsSend(7, 1, ''));
    for (const id of [0, 6, 8, 7n + 2n ** 53n, -7n]) {
      const message = map([
        ['conn_id', int(id)],
        ['opcode', int(1)],
      ]);
      assert.throws(() => made.ws_send(message), code(4));
    }
    for (const opcode of [0, 3, 8, 9, 10, 257])
      assert.throws(() => made.ws_send(wsSend(7, opcode, '')), code(4));
    made.tell(Kind.close, 7);
    assert.throws(() => made.ws_send(wsSend(7, 1, '')), code(4));
    assert.equal(made.sent.length, 2);
  });

  test('an opcode that is left out is none', () => {
    assert.throws(() => opened().ws_send(map([['conn_id', int(7)]])), code(4));
  });
});

suite('ws_close', () => {
  test('sends code and reason, 1000 for 0', () => {
    assert.deepEqual(closing(7, 4000, 'bye \xff'), [Effect.close, 7, 4000, 'bye \xff']);
    assert.deepEqual(closing(7, 0), [Effect.close, 7, 1000, '']);
  });

  test('of all codes those that RFC 6455 and its registry let an endpoint send are taken', () => {
    const taken: number[] = [];
    for (let number = -1; number <= 65_537; number++) {
      try {
        opened().ws_close(wsClose(7, number));
        taken.push(number);
      } catch (error) {
        assert.ok(code(4)(error));
      }
    }
    assert.deepEqual(taken, [0, ...between(1000, 1003), ...between(1007, 1014), ...between(3000, 4999)]);
  });

  test('4 for a reason over 123 bytes and for a connection that is not known', () => {
    assert.equal(closing(7, 1000, 'x'.repeat(123))[3], 'x'.repeat(123));
    assert.throws(() => opened().ws_close(wsClose(7, 1000, 'x'.repeat(124))), code(4));
    assert.throws(() => opened().ws_close(wsClose(8, 1000)), code(4));
  });

  test('the connection stays known until its ws.close', () => {
    const made = opened();
    made.ws_close(wsClose(7, 1000));
    made.ws_send(wsSend(7, 1, 'late'));
    made.ws_close(wsClose(7, 1000));
    made.tell(Kind.close, 7);
    assert.throws(() => made.ws_close(wsClose(7, 1000)), code(4));
  });
});
