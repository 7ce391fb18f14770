import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import type { ClientHttp2Stream } from 'node:http2';
import { joined, turns, type Joined } from './http2-exchange.suite.ts';
import { type Http2Response, pieceBytes } from './http2-response.ts';

interface Asked extends Joined {
  readonly stream: ClientHttp2Stream;
  readonly response: Http2Response;
  /** What the client has got so far. */
  readonly got: { headers: Readonly<Record<string, unknown>> | undefined; body: string };
  readonly over: Promise<void>;
}

async function ask(t: TestContext, method = 'GET'): Promise<Asked> {
  const all = joined(t);
  const stream = all.client.request({ ':method': method });
  const got: Asked['got'] = { headers: undefined, body: '' };
  stream.on('response', ({ date: _date, ...headers }) => {
    got.headers = Object.fromEntries(Object.entries(headers));
  });
  stream.setEncoding('latin1').on('data', (text: string) => {
    got.body += text;
  });
  stream.on('error', () => undefined);
  const over = new Promise<void>((resolve) => stream.on('close', resolve));
  const { response } = await all.next();
  return { ...all, stream, response, got, over };
}

/** A second from now. */
function later(): number {
  return performance.now() + 1000;
}

suite('Http2Response', () => {
  test('takes headers as a list, as an object, and one by one', async (t) => {
    const list = await ask(t);
    list.response.writeHead(201, ['X-A', '1', 'X-A', '2', 'Connection', 'close']).end();
    await list.over;
    assert.deepEqual(list.got.headers, { ':status': 201, 'x-a': '1, 2' });
    const object = await ask(t);
    object.response.writeHead(202, { 'X-A': ['1', '2'], 'X-N': 3, 'Keep-Alive': 'x' }).end();
    await object.over;
    assert.deepEqual(object.got.headers, { ':status': 202, 'x-a': '1, 2', 'x-n': '3' });
    const single = await ask(t);
    const setter = single.response as unknown as { setHeader(name: string, value: string): void };
    setter.setHeader('X-Before', '1');
    single.response.writeHead(203, ['X-A', '2']).end();
    await single.over;
    assert.deepEqual(single.got.headers, { ':status': 203, 'x-before': '1', 'x-a': '2' });
  });

  test('leaves out what HTTP/2 forbids, and blanks around values', async (t) => {
    const { response, got, over } = await ask(t);
    const forbidden = [
      'Connection',
      'HTTP2-Settings',
      'Keep-Alive',
      'Proxy-Connection',
      'TE',
      'Transfer-Encoding',
      'Upgrade',
    ];
    response.writeHead(200, [...forbidden.flatMap((name) => [name, 'x']), 'A', ' \tb c ', 'D', ' ', 'E', '']);
    response.end();
    await over;
    assert.deepEqual(got.headers, { ':status': 200, a: 'b c', d: '', e: '' });
  });

  test('a header that others have once may be there twice', async (t) => {
    const { response, over, stream } = await ask(t);
    response.writeHead(200, ['ETag', '1', 'ETag', '2', 'Content-Type', 'a/b', 'Content-Type', 'c/d']).end();
    await over;
    assert.equal(stream.rstCode, 0);
  });

  test('sends a body of any size whole', async (t) => {
    for (const size of [
      0,
      1,
      pieceBytes - 1,
      pieceBytes,
      pieceBytes + 1,
      5 * pieceBytes,
      5 * pieceBytes + 1,
    ]) {
      const { response, got, over, stream } = await ask(t);
      const body = Buffer.alloc(size, Buffer.from(Array.from({ length: 251 }, (_, index) => index)));
      response.writeHead(200).end(body);
      response.end('again');
      await over;
      assert.equal(got.body, body.toString('latin1'), `${size} bytes`);
      assert.equal(stream.rstCode, 0);
    }
  });

  test('streams what is written, from a head that is sent at once', async (t) => {
    const { response, got, over } = await ask(t);
    response.writeHead(200, ['Content-Type', 'text/event-stream']);
    await turns();
    assert.equal(got.headers?.[':status'], 200);
    for (const text of ['one', 'two']) {
      response.write(text);
      await turns();
      assert.ok(got.body.endsWith(text));
    }
    response.end();
    await over;
    assert.equal(got.body, 'onetwo');
  });

  test('nothing throws when the client has gone, and the end is told once', async (t) => {
    for (const method of ['GET', 'HEAD', 'POST']) {
      const { response, stream, over } = await ask(t, method);
      let ends = 0;
      response.on('close', () => (ends += 1));
      stream.close(8);
      await over;
      await turns();
      assert.deepEqual([response.destroyed, ends], [true, 1], method);
      response.writeContinue();
      response.writeHead(200, ['A', 'b']);
      response.write('x');
      response.end('y');
      response.stopRequest();
      response.destroy();
      await turns();
      assert.equal(ends, 1, method);
    }
  });

  test('an answered HEAD ends once, too', async (t) => {
    const { response, over, got } = await ask(t, 'HEAD');
    let ends = 0;
    response.on('close', () => (ends += 1));
    response.writeHead(200, ['Content-Length', '5']).end();
    await over;
    await turns();
    assert.equal(ends, 1);
    assert.equal(got.headers?.['content-length'], '5');
  });

  test('a second head is left out', async (t) => {
    const { response, over, got } = await ask(t);
    response.writeHead(200);
    response.writeHead(500);
    response.end();
    await over;
    assert.equal(got.headers?.[':status'], 200);
  });

  test('what is given up in the middle does not look like the whole', async (t) => {
    const { response, over, stream } = await ask(t);
    response.writeHead(200).write('a part');
    await turns();
    response.destroy();
    await over;
    assert.equal(stream.rstCode, 2);
  });

  test('is stalled while the client takes nothing of what there is', async (t) => {
    const { response, stream } = await ask(t);
    stream.pause();
    assert.equal(response.stalledFor(later()), 0);
    response.writeHead(200).write('x');
    await turns();
    assert.equal(response.stalledFor(later()), 0);
    response.write(Buffer.alloc(1_000_000));
    await turns();
    assert.ok(response.stalledFor(later()) >= 1000);
    stream.resume();
    await turns(100);
    assert.equal(response.stalledFor(later()), 0);
    response.end();
  });
});
