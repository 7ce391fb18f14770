import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { startGuest } from '../support/guest-host.ts';
import type { PulpProcess } from '../support/pulp-process.ts';
import { mirrored } from '../support/mirrored.ts';
import { header, RawConnection, rawRequest } from '../support/raw-http.ts';
import { suiteScope } from '../support/scope.ts';
import { all, busy, mirror, respond, type WatGuest } from '../support/wat-guest.ts';

const guest: WatGuest = {
  routes: {
    'GET /m/:x': mirror(),
    'POST /m/:x': mirror(),
    'GET /slow/:x': all(busy(30), mirror()),
    'GET /204': respond({ status: 204 }),
  },
};

const host = 'Host: test';

suite('HTTP/1.1 on the wire', () => {
  const scope = suiteScope();
  let pulp: PulpProcess;

  before(async () => {
    pulp = await startGuest(scope, guest, { args: ['-max-body-bytes', '100'] });
  });

  test('pipelined requests get their answers in order, whoever answers them', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    const targets = ['/slow/0', '/m/1', '/nowhere', '/slow/2', '/204', '/m/3'];
    connection.send(targets.map((target) => `GET ${target} HTTP/1.1\r\n${host}\r\n\r\n`).join(''));
    const answers: (string | number)[] = [];
    for (const target of targets) {
      const { status, body } = await connection.response();
      answers.push(status === 200 ? mirrored(body).path : status);
      assert.ok(answers.length <= targets.length, target);
    }
    assert.deepEqual(answers, ['/slow/0', '/m/1', 404, '/slow/2', 204, '/m/3']);
  });

  test('more pipelined requests than a queue holds are all answered, in order', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    const requests = 3000;
    const lines = Array.from(
      { length: requests },
      (_, index) => `GET /m/${index} HTTP/1.1\r\n${host}\r\n\r\n`,
    );
    connection.send(`GET /slow/x HTTP/1.1\r\n${host}\r\n\r\n${lines.join('')}`);
    assert.equal((await connection.response()).status, 200);
    for (let index = 0; index < requests; index++) {
      const { status, body } = await connection.response();
      if (status === 200) assert.equal(mirrored(body).params.get('x'), String(index));
      else assert.equal(status, 503);
    }
  });

  test('an upgrade that nobody wants is an ordinary request, CONNECT is 405, a method nobody knows is 400', async (t) => {
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];
    const ordinary = await rawRequest(t, pulp.port, { head: ['GET /ok HTTP/1.1', host, ...upgrade] });
    assert.equal(ordinary.body.toString(), 'ok');
    const statuses = { 'CONNECT test:443': 405, 'OPTIONS *': 404, 'BREW /ok': 400, 'get /ok': 400 };
    for (const [line, status] of Object.entries(statuses)) {
      assert.equal(
        (await rawRequest(t, pulp.port, { head: [`${line} HTTP/1.1`, host] })).status,
        status,
        line,
      );
    }
    await pulp.alive();
  });

  test('a client that resets what was refused ends nothing but its own connection', async (t) => {
    const heads = [
      'CONNECT test:443 HTTP/1.1',
      'GET /ok HTTP/3.9',
      'BREW /ok HTTP/1.1',
      'POST /m/x HTTP/1.1',
    ];
    for (const head of [...heads, ...heads, ...heads]) {
      const connection = await RawConnection.open(t, pulp.port);
      connection.head(head, host, 'Content-Length: 1000');
      if (head !== heads[0]) await connection.response();
      connection.drop();
    }
    await pulp.alive();
  });

  test('a connection is used again and again, and closed when the client says so', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    for (let round = 0; round < 100; round++) {
      connection.head(`POST /m/${round} HTTP/1.1`, host, 'Content-Length: 3');
      connection.send('abc');
      const { body } = await connection.response();
      assert.equal(mirrored(body).params.get('x'), String(round));
    }
    connection.head('GET /m/last HTTP/1.1', host, 'Connection: close');
    assert.equal(header(await connection.response(), 'Connection'), 'close');
    await connection.closed;
  });

  test('a request that comes byte by byte, and one without its last byte for a while, are answered', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    const request = Buffer.from(`POST /m/slow HTTP/1.1\r\n${host}\r\nContent-Length: 4\r\n\r\nbody`);
    for (const byte of request) {
      connection.send(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(mirrored((await connection.response()).body).body.toString(), 'body');
  });

  test('requests that could be read in two ways are 400, and the connection is closed', async (t) => {
    const inner = `GET /m/smuggled HTTP/1.1\r\n${host}\r\n\r\n`;
    const length = `Content-Length: ${inner.length + 5}`;
    const cases: Readonly<Record<string, string>> = {
      'length and chunked': `POST /m/x HTTP/1.1\r\n${host}\r\n${length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
      'chunked and length': `POST /m/x HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n${length}\r\n\r\n0\r\n\r\n${inner}`,
      'two lengths': `POST /m/x HTTP/1.1\r\n${host}\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n${inner}`,
      'a length with a sign': `POST /m/x HTTP/1.1\r\n${host}\r\nContent-Length: +5\r\n\r\n${inner}`,
      'chunked is not last': `POST /m/x HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${inner}`,
      'a chunk size that is none': `POST /m/x HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n${inner}`,
      'a folded line': `GET /m/x HTTP/1.1\r\n${host}\r\nX-A: one\r\n two\r\n\r\n${inner}`,
      'bare LF in the head': `GET /m/x HTTP/1.1\n${host}\n\n${inner}`,
      'bare CR in a value': `GET /m/x HTTP/1.1\r\n${host}\r\nX-A: one\rX-B: two\r\n\r\n${inner}`,
      'NUL in a value': `GET /m/x HTTP/1.1\r\n${host}\r\nX-A: one\0\r\n\r\n${inner}`,
      'a blank before the colon': `GET /m/x HTTP/1.1\r\n${host}\r\nX-A : one\r\n\r\n${inner}`,
      'a name with a blank': `GET /m/x HTTP/1.1\r\n${host}\r\nX A: one\r\n\r\n${inner}`,
      'no such protocol': `GET /m/x HTTP/3.9\r\n${host}\r\n\r\n${inner}`,
      'bytes above 0x7f in the target': `GET /m/\xe4 HTTP/1.1\r\n${host}\r\n\r\n${inner}`,
      'no HTTP at all': `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03`,
    };
    for (const [name, bytes] of Object.entries(cases)) {
      const connection = await RawConnection.open(t, pulp.port);
      connection.send(bytes);
      const { status } = await connection.response();
      assert.equal(status, 400, name);
      await connection.closed;
      assert.equal(connection.rest, '', `${name}: something was answered behind the 400`);
    }
    await pulp.alive();
  });

  test('Expect: 100-continue is answered before the body, and not when the body is too large', async (t) => {
    const fits = await RawConnection.open(t, pulp.port);
    fits.head('POST /m/x HTTP/1.1', host, 'Content-Length: 4', 'Expect: 100-continue');
    assert.equal((await fits.response()).status, 100);
    fits.send('body');
    assert.equal(mirrored((await fits.response()).body).body.toString(), 'body');

    const large = await RawConnection.open(t, pulp.port);
    large.head('POST /m/x HTTP/1.1', host, 'Content-Length: 101', 'Expect: 100-continue');
    assert.equal((await large.response()).status, 413);

    const other = await rawRequest(t, pulp.port, {
      head: ['POST /m/x HTTP/1.1', host, 'Content-Length: 4', 'Expect: miracles'],
    });
    assert.equal(other.status, 417);
  });

  test('connections beyond the limit are closed, and room is there again when one ends', async (t) => {
    const few = await startGuest(t, guest, { args: ['-max-connections', '2'] });
    const [first, second] = [await RawConnection.open(t, few.port), await RawConnection.open(t, few.port)];
    for (const connection of [first, second]) {
      connection.head('GET /m/x HTTP/1.1', host);
      assert.equal((await connection.response()).status, 200);
    }
    const third = await RawConnection.open(t, few.port);
    await third.closed;
    assert.equal(third.rest, '');
    await few.line('connections refused', { max_connections: '2' });

    first.drop();
    for (;;) {
      const again = await RawConnection.open(t, few.port);
      again.head('GET /m/x HTTP/1.1', host);
      const answered = await Promise.race([
        again.response().then(
          () => true,
          () => false,
        ),
        again.closed.then(() => false),
      ]);
      if (answered) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });

  test('hundreds of idle and half-open connections keep nobody else from an answer', async (t) => {
    const idle = await Promise.all(Array.from({ length: 500 }, () => RawConnection.open(t, pulp.port)));
    for (const [index, connection] of idle.entries())
      if (index % 2 === 0) connection.send('POST /m/x HTTP/1.1\r\nHo');
    for (let round = 0; round < 20; round++) await pulp.alive();
  });

  test('what cannot be read behind a good request does not cost that request its answer', async (t) => {
    for (const behind of ['garbage\r\n\r\n', `GET / HTTP/1.1\r\na: ${'x'.repeat(70_000)}\r\n\r\n`]) {
      const connection = await RawConnection.open(t, pulp.port);
      connection.send(`GET /slow/x HTTP/1.1\r\n${host}\r\n\r\n${behind}`);
      assert.equal((await connection.response()).status, 200);
      await connection.closed;
    }
  });

  test('what comes behind the last request of a connection is left alone', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    const last = `GET /m/x HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`;
    connection.send(last + last);
    assert.equal((await connection.response()).status, 200);
    await connection.closed;
    assert.equal(connection.rest, '');
  });

  test('one connection cannot fill the queue of a plugin', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    const count = 400;
    connection.send(`GET /m/x HTTP/1.1\r\n${host}\r\n\r\n`.repeat(count));
    const statuses = new Set<number>();
    for (let index = 0; index < count; index++) statuses.add((await connection.response()).status);
    assert.ok(statuses.has(200));
    for (const status of statuses) assert.ok(status === 200 || status === 503, `${status}`);
    await pulp.alive();
  });

  test('HTTP/1.0 is answered and closed', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    connection.head('GET /m/x HTTP/1.0', host);
    const { status, body } = await connection.response();
    assert.equal(status, 200);
    assert.equal(mirrored(body).proto, 'HTTP/1.0');
    await connection.closed;
  });
});
