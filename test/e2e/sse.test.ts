import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { patiently } from '../support/patiently.ts';
import type { PulpProcess } from '../support/pulp-process.ts';
import { header, RawConnection, rawRequest } from '../support/raw-http.ts';
import { suiteScope } from '../support/scope.ts';
import { eventually, SseClient } from '../support/sse-client.ts';
import { emitMessage, messages, seen, startSse, tell } from '../support/sse-guest.ts';
import { busy, respond } from '../support/wat-guest.ts';

const host = 'Host: test';

/** Waits until a connection has received so much. */
async function received(connection: RawConnection, text: string): Promise<string> {
  await patiently(
    eventually(
      () => Promise.resolve(connection.rest),
      (rest) => rest.includes(text),
    ),
    () => `${JSON.stringify(text)} did not come; there is ${JSON.stringify(connection.rest)}`,
  );
  return connection.rest;
}

suite('a stream of events', () => {
  const scope = suiteScope();
  let pulp: PulpProcess;

  before(async () => {
    pulp = await startSse(
      scope,
      {
        paths: ['/events', '/posts', '/other', '/with/\xc3\xa4', '/ok'],
        routes: {
          'POST /events': respond({ body: 'posted' }),
          'GET /events': respond({ body: 'route' }),
          'POST /posts': respond({}),
        },
      },
      { options: 'keepalive_ms = 0' },
    );
  });

  test('begins at once with its headers, on HTTP/1.1 in chunks', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    connection.head('GET /events?x=1 HTTP/1.1', host);
    const head = await received(connection, '\r\n\r\n');
    const lines = head.trimEnd().split('\r\n');
    assert.equal(lines.shift(), 'HTTP/1.1 200 OK');
    assert.deepEqual(
      lines.filter((line) => !line.startsWith('Date: ')),
      [
        'Content-Type: text/event-stream',
        'Cache-Control: no-cache',
        'X-Accel-Buffering: no',
        'Connection: keep-alive',
        'Keep-Alive: timeout=60',
        'Transfer-Encoding: chunked',
      ],
    );
    assert.deepEqual(
      await tell(pulp, 'emit', emitMessage('/events', { id: '7', event: 'a', data: 'b\nc' })),
      [0],
    );
    const frame = 'id: 7\nevent: a\ndata: b\ndata: c\n\n';
    const all = await received(connection, '\n\n\r\n');
    assert.equal(all.slice(head.length), `${frame.length.toString(16)}\r\n${frame}\r\n`);
  });

  test('on HTTP/1.0, and where the client asks for it, the connection is not kept', async (t) => {
    const old = await RawConnection.open(t, pulp.port);
    old.head('GET /events HTTP/1.0', host);
    const head = await received(old, '\r\n\r\n');
    assert.match(head, /\r\nConnection: close\r\n/);
    assert.doesNotMatch(head, /Transfer-Encoding/);
    const closing = await RawConnection.open(t, pulp.port);
    closing.head('GET /events HTTP/1.1', host, 'Connection: close');
    assert.match(await received(closing, '\r\n\r\n'), /\r\nConnection: close\r\n[^]*chunked/);
    await tell(pulp, 'emit', emitMessage('/events', { data: 'text' }));
    const all = await received(old, '\n\n');
    assert.equal(all.slice(head.length), 'data: text\n\n');
    await received(closing, 'c\r\ndata: text\n\n\r\n');
  });

  test('comes before a route of its path, for GET alone; paths are percent-decoded', async (t) => {
    const status = async (method: string, path: string): Promise<number> => {
      const connection = await RawConnection.open(t, pulp.port);
      connection.head(`${method} ${path} HTTP/1.1`, host, 'Content-Length: 0');
      const first = await received(connection, '\r\n\r\n');
      connection.drop();
      return Number(first.slice(9, 12));
    };
    for (const path of ['/events', '/%65vents', '/with/%C3%A4', 'http://test/events']) {
      const stream = await SseClient.open(t, { port: pulp.port, path: path.replace('http://test', '') });
      assert.equal(stream.response.headers['content-type'], 'text/event-stream', path);
      stream.close();
    }
    assert.equal(await status('GET', 'http://test/events'), 200);
    assert.equal(await (await fetch(`${pulp.url}/events`, { method: 'POST' })).text(), 'posted');
    // HEAD is the routes' affair, and a route for GET answers it.
    assert.equal(await status('HEAD', '/events'), 200);
    assert.equal(await status('HEAD', '/other'), 405);
    const refused = await rawRequest(t, pulp.port, { head: ['DELETE /other HTTP/1.1', host] });
    assert.deepEqual([refused.status, header(refused, 'Allow')], [405, 'GET']);
    // What a path has as a stream and what it has as routes is allowed on it.
    for (const [path, allow] of [
      ['/posts', 'GET, POST'],
      ['/events', 'GET, HEAD, POST'],
    ] as const) {
      const mixed = await rawRequest(t, pulp.port, { head: [`DELETE ${path} HTTP/1.1`, host] });
      assert.deepEqual([mixed.status, header(mixed, 'Allow')], [405, allow], path);
    }
    for (const path of ['/events/', '/Events', '/other/x'])
      assert.equal(await status('GET', path), 404, path);
    assert.equal(await status('GET', '/other%zz'), 400);
  });

  test('goes to the subscribers of its path alone, and to those that were there', async (t) => {
    const [one, two, other] = await Promise.all(
      ['/events', '/events', '/other'].map((path) => SseClient.open(t, { port: pulp.port, path })),
    );
    assert.ok(one && two && other);
    await tell(pulp, 'emit', emitMessage('/events', { data: 'first' }));
    await Promise.all([one.first(1), two.first(1)]);
    const late = await SseClient.open(t, { port: pulp.port, path: '/events' });
    await tell(
      pulp,
      'emits',
      messages([emitMessage('/other', { data: 'to other' }), emitMessage('/events', { data: 'second' })]),
    );
    assert.deepEqual(
      (await one.first(2)).map(({ data }) => data),
      ['first', 'second'],
    );
    assert.deepEqual(
      (await late.first(1)).map(({ data }) => data),
      ['second'],
    );
    assert.deepEqual(
      (await other.first(1)).map(({ data }) => data),
      ['to other'],
    );
  });

  test('imports refuse with their codes', async () => {
    assert.deepEqual(await tell(pulp, 'emit', emitMessage('/nowhere', { data: 'x' })), [4]);
    assert.deepEqual(await tell(pulp, 'emit', emitMessage('/events', { id: 'a\nb' })), [4]);
    assert.deepEqual(await tell(pulp, 'emit', emitMessage('/events', { event: 'a\rb' })), [4]);
    assert.deepEqual(await tell(pulp, 'emit', emitMessage('/events', { id: 'a\0b' })), [4]);
    assert.deepEqual(await tell(pulp, 'emit', 'text'), [3]);
    assert.deepEqual(await tell(pulp, 'emit', ''), [1]);
    assert.deepEqual(await tell(pulp, 'register', 'no-slash'), [4]);
    assert.deepEqual(await tell(pulp, 'register', '/events'), [0]);
    assert.deepEqual(await tell(pulp, 'register', `/${'x'.repeat(4096)}`), [4]);
    // It is not told of subscribers, so it knows none.
    assert.deepEqual(await tell(pulp, 'send', Buffer.from('81a67375625f696401', 'hex')), [4]);
  });

  test('a path can be registered at any time, and is logged', async (t) => {
    assert.deepEqual(await tell(pulp, 'register', '/later'), [0]);
    const stream = await SseClient.open(t, { port: pulp.port, path: '/later' });
    assert.deepEqual(await tell(pulp, 'emit', emitMessage('/later', { data: 'x' })), [0]);
    await stream.first(1);
    await pulp.line('sse route registered', { plugin: 'guest', path: '/later' });
    await pulp.line('sse route registered', { path: '/with/ä' });
  });

  test('data of any size and any bytes arrives, split where a client splits it', async (t) => {
    const stream = await SseClient.open(t, { port: pulp.port, path: '/events' });
    const texts = ['', ' ', 'x'.repeat(40_000), 'ä€😀', 'a\r\nb\rc\nd\n', '\0', 'x\n'.repeat(500_000)];
    for (const text of texts) {
      const data = Buffer.from(text).toString('latin1');
      assert.deepEqual(await tell(pulp, 'emit', emitMessage('/events', { data })), [0]);
    }
    const events = await stream.first(texts.length);
    for (const [index, text] of texts.entries()) {
      assert.ok(events[index]?.data === text.replaceAll(/\r\n|\r/g, '\n'), `text ${index} came as another`);
    }
  });

  test('a request behind it on its connection, and one behind another answer, wait for their turn', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    connection.send(
      `POST /events HTTP/1.1\r\n${host}\r\nContent-Length: 0\r\n\r\nGET /events HTTP/1.1\r\n${host}\r\n\r\n`,
    );
    connection.send(`GET /events HTTP/1.1\r\n${host}\r\n\r\n`);
    assert.equal((await connection.response()).body.toString(), 'posted');
    const head = await received(connection, '\r\n\r\n');
    assert.match(head, /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/event-stream/);
    await tell(pulp, 'emit', emitMessage('/events', { data: 'text' }));
    const all = await received(connection, 'data: text\n\n\r\n');
    assert.equal(all.length, head.length + 'c\r\ndata: text\n\n\r\n'.length);
  });

  test('a request with a body is taken when the body is there', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    connection.head('GET /events HTTP/1.1', host, 'Content-Length: 4');
    connection.send('half');
    await received(connection, 'text/event-stream');
  });
});

