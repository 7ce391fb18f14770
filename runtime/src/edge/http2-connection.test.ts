import assert from 'node:assert/strict';
import type { ClientHttp2Stream } from 'node:http2';
import { suite, test } from 'node:test';
import { maxCancelledBytes } from './http2-connection.ts';
import { joined, turns } from './http2-exchange.suite.ts';
import { pieceBytes } from './http2-response.ts';

/** The status and the code that a stream ended with, once it has. */
function ending(stream: ClientHttp2Stream): Promise<{ status: number | undefined; code: number }> {
  let status: number | undefined;
  const { promise, resolve } = Promise.withResolvers<{ status: number | undefined; code: number }>();
  stream.on('response', ({ ':status': found }) => {
    status = found;
  });
  stream.on('error', () => undefined);
  stream.on('close', () => resolve({ status, code: stream.rstCode }));
  stream.resume();
  return promise;
}

suite('Http2Connection', () => {
  test('lets a client go that begins no request in the time for a head', async (t) => {
    const all = joined(t);
    await turns();
    all.connection.check(performance.now() + 900);
    await turns();
    assert.equal(all.goaway, undefined);
    all.connection.check(performance.now() + 1100);
    await all.closed;
    assert.equal(all.goaway, 0);
  });

  test('lets a client go that has been idle for the time that idle ones have', async (t) => {
    const all = joined(t);
    const first = ending(all.client.request());
    (await all.next()).response.writeHead(200).end('x');
    assert.deepEqual(await first, { status: 200, code: 0 });
    await turns();
    all.connection.check(performance.now() + 3900);
    await turns();
    assert.equal(all.goaway, undefined);
    all.connection.check(performance.now() + 4100);
    await all.closed;
    assert.equal(all.goaway, 0);
  });

  test('keeps a client that waits for an answer, however long', async (t) => {
    const all = joined(t);
    const answer = ending(all.client.request());
    const { response } = await all.next();
    all.connection.check(performance.now() + 1e6);
    await turns();
    assert.equal(all.goaway, undefined);
    response.writeHead(200).end();
    assert.deepEqual(await answer, { status: 200, code: 0 });
  });

  test('answers 408 to a body that does not come, and lets the others be', async (t) => {
    const all = joined(t);
    const slow = all.client.request({ ':method': 'POST' }, { endStream: false });
    slow.write('a part');
    const answer = ending(slow);
    await all.next();
    const whole = ending(all.client.request({ ':method': 'POST' }).end('whole'));
    const { incoming, response } = await all.next();
    incoming.request.resume();
    await turns();
    all.connection.check(performance.now() + 1900);
    await turns();
    assert.equal(slow.closed, false);
    all.connection.check(performance.now() + 2100);
    assert.deepEqual(await answer, { status: 408, code: 0 });
    response.writeHead(200).end();
    assert.deepEqual(await whole, { status: 200, code: 0 });
  });

  test('gives an answer up that nobody takes, and no other', async (t) => {
    const all = joined(t);
    const stuck = all.client.request({ ':path': '/stuck' });
    const streaming = all.client.request({ ':path': '/streaming' });
    const first = (await all.next()).response;
    const second = (await all.next()).response;
    // More than the client's window, which nobody opens further.
    first.writeHead(200).end(Buffer.alloc(1_000_000));
    second.writeHead(200).write('what there is so far');
    await turns();
    assert.equal(all.connection.answering, true);
    all.connection.check(performance.now() + 2900);
    await turns();
    assert.equal(stuck.closed, false);
    all.connection.check(performance.now() + 3100);
    assert.equal((await ending(stuck)).code, 2);
    assert.equal(streaming.closed, false);
    second.end();
    assert.deepEqual(await ending(streaming), { status: undefined, code: 0 });
  });

  test('is answering from the head of an answer to its end', async (t) => {
    const all = joined(t);
    const answer = ending(all.client.request());
    const { response } = await all.next();
    assert.equal(all.connection.answering, false);
    response.writeHead(200).write('x');
    assert.equal(all.connection.answering, true);
    response.end();
    await answer;
    await turns();
    assert.equal(all.connection.answering, false);
  });

  test('ends behind the answers that are due once it is told to close', async (t) => {
    const all = joined(t);
    const answer = ending(all.client.request());
    const { response } = await all.next();
    all.connection.close();
    await turns();
    assert.equal(all.goaway, 0);
    response.writeHead(200).end('x');
    assert.deepEqual(await answer, { status: 200, code: 0 });
    await all.closed;
    assert.equal(all.connection.answering, false);
  });

  test('counts nothing as cancelled that was sent', async (t) => {
    const all = joined(t);
    for (let sent = 0; sent <= maxCancelledBytes; sent += pieceBytes) {
      const answer = ending(all.client.request());
      (await all.next()).response.writeHead(200).end(Buffer.alloc(pieceBytes));
      assert.deepEqual(await answer, { status: 200, code: 0 });
    }
    await turns();
    assert.equal(all.goaway, undefined);
  });

  test('asks for a fresh connection when much was cancelled', async (t) => {
    const all = joined(t);
    const cancel = async (): Promise<void> => {
      const stream = all.client.request();
      stream.on('error', () => undefined);
      const { response } = await all.next();
      response.writeHead(200).write(Buffer.alloc(maxCancelledBytes / 4 - 1));
      await turns(4);
      stream.close(8);
      await new Promise((resolve) => stream.on('close', resolve));
      await turns(4);
    };
    for (let count = 0; count < 4; count++) await cancel();
    assert.equal(all.goaway, undefined);
    await cancel();
    await turns();
    assert.equal(all.goaway, 0);
  });
});
