import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import { Budget } from './budget.ts';
import {
  answersOwed,
  type Begun,
  beginAnswer,
  endWithAnswers,
  maxOwedBytes,
  maxPipelined,
  maxUnanswered,
  oweAnswer,
} from './connection.ts';

interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Whether {@link beginAnswer} took it, and what it said. */
  readonly taken: boolean;
  readonly begun: Begun;
  /** The answer is over: sent, or its connection has gone. */
  readonly over: () => void;
}

/** A connection of one client, without a network. */
function client(t: TestContext, unanswered = new Budget(maxUnanswered)) {
  const socket = new Socket();
  t.after(() => socket.destroy());
  const end = t.mock.method(socket, 'end', () => socket);
  const pause = t.mock.method(socket, 'pause', () => socket);
  return {
    socket,
    /** How often the connection was ended, and how often it was told to bring no more. */
    ended: () => end.mock.callCount(),
    paused: () => pause.mock.callCount(),
    /** A request whose body has arrived, or not yet. */
    ask: (complete = true): Asked => {
      const request = new IncomingMessage(socket);
      request.complete = complete;
      const response = new ServerResponse(request);
      const begun = beginAnswer(request, response, unanswered);
      const over = (): void => void response.emit('close');
      return { request, response, begun, taken: begun === 'taken', over };
    },
  };
}

suite('beginAnswer', () => {
  test(`takes ${maxPipelined} requests of a connection, and no more until an answer is over`, (t) => {
    const { ask } = client(t);
    const taken = Array.from({ length: maxPipelined }, () => ask());
    assert.ok(taken.every((asked) => asked.taken));
    const refused = ask();
    assert.equal(refused.taken, false);
    assert.equal(ask().taken, false);
    // Both of those count until their 503 is sent, so one answer alone makes no room.
    taken[0]?.over();
    assert.equal(ask().taken, false);
    for (const { over } of taken) over();
    assert.equal(ask().taken, true);
  });

  test('counts each connection by itself', (t) => {
    const greedy = client(t);
    for (let count = 0; count <= maxPipelined; count++) greedy.ask();
    assert.equal(greedy.ask().taken, false);
    assert.equal(client(t).ask().taken, true);
  });

  test('all together may have so many; beyond that each connection has one, until answers are over', (t) => {
    const unanswered = new Budget(3);
    const [one, two, three] = [client(t, unanswered), client(t, unanswered), client(t, unanswered)];
    const first = [one.ask(), one.ask(), two.ask()];
    assert.deepEqual(new Set(first.map(({ begun }) => begun)), new Set(['taken']));
    assert.equal(three.ask().begun, 'taken', 'its first');
    const refused = [one.ask(), two.ask(), three.ask()];
    assert.deepEqual(new Set(refused.map(({ begun }) => begun)), new Set(['all full']));
    for (const { over } of [...first, ...refused]) over();
    assert.equal(unanswered.used, 1);
    assert.equal(two.ask().taken, true);
    assert.equal(two.ask().taken, true);
    assert.equal(two.ask().begun, 'all full');
  });
});

test('answersOwed counts the answers of a connection that are not over', (t) => {
  const { ask, socket } = client(t);
  assert.equal(answersOwed(socket), 0);
  const [first, second] = [ask(), ask()];
  assert.equal(answersOwed(socket), 2);
  second.over();
  assert.equal(answersOwed(socket), 1);
  first.over();
  assert.equal(answersOwed(socket), 0);
  assert.equal(answersOwed(client(t).socket), 0);
});