suite('a quiet stream', { concurrency: 2 }, () => {
  test('has a comment from time to time', async (t) => {
    const pulp = await startSse(t, { paths: ['/events'] }, { options: 'keepalive_ms = 50' });
    const stream = await SseClient.open(t, { port: pulp.port, path: '/events' });
    await stream.until(
      () => stream.comments.length >= 3,
      () => 'no comments came',
    );
    assert.deepEqual(new Set(stream.comments), new Set(['ping']));
    assert.deepEqual(stream.events, []);
  });

  test('outlasts every timeout of requests and connections', async (t) => {
    const pulp = await startSse(
      t,
      { paths: ['/events'] },
      {
        options: 'keepalive_ms = 0',
        args: ['request', 'write', 'header', 'body'].flatMap((name) => [`-${name}-timeout`, '200ms']),
      },
    );
    const stream = await SseClient.open(t, { port: pulp.port, path: '/events' });
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await tell(pulp, 'emit', emitMessage('/events', { data: 'text' }));
    await stream.first(1);
    assert.ok(!pulp.messages.includes('plugin did not respond'));
  });

  test('begins and goes on while the plugin is busy', async (t) => {
    const pulp = await startSse(
      t,
      { paths: ['/events'], routes: { 'GET /busy': busy(1500) } },
      { options: 'keepalive_ms = 50' },
    );
    const busyOne = await RawConnection.open(t, pulp.port);
    busyOne.head('GET /busy HTTP/1.1', host);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const stream = await SseClient.open(t, { port: pulp.port, path: '/events' });
    await stream.until(
      () => stream.comments.length >= 3,
      () => 'no comments came',
    );
    assert.equal(busyOne.rest, '', 'the plugin is not busy any more');
  });
});

