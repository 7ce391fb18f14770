import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { guestContext, silent } from '../../../../test/support/guest-context.ts';
import { array, bin, int, map, str } from '../../../../test/support/msgpack-bytes.ts';
import type { Delivery } from '../../ext.ts';
import { guest } from './guest.ts';
import {
  type Answer,
  decodeAnswer,
  decodeClaim,
  Effect,
  maxAnswerHeaders,
  maxMethodBytes,
  maxPatternBytes,
  type RouteClaim,
} from './wire.ts';

interface Sent extends Answer {
  readonly id: number | undefined;
}

/** The guest end, and what it sent. `ask` answers every claim with this code. */
function end(code = 0) {
  const sent: Sent[] = [];
  const claims: RouteClaim[] = [];
  const logs: [message: string, fields: unknown][] = [];
  const state: { event: Delivery | undefined } = { event: undefined };
  const context = guestContext({
    options: {},
    log: { ...silent, warn: (message, fields) => logs.push([message, fields]) },
    get event() {
      return state.event;
    },
    send(kind, payload, id) {
      assert.equal(kind, Effect.respond);
      const { status, headers, body } = decodeAnswer(payload);
      sent.push({ id, status, headers, body: Uint8Array.from(body) });
    },
    ask(kind, payload) {
      assert.equal(kind, Effect.register);
      claims.push(decodeClaim(payload));
      return code;
    },
  });
  const made = guest(context);
  return {
    sent,
    claims,
    logs,
    /** Begins the step of a request; ends the one before. */
    step: (id: number, cancelled = false): void => {
      state.event = { kind: 0, id, cancelled };
      made.deliver?.(state.event);
    },
    /** The step is over; a tick follows. */
    over: (): void => {
      state.event = undefined;
    },
    register: made.functions.http_register,
    respond: made.functions.http_respond,
  };
}

type Fields = readonly (readonly [key: string, value: Buffer])[];

/** A response as a guest sends it. */
function response(id: number | bigint, fields: Fields = []): Uint8Array {
  return map([['id', int(id)], ...fields]);
}

/** What the edge gets for a response with these fields. */
function answerTo(fields: Fields) {
  const made = end();
  made.step(1);
  made.respond(response(1, fields));
  const [answer] = made.sent;
  assert.ok(answer !== undefined, 'nothing was sent');
  const lines: [string, string][] = [];
  for (let index = 0; index < answer.headers.length; index += 2) {
    lines.push([answer.headers[index] ?? '', answer.headers[index + 1] ?? '']);
  }
  return { status: answer.status, lines, text: Buffer.from(answer.body).toString('latin1'), logs: made.logs };
}

const headers = (...pairs: readonly (readonly [string, Buffer])[]): Fields => [['headers', map(pairs)]];

const claim = (method: string, path: string): Uint8Array =>
  map([
    ['method', str(method)],
    ['path', str(path)],
  ]);

suite('http_register', () => {
  test('claims the method in upper case, without the blanks around it, and the pattern as it is', () => {
    const { register, claims } = end();
    register(claim(' get\t', '/a/:id/\xc3\xa0/*rest'));
    register(claim('M-Search', '/'));
    assert.deepEqual(claims, [
      { method: 'GET', pattern: '/a/:id/\xc3\xa0/*rest' },
      { method: 'M-SEARCH', pattern: '/' },
    ]);
  });

  test('refuses what is no method or no pattern, before it asks', () => {
    const { register, claims } = end();
    for (const [method, path] of [
      ['', '/'],
      ['G T', '/'],
      ['GET:', '/'],
      ['GET\xdf', '/'],
      ['GET', ''],
      ['GET', 'a'],
      ['GET', ' /a'],
      ['GET', '/a b'],
      ['GET', '/a\tb'],
      ['GET', '/a?b'],
      ['GET', '/a#b'],
      ['GET', `/${'a'.repeat(maxPatternBytes)}`],
      ['g'.repeat(maxMethodBytes + 1), '/'],
    ] as const) {
      assert.throws(
        () => register(claim(method, path)),
        { name: 'Failure', code: 4 },
        `${method} ${path.slice(0, 20)}`,
      );
    }
    assert.deepEqual(claims, []);
  });

  test('what cannot be decoded is 3', () => {
    const { register } = end();
    for (const bytes of [
      Buffer.of(0xc1),
      Buffer.of(0x81),
      str('GET /'),
      Buffer.of(0xdf, 0xff, 0xff, 0xff, 0xff),
    ]) {
      assert.throws(() => register(bytes), { name: 'Failure', code: 3 });
    }
  });

  test('is refused with the code that the edge gives', () => {
    const { register } = end(4);
    assert.throws(() => register(claim('GET', '/')), { name: 'Failure', code: 4 });
  });
});