suite('oweAnswer', () => {
  test(`keeps ${maxOwedBytes} bytes of a connection, and not one more`, (t) => {
    const { ask } = client(t);
    assert.equal(oweAnswer(ask().response, maxOwedBytes - 1), true);
    assert.equal(oweAnswer(ask().response, 2), false);
    assert.equal(oweAnswer(ask().response, 1), true);
    assert.equal(oweAnswer(ask().response, 1), false);
  });

  test('counts what it refused for nothing', (t) => {
    const { ask } = client(t);
    oweAnswer(ask().response, maxOwedBytes);
    const refused = ask();
    assert.equal(oweAnswer(refused.response, 10), false);
    refused.over();
    assert.equal(oweAnswer(ask().response, 10), false);
  });

  test('has room again once an answer is over', (t) => {
    const { ask } = client(t);
    const first = ask();
    oweAnswer(first.response, maxOwedBytes / 2);
    oweAnswer(ask().response, maxOwedBytes / 2);
    assert.equal(oweAnswer(ask().response, 1), false);
    first.over();
    assert.equal(oweAnswer(ask().response, maxOwedBytes / 2), true);
    assert.equal(oweAnswer(ask().response, 1), false);
  });

  test('one answer always fits, however large, and nothing beside it', (t) => {
    const { ask } = client(t);
    const large = ask();
    assert.equal(oweAnswer(large.response, maxOwedBytes * 4), true);
    assert.equal(oweAnswer(ask().response, 1), false);
    large.over();
    assert.equal(oweAnswer(ask().response, 1), true);
  });

  test('counts each connection by itself', (t) => {
    oweAnswer(client(t).ask().response, maxOwedBytes);
    assert.equal(oweAnswer(client(t).ask().response, maxOwedBytes), true);
  });

  test('counts the streams of one HTTP/2 session together', (t) => {
    const session = {};
    const stream = (): Asked => {
      const request = new IncomingMessage(client(t).socket);
      const response = Object.assign(new ServerResponse(request), { session });
      const begun = beginAnswer(request, response, new Budget(maxUnanswered));
      const over = (): void => void response.emit('close');
      return { request, response, begun, taken: begun === 'taken', over };
    };
    const large = stream();
    assert.equal(oweAnswer(large.response, maxOwedBytes), true);
    assert.equal(oweAnswer(stream().response, 1), false);
    large.over();
    assert.equal(oweAnswer(stream().response, 1), true);
  });

  test('takes an answer to what was never counted', (t) => {
    const request = new IncomingMessage(client(t).socket);
    assert.equal(oweAnswer(new ServerResponse(request), maxOwedBytes * 2), true);
  });
});

const fault = { status: 400, text: '400 bad request' };

suite('endWithAnswers', () => {
  test('does nothing for a connection that is owed no answer', (t) => {
    const fresh = client(t);
    assert.equal(endWithAnswers(fresh.socket, fault), false);
    const served = client(t);
    served.ask().over();
    assert.equal(endWithAnswers(served.socket, fault), false);
    assert.deepEqual([fresh.ended(), fresh.paused(), served.ended(), served.paused()], [0, 0, 0, 0]);
  });

  test('does nothing for a connection that has gone', (t) => {
    const { socket, ask } = client(t);
    ask();
    socket.destroy();
    assert.equal(endWithAnswers(socket, fault), false);
  });

  test('lets the answers of whole requests go out, reads no more, and ends behind the last', (t) => {
    const { socket, ask, ended, paused } = client(t);
    const asked = [ask(), ask(), ask()];
    assert.equal(endWithAnswers(socket, fault), true);
    assert.equal(paused(), 1);
    for (const { response, over } of asked) {
      assert.equal(response.headersSent, false, 'the fault stands in place of an answer');
      assert.equal(ended(), 0, 'it ended before its answers were over');
      over();
    }
    assert.equal(ended(), 1);
  });

  test('gives the fault to the request that was under way, and to no other', (t) => {
    const { socket, ask, ended } = client(t);
    const whole = ask();
    const broken = ask(false);
    assert.equal(endWithAnswers(socket, fault), true);
    assert.equal(whole.response.headersSent, false);
    assert.equal(broken.response.statusCode, 400);
    assert.equal(broken.response.headersSent, true);
    assert.equal(broken.response.shouldKeepAlive, false);
    whole.over();
    assert.equal(ended(), 0);
    broken.over();
    assert.equal(ended(), 1);
  });

  test('an answer that was given already stays the answer', (t) => {
    const { socket, ask } = client(t);
    const broken = ask(false);
    broken.response.writeHead(413);
    assert.equal(endWithAnswers(socket, fault), true);
    assert.equal(broken.response.statusCode, 413);
  });

  test('a connection without a fault stays open behind its answers', (t) => {
    const { ask, ended } = client(t);
    ask().over();
    assert.equal(ended(), 0);
  });
});