suite('a plugin that is told of its subscribers', () => {
  test('sees path, query and headers of each, and sends to it in that very step', async (t) => {
    const pulp = await startSse(
      t,
      { paths: ['/events/\xc3\xa4'], welcome: 'welcome', farewell: 'farewell' },
      { options: 'events = true' },
    );
    const stream = await SseClient.open(t, {
      port: pulp.port,
      path: '/events/%C3%A4?a=1+2&a=3&b',
      headers: { 'last-event-id': '42', 'x-own': 'yes' },
    });
    assert.equal((await stream.first(1))[0]?.data, 'welcome');
    const [notice] = await seen(pulp);
    assert.ok(notice);
    assert.equal(notice.path, '/events/\xc3\xa4');
    assert.deepEqual(Object.fromEntries(notice.query ?? []), { a: '1 2', b: '' });
    const headers = Object.fromEntries(notice.headers ?? []);
    assert.equal(headers['Last-Event-Id'], '42');
    assert.equal(headers['X-Own'], 'yes');
    assert.ok(!('Host' in headers));
    stream.close();
    const all = await eventually(
      () => seen(pulp),
      (list) => list.length === 2,
    );
    assert.deepEqual(all[1], { id: notice.id });
    // In the step of its end a subscriber is nobody any more.
    const codes = Buffer.from(await (await fetch(`${pulp.url}/codes`)).arrayBuffer());
    assert.deepEqual([...codes], [0, 4]);
  });
});