suite('http_respond: who may answer what', () => {
  test('the running step answers its own request, once', () => {
    const { step, respond, sent } = end();
    step(7);
    respond(response(7));
    assert.throws(() => respond(response(7)), {
      name: 'Failure',
      code: 4,
      message: /no request with the id 7/,
    });
    assert.deepEqual(
      sent.map(({ id, status }) => [id, status]),
      [[7, 200]],
    );
  });

  test('ids of other, earlier or no requests are refused', () => {
    const { step, over, respond, sent } = end();
    assert.throws(() => respond(response(0)), { code: 4 });
    step(7);
    for (const id of [0, -7, 6, 8, 2n ** 64n - 1n, 2n ** 53n + 7n])
      assert.throws(() => respond(response(id)), { code: 4 });
    over();
    assert.throws(() => respond(response(7)), { code: 4 }, 'its step is over');
    step(8);
    assert.throws(() => respond(response(7)), { code: 4 }, 'it is another step');
    respond(response(8));
    assert.deepEqual(
      sent.map(({ id }) => id),
      [8],
    );
  });

  test('ids of other edges, beyond 32 bits, are answered', () => {
    const { step, respond, sent } = end();
    step(2 ** 44 * 3 + 1);
    respond(response(2 ** 44 * 3 + 1));
    assert.equal(sent[0]?.id, 2 ** 44 * 3 + 1);
  });

  test('an answer whose client has gone is no error', () => {
    const { step, respond } = end();
    step(1, true);
    respond(response(1));
    assert.throws(() => respond(response(1)), { code: 4 });
  });

  test('what cannot be decoded is 3, and the request still waits', () => {
    const { step, respond, sent } = end();
    step(1);
    for (const bytes of [
      Buffer.of(0xc1),
      map([['id', str('1')]]),
      response(1, [['status', str('200')]]),
      response(1, [['body', int(5)]]),
      response(1, [['headers', int(5)]]),
    ]) {
      assert.throws(() => respond(bytes), { name: 'Failure', code: 3 });
    }
    respond(response(1));
    assert.equal(sent.length, 1);
  });
});

const cookieLines = (count: number): Fields =>
  headers(['Set-Cookie', array(Array.from({ length: count }, () => str('a')))]);

const longLine = (size: number): Fields => headers(['X-A', str('x'.repeat(size))]);

