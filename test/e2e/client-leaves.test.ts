import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { maxOwedBytes } from '../../runtime/src/edge/connection.ts';
import { startGuest } from '../support/guest-host.ts';
import { respondLarge } from '../support/large-answer.ts';
import type { PulpProcess } from '../support/pulp-process.ts';
import { RawConnection } from '../support/raw-http.ts';
import { all, busy, codes, mirror, respond, type WatGuest } from '../support/wat-guest.ts';

const host = 'Host: test';

const guest: WatGuest = {
  routes: {
    'GET /busy': all(busy(600), respond({ body: 'done' })),
    'GET /counted': respond({}),
    'POST /mirror': mirror(),
    'GET /codes': codes(),
  },
};

/** Answers larger than what the system takes on the way, and together far more than a client may leave. */
const largeBytes = 8 * 1024 * 1024;
const largeRequests = 20;

/** The codes that the guest noted so far: one for every answer it gave. */
async function notedCodes(pulp: PulpProcess): Promise<number[]> {
  return [...new Uint8Array(await (await fetch(`${pulp.url}/codes`)).arrayBuffer())];
}

async function request(
  t: TestContext,
  pulp: PulpProcess,
  ...head: readonly string[]
): Promise<RawConnection> {
  const connection = await RawConnection.open(t, pulp.port);
  connection.head(...head);
  return connection;
}

/** Time for the host to see what happened on a socket. */
function aMoment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

suite('a client that stays and does not read', () => {
  test('loses its connection, with the rest of its answer', async (t) => {
    const pulp = await startGuest(t, guest, {
      args: ['-request-timeout', '300ms', '-write-timeout', '300ms'],
    });
    // More than the buffers of the system take.
    const body = Buffer.alloc(8 * 1024 * 1024, 'x');
    const requests = 4;
    const connection = await RawConnection.open(t, pulp.port);
    connection.pause();
    for (let sent = 0; sent < requests; sent++) {
      connection.head('POST /mirror HTTP/1.1', host, `Content-Length: ${body.length}`);
      connection.send(body);
    }
    // Far longer than both times. A client that reads after all finds what the system kept for it.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    connection.resume();
    await connection.closed;
    assert.ok(connection.rest.length < requests * body.length);
    assert.equal((await fetch(`${pulp.url}/counted`)).status, 200);
  });

  test('loses its connection as soon as it is owed too much, and is owed no more than that', async (t) => {
    const pulp = await startGuest(t, { routes: { 'GET /large': respondLarge(largeBytes), ...guest.routes } });
    const connection = await RawConnection.open(t, pulp.port);
    connection.pause();
    connection.send(`GET /large HTTP/1.1\r\n${host}\r\n\r\n`.repeat(largeRequests));
    // A client that does not read finds out by writing. Far sooner than any timeout of the host.
    const client = { gone: false };
    void connection.closed.then(() => {
      client.gone = true;
    });
    for (let turn = 0; !client.gone; turn++) {
      assert.ok(turn < 200, 'the connection is still there');
      connection.send('\r\n');
      await aMoment();
    }
    const received = connection.rest.length;
    assert.ok(received < maxOwedBytes + largeBytes, `the host kept ${received} bytes`);
    await pulp.alive();
  });
});

suite('a client that leaves', { concurrency: 2 }, () => {
  test('in the middle of head or body: nothing reaches the plugin', async (t) => {
    const pulp = await startGuest(t, guest);
    const heads = [
      'GET /cou',
      `GET /counted HTTP/1.1\r\n${host}\r\n`,
      `POST /mirror HTTP/1.1\r\n${host}\r\nContent-Length: 9\r\n\r\nhalf`,
    ];
    for (const bytes of heads) {
      const connection = await RawConnection.open(t, pulp.port);
      connection.send(bytes);
      await aMoment();
      connection.drop();
    }
    await aMoment();
    assert.deepEqual(await notedCodes(pulp), []);
  });

  test('while its request is queued: the plugin is never given it', async (t) => {
    const pulp = await startGuest(t, guest);
    const busyOne = await request(t, pulp, 'GET /busy HTTP/1.1', host);
    await aMoment();
    const leaving = await Promise.all(
      Array.from({ length: 20 }, () => request(t, pulp, 'GET /counted HTTP/1.1', host)),
    );
    await aMoment();
    // Some go with a reset, some in order.
    for (const [index, connection] of leaving.entries()) {
      if (index % 2 === 0) connection.drop();
      else connection.finish();
    }
    assert.equal((await busyOne.response()).body.toString(), 'done');
    assert.deepEqual(await notedCodes(pulp), [0]);
  });

  test('while its step runs: the answer goes nowhere, its code is 0, and the next request is served', async (t) => {
    const pulp = await startGuest(t, guest);
    const leaving = await request(t, pulp, 'GET /busy HTTP/1.1', host);
    await aMoment();
    leaving.drop();
    assert.deepEqual(await notedCodes(pulp), [0]);
    await pulp.alive();
    assert.ok(
      !pulp.messages.includes('plugin did not respond'),
      'an answer to nobody is an answer all the same',
    );
  });

  test('while a large answer is on its way: others are served, and the host ends in order', async (t) => {
    const pulp = await startGuest(t, guest);
    const body = Buffer.alloc(8 * 1024 * 1024, 'x');
    const head = ['POST /mirror HTTP/1.1', host, `Content-Length: ${body.length}`];
    const leaving = await Promise.all(Array.from({ length: 4 }, () => request(t, pulp, ...head)));
    for (const connection of leaving) connection.send(body);
    await Promise.all(leaving.map((connection) => connection.response().then(() => connection.drop())));
    const reading = await request(t, pulp, ...head);
    reading.send(body);
    await aMoment();
    reading.drop();
    await pulp.alive();
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
  });

  test('with requests still in its pipeline: the host lives on', async (t) => {
    const pulp = await startGuest(t, guest);
    for (let round = 0; round < 20; round++) {
      const connection = await RawConnection.open(t, pulp.port);
      connection.send(`GET /counted HTTP/1.1\r\n${host}\r\n\r\n`.repeat(50));
      if (round % 2 === 0) await connection.response();
      connection.drop();
    }
    await pulp.alive();
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
  });
});
