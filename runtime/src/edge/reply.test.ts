import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { exchange } from './exchange.suite.ts';
import { reply, shed, unavailable } from './reply.ts';

suite('reply', () => {
  test('is a line of text with its length in bytes, and the headers given', async () => {
    const { response, sent } = exchange();
    reply(response, 405, 'müthod', ['Allow', 'GET, POST']);
    await new Promise((resolve) => setImmediate(resolve));
    const [head = '', body] = sent().split('\r\n\r\n');
    assert.match(head, /^HTTP\/1\.1 405 Method Not Allowed\r\n/);
    assert.match(head, /\r\nContent-Type: text\/plain; charset=utf-8\r\n/);
    assert.match(head, /\r\nX-Content-Type-Options: nosniff\r\n/);
    assert.match(head, /\r\nContent-Length: 8\r\n/);
    assert.match(head, /\r\nAllow: GET, POST\r\n/);
    assert.equal(Buffer.from(body ?? '', 'latin1').toString(), 'müthod\n');
  });

  test('to HEAD is without its body, whose length it tells', async () => {
    const { response, sent } = exchange('HEAD');
    reply(response, 404, '404 page not found');
    await new Promise((resolve) => setImmediate(resolve));
    assert.match(sent(), /\r\nContent-Length: 19\r\n[^]*\r\n\r\n$/);
  });

  test('does nothing when the client has its answer or has gone', async () => {
    const answered = exchange();
    reply(answered.response, 200, 'first');
    reply(answered.response, 500, 'second');
    await new Promise((resolve) => setImmediate(resolve));
    assert.match(answered.sent(), /^HTTP\/1\.1 200 /);
    assert.doesNotMatch(answered.sent(), /second/);
    const gone = exchange();
    gone.response.destroy();
    reply(gone.response, 500, 'nobody reads this');
    assert.equal(gone.sent(), '');
  });

  test('unavailable is 503 and says when to come again', async () => {
    const { response, sent } = exchange();
    unavailable(response);
    await new Promise((resolve) => setImmediate(resolve));
    assert.match(sent(), /^HTTP\/1\.1 503 [^]*\r\nRetry-After: 1\r\n/);
  });

  test('an answer that is given up ends its connection on HTTP/1.1, and is 503 on HTTP/2', async () => {
    const one = exchange();
    shed(one.response);
    assert.deepEqual([one.response.destroyed, one.sent()], [true, '']);
    const two = exchange();
    two.request.httpVersionMajor = 2;
    shed(two.response);
    await new Promise((resolve) => setImmediate(resolve));
    assert.match(two.sent(), /^HTTP\/1\.1 503 /);
  });
});