suite('http_respond: what the client gets', () => {
  test('status 0 and none are 200', () => {
    assert.equal(answerTo([]).status, 200);
    assert.equal(answerTo([['status', int(0)]]).status, 200);
    assert.equal(answerTo([['status', int(204)]]).status, 204);
    assert.equal(answerTo([['status', int(599)]]).status, 599);
  });

  test('a status outside 200-599 is 502, with its reason in the log', () => {
    for (const status of [1, 99, 100, 101, 199, 600, 1000, -1, 2n ** 40n, 2n ** 63n, -(2n ** 63n)]) {
      const {
        status: given,
        text,
        lines,
        logs,
      } = answerTo([
        ['status', int(status)],
        ['body', bin('secret')],
      ]);
      assert.deepEqual([given, text], [502, 'bad response from plugin\n'], String(status));
      assert.deepEqual(lines, [['Content-Type', 'text/plain; charset=utf-8']]);
      assert.equal(logs[0]?.[0], 'bad response from plugin');
      assert.match(JSON.stringify(logs[0]?.[1]), /outside 200-599/);
    }
  });

  test('header names are canonical, values are the bytes that were given', () => {
    const { lines } = answerTo(
      headers(['x-request-ID', str('\xc3\xbc\xff')], ['date', str('now')], ['SERVER', str('mine')]),
    );
    assert.deepEqual(lines, [
      ['X-Request-Id', '\xc3\xbc\xff'],
      ['Date', 'now'],
      ['Server', 'mine'],
    ]);
  });

  test('several values are several lines, in their order', () => {
    const { lines } = answerTo(
      headers(['set-cookie', array([str('a=1'), str('b=2')])], ['x-none', array([])]),
    );
    assert.deepEqual(lines, [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ]);
  });

  test('cookies follow the Set-Cookie headers', () => {
    const { lines } = answerTo([
      ...headers(['Set-Cookie', str('a=1')], ['X-A', str('b')]),
      ['cookies', array([str('c=2'), str('d=3')])],
    ]);
    assert.deepEqual(lines, [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'c=2'],
      ['Set-Cookie', 'd=3'],
      ['X-A', 'b'],
    ]);
  });

  test('headers of the connection and the framing are the edge’s own', () => {
    const { status, lines } = answerTo(
      headers(
        ['content-length', str('5')],
        ['Transfer-Encoding', str('chunked')],
        ['CONNECTION', str('upgrade')],
        ['keep-alive', str('timeout=1000, max=9')],
        ['trailer', str('X-Late')],
        ['X-A', str('b')],
      ),
    );
    assert.deepEqual([status, lines], [200, [['X-A', 'b']]]);
  });

  test('names and values that HTTP forbids are 502', () => {
    for (const [name, value] of [
      ['', 'a'],
      ['a b', 'a'],
      ['a:', 'a'],
      ['a\r\nb', 'a'],
      ['\xe4', 'a'],
      ['X-A', 'a\r\nX-B: c'],
      ['X-A', 'a\nb'],
      ['X-A', 'a\0b'],
      ['X-A', 'a\x7fb'],
    ] as const) {
      const { status, lines } = answerTo(headers([name, str(value)], ['X-Good', str('d')]));
      assert.equal(status, 502, JSON.stringify([name, value]));
      assert.equal(lines.length, 1);
    }
    assert.equal(answerTo([['cookies', array([str('a\r\nb')])]]).status, 502);
  });

  test('a header name that is longer than all may be is 502, and is not shown', () => {
    const { status, logs } = answerTo(headers(['x'.repeat(65_536), str('a')]));
    assert.equal(status, 502);
    assert.match(JSON.stringify(logs), /"a header name of 65536 bytes"/);
  });

  test('more header lines or bytes than can be sent are 502', () => {
    assert.equal(answerTo(cookieLines(maxAnswerHeaders)).status, 200);
    assert.equal(answerTo(cookieLines(maxAnswerHeaders + 1)).status, 502);
    assert.equal(answerTo(cookieLines(40_000)).status, 502);
    assert.equal(answerTo(longLine(65_535 - 3)).status, 200);
    assert.equal(answerTo(longLine(65_535 - 2)).status, 502);
    assert.equal(answerTo(longLine(1_000_000)).status, 502);
  });

  test('a body without a type gets one, and nosniff with it', () => {
    const { lines, text } = answerTo([['body', bin('<html>')]]);
    assert.equal(text, '<html>');
    assert.deepEqual(lines, [
      ['Content-Type', 'text/html; charset=utf-8'],
      ['X-Content-Type-Options', 'nosniff'],
    ]);
  });

  test('a guest’s own type, and no body, are left alone', () => {
    assert.deepEqual(answerTo([...headers(['content-type', str('a/b')]), ['body', bin('<html>')]]).lines, [
      ['Content-Type', 'a/b'],
    ]);
    assert.deepEqual(answerTo([['body', bin('')]]).lines, []);
  });

  for (const code of [204, 205, 304]) {
    test(`${code} has no body, and no type is found out for the one that the guest gave`, () => {
      const { status, lines, text } = answerTo([
        ['status', int(code)],
        ['body', bin('<html>')],
        ...headers(['Etag', str('"1"')]),
      ]);
      assert.deepEqual([status, lines, text], [code, [['Etag', '"1"']], '']);
    });
  }

  test('a type that the guest gave for 304 stays', () => {
    const { lines } = answerTo([
      ['status', int(304)],
      ['body', bin('<html>')],
      ...headers(['Content-Type', str('a/b')]),
    ]);
    assert.deepEqual(lines, [['Content-Type', 'a/b']]);
  });

  test('a guest’s own X-Content-Type-Options is not there twice', () => {
    const { lines } = answerTo([
      ...headers(['x-content-type-options', str('nosniff')]),
      ['body', bin('text')],
    ]);
    assert.equal(lines.filter(([name]) => name === 'X-Content-Type-Options').length, 1);
  });

  test('a large body arrives whole', () => {
    const body = 'x'.repeat(1_000_000);
    assert.equal(answerTo([['body', bin(body)]]).text, body);
  });
});
