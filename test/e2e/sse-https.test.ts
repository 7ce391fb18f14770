import assert from 'node:assert/strict';
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { get } from 'node:https';
import { suite, test } from 'node:test';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { httpsFlags } from '../support/https-certificates.ts';
import { patiently } from '../support/patiently.ts';
import type { PulpProcess } from '../support/pulp-process.ts';
import type { Scope } from '../support/scope.ts';
import { eventually } from '../support/sse-client.ts';
import { emitMessage, messages, seen, sendMessage, startSse, tell } from '../support/sse-guest.ts';

/** An HTTP/2 connection, which ends with its test at the latest. */
function connection(t: Scope, { port }: PulpProcess): ClientHttp2Session {
  const session = connect(`https://localhost:${port}`, { rejectUnauthorized: false });
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  return session;
}

/** A stream of events on an HTTP/2 connection. */
async function subscribe(session: ClientHttp2Session, path: string) {
  const stream = session.request({ ':path': path }, { endStream: true });
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event) });
  const head = Promise.withResolvers<IncomingHttpHeaders>();
  const ended = Promise.withResolvers<number>();
  stream.on('response', head.resolve).on('error', () => undefined);
  stream.on('close', () => ended.resolve(stream.rstCode));
  const headers = await patiently(head.promise, () => `${path} was not answered`);
  stream.setEncoding('utf8').on('data', (text: string) => parser.feed(text));
  return { stream, events, headers, ended: ended.promise };
}

/** Where requests go that tell the guest what to do. */
function guestOf({ port }: PulpProcess): { readonly url: string } {
  return { url: `https://localhost:${port}` };
}

suite('streams over HTTPS', () => {
  test('on HTTP/2 have the same headers but those of a connection, and every event', async (t) => {
    const pulp = await startSse(t, { paths: ['/events'] }, { options: 'events = true', args: httpsFlags() });
    const guest = guestOf(pulp);
    const session = connection(t, pulp);
    const [one, two] = [await subscribe(session, '/events'), await subscribe(session, '/events?n=2')];
    const { ':status': status, date, ...headers } = one.headers;
    assert.equal(status, 200);
    assert.ok(date !== undefined);
    assert.deepEqual(Object.fromEntries(Object.entries(headers)), {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    });
    const data = 'x'.repeat(200_000);
    for (const text of ['first', data]) await tell(guest, 'emit', emitMessage('/events', { data: text }));
    for (const { events } of [one, two]) {
      await eventually(
        () => Promise.resolve(events.length),
        (count) => count === 2,
      );
      assert.ok(events[0]?.data === 'first' && events[1]?.data === data);
    }
    const [, second] = await seen(guest);
    assert.ok(second);
    one.stream.close();
    await eventually(
      () => seen(guest),
      (list) => list.length === 3,
    );
    assert.deepEqual(await tell(guest, 'send', sendMessage(second.id, { data: 'to two' })), [0]);
    await eventually(
      () => Promise.resolve(two.events.length),
      (count) => count === 3,
    );
    // The whole connection goes.
    session.destroy();
    await eventually(
      () => seen(guest),
      (list) => list.length === 4,
    );
  });

  test('on HTTP/2 one that does not read is dropped, and the others of its connection go on', async (t) => {
    const pulp = await startSse(
      t,
      { paths: ['/events', '/other'] },
      { options: 'max_buffered_bytes = 100_000', args: httpsFlags() },
    );
    const guest = guestOf(pulp);
    const session = connection(t, pulp);
    const [stalled, reading] = [await subscribe(session, '/events'), await subscribe(session, '/other')];
    stalled.stream.pause();
    const some = messages(
      Array.from({ length: 10 }, () => emitMessage('/events', { data: 'x'.repeat(20_000) })),
    );
    while (!pulp.messages.includes('sse subscribers dropped')) await tell(guest, 'emits', some);
    await tell(guest, 'emit', emitMessage('/other', { data: 'text' }));
    await eventually(
      () => Promise.resolve(reading.events.length),
      (count) => count === 1,
    );
    stalled.stream.resume();
    assert.notEqual(await patiently(stalled.ended, () => 'it was not dropped'), 0);
  });

  test('a quiet one outlasts every timeout on HTTP/2, and ends in order with the host', async (t) => {
    const pulp = await startSse(
      t,
      { paths: ['/events'] },
      {
        options: 'keepalive_ms = 0',
        args: [
          ...httpsFlags(),
          ...['request', 'write', 'header', 'body'].flatMap((name) => [`-${name}-timeout`, '200ms']),
        ],
      },
    );
    const guest = guestOf(pulp);
    const stream = await subscribe(connection(t, pulp), '/events');
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await tell(guest, 'emit', emitMessage('/events', { data: 'text' }));
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
    assert.equal(await stream.ended, 0);
    assert.deepEqual(
      stream.events.map(({ data }) => data),
      ['text'],
    );
  });

  test('on HTTP/1.1 are as they are without TLS', async (t) => {
    const pulp = await startSse(t, { paths: ['/events'] }, { args: httpsFlags() });
    const guest = guestOf(pulp);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const data = 'x'.repeat(300_000);
    const request = get(
      { port: pulp.port, host: 'localhost', path: '/events', rejectUnauthorized: false, agent: false },
      (response) => {
        assert.equal(response.headers['transfer-encoding'], 'chunked');
        const parser = createParser({ onEvent: (event) => resolve(event.data) });
        response.setEncoding('utf8').on('data', (text: string) => parser.feed(text));
        response.on('error', () => undefined);
        tell(guest, 'emit', emitMessage('/events', { data })).catch(reject);
      },
    );
    request.on('error', reject);
    t.after(() => request.destroy());
    assert.ok((await patiently(promise, () => 'no event came')) === data);
  });
});
