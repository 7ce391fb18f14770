import assert from 'node:assert/strict';
import { connect } from 'node:tls';
import { suite, test, type TestContext } from 'node:test';
import { startGuest } from '../support/guest-host.ts';
import { Http2Client } from '../support/http2-client.ts';
import { httpsFlags } from '../support/https-certificates.ts';
import { respondLarge } from '../support/large-answer.ts';
import { patiently } from '../support/patiently.ts';
import type { PulpProcess } from '../support/pulp-process.ts';
import { Flag, Frame, headersFrame, pseudo, RawHttp2 } from '../support/raw-http2.ts';
import { RawConnection } from '../support/raw-http.ts';
import { all, busy, respond, type WatGuest } from '../support/wat-guest.ts';

const large = 10 * 1024 * 1024;

const guest: WatGuest = {
  routes: {
    'GET /busy': all(busy(1000), respond({ body: 'done' })),
    'POST /busy': respond({}),
    'GET /large': respondLarge(large),
  },
};

const clean = { code: 0, signal: null, stderr: '' };

function start(t: TestContext, ...args: readonly string[]): Promise<PulpProcess> {
  return startGuest(t, guest, { args: [...httpsFlags(), ...args] });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

suite('the end of a host that serves HTTPS', { concurrency: 2 }, () => {
  test('over HTTP/2 the step that runs gets its answer, queued requests get 503, idle ones a goodbye', async (t) => {
    const pulp = await start(t);
    const idle = await Http2Client.open(t, pulp.port);
    const client = await Http2Client.open(t, pulp.port);
    const running = client.request('/busy');
    await pause(200);
    const queued = Array.from({ length: 5 }, () => client.request('/busy'));
    await pause(200);
    pulp.signal('SIGTERM');
    for (const answer of queued) {
      const { status, headers } = await answer;
      assert.deepEqual([status, headers['retry-after']], [503, '1']);
    }
    const { status, body } = await running;
    assert.deepEqual([status, body.toString()], [200, 'done']);
    assert.deepEqual(await pulp.end(), clean, pulp.dump());
    for (const { goaway, closed } of [idle, client]) {
      assert.equal(goaway, 0);
      await patiently(closed, () => 'still connected');
    }
    assert.equal(pulp.messages.at(-1), 'pulp exit clean');
  });

  test('over HTTP/1.1 it is as without TLS', async (t) => {
    const pulp = await start(t);
    const open = (): ReturnType<typeof connect> => {
      const socket = connect({ port: pulp.port, host: '127.0.0.1', rejectUnauthorized: false });
      t.after(() => socket.destroy());
      return socket;
    };
    const idle = open();
    const running = open();
    const answer = running.toArray();
    running.write('GET /busy HTTP/1.1\r\nHost: a\r\n\r\n');
    await pause(400);
    pulp.signal('SIGTERM');
    assert.match(Buffer.concat(await answer).toString(), /^HTTP\/1\.1 200 [^]*done$/);
    await patiently(idle.toArray(), () => 'still connected');
    assert.deepEqual(await pulp.end(), clean, pulp.dump());
  });

  for (const protocol of ['h2', 'http/1.1']) {
    test(`an answer that a slow client still reads over ${protocol} is sent to its end`, async (t) => {
      const pulp = await start(t);
      const { received, resume } = await slowReader(t, pulp.port, protocol);
      await pause(500);
      pulp.signal('SIGTERM');
      await pause(2500);
      resume();
      assert.equal(await received, large);
      assert.deepEqual(await pulp.end(), clean, pulp.dump());
    });

    test(`an answer that nobody reads over ${protocol} is cut off: exit code 1`, async (t) => {
      const pulp = await start(t, '-drain-timeout', '500ms');
      const { received, resume } = await slowReader(t, pulp.port, protocol);
      await pause(500);
      assert.equal((await pulp.stop()).code, 1, pulp.dump());
      await pulp.line('answers cut off');
      resume();
      assert.equal(await received, undefined);
    });
  }

  test('clients that do not finish, or stay in their handshake, do not hold it up', async (t) => {
    const pulp = await start(t);
    const silent = await RawConnection.open(t, pulp.port);
    const half = await RawHttp2.open(t, pulp.port);
    half.send(headersFrame(1, pseudo('/busy', 'POST'), Flag.endHeaders));
    const stays = await RawHttp2.open(t, pulp.port);
    stays.send(headersFrame(1));
    await stays.frame(Frame.headers, 1);
    stays.pause();
    await pause(100);
    const begun = performance.now();
    assert.deepEqual(await pulp.stop(), clean, pulp.dump());
    assert.ok(performance.now() - begun < 8000, 'the end waited for clients');
    for (const { closed } of [silent, half]) await patiently(closed, () => 'still connected');
  });

  test('a request that comes behind the goodbye is refused, so that it can be made elsewhere', async (t) => {
    const pulp = await start(t);
    const raw = await RawHttp2.open(t, pulp.port);
    raw.send(headersFrame(1, pseudo('/busy')));
    await pause(300);
    pulp.signal('SIGTERM');
    const goodbye = await raw.frame(Frame.goaway);
    assert.equal(goodbye?.payload.readUInt32BE(0), 1);
    raw.send(headersFrame(3));
    assert.equal((await raw.frame(Frame.headers, 1))?.payload[0], 0x88);
    await patiently(raw.closed, () => 'still connected');
    assert.ok(!raw.frames.some(({ type, stream }) => type === Frame.headers && stream === 3));
    assert.deepEqual(await pulp.end(), clean, pulp.dump());
  });
});

/**
 * A client that asks for the large answer and reads nothing before `resume`. Gives how many bytes its body had, and
 * undefined when it was not whole.
 */
async function slowReader(
  t: TestContext,
  port: number,
  protocol: string,
): Promise<{ received: Promise<number | undefined>; resume: () => void }> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  if (protocol === 'h2') {
    const { session } = await Http2Client.open(t, port);
    const stream = session.request({ ':path': '/large' });
    let length = 0;
    stream.on('error', () => undefined);
    stream.on('close', () => resolve(stream.rstCode === 0 && length === large ? length : undefined));
    return {
      received: promise,
      resume: () => {
        stream.on('data', (chunk: Buffer) => {
          length += chunk.length;
        });
      },
    };
  }
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.pause();
  socket.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
  const chunks: Buffer[] = [];
  socket.on('close', () => {
    const response = Buffer.concat(chunks);
    const length = response.length - response.indexOf('\r\n\r\n') - 4;
    resolve(length === large ? length : undefined);
  });
  return {
    received: promise,
    resume: () => {
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.resume();
    },
  };
}
