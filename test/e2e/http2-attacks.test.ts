import assert from 'node:assert/strict';
import { before, suite, test, type TestContext } from 'node:test';
import { startGuest } from '../support/guest-host.ts';
import { Http2Client } from '../support/http2-client.ts';
import { httpsFlags } from '../support/https-certificates.ts';
import { respondLarge } from '../support/large-answer.ts';
import { mirrored } from '../support/mirrored.ts';
import { patiently } from '../support/patiently.ts';
import type { PulpProcess } from '../support/pulp-process.ts';
import {
  Flag,
  Frame,
  frame,
  headerBlock,
  headersFrame,
  pseudo,
  RawHttp2,
  word,
} from '../support/raw-http2.ts';
import { suiteScope } from '../support/scope.ts';
import { all, busy, mirror, respond, type WatGuest } from '../support/wat-guest.ts';

const guest: WatGuest = {
  routes: {
    'GET /m/:x': mirror(),
    'POST /m/:x': mirror(),
    'GET /slow': all(busy(300), respond({ body: 'done' })),
    'GET /large': respondLarge(4 * 1024 * 1024),
  },
};

/** Codes of RST_STREAM and GOAWAY (RFC 9113 section 7). */
const Code = { no: 0, internal: 2, refused: 7, cancel: 8, calm: 11 } as const;

function reset(stream: number, code: number = Code.cancel): Buffer {
  return frame(Frame.resetStream, { stream, payload: word(code) });
}

/** A head in which one line comes so many times, each time but the first as a byte: 62 is the table's newest. */
function repeated(stream: number, line: readonly [string, string], times: number): Buffer {
  const first = headerBlock([line]);
  first[0] = 0x40;
  const payload = Buffer.concat([headerBlock(pseudo()), first, Buffer.alloc(times - 1, 0x80 + 62)]);
  return frame(Frame.headers, { stream, flags: Flag.endStream | Flag.endHeaders, payload });
}

/** Sends again and again until the connection is closed; fails when that does not come to pass. */
async function untilClosed(
  raw: RawHttp2,
  rounds: number,
  parts: (round: number) => Uint8Array[],
): Promise<void> {
  for (let round = 0; round < rounds && !raw.over; round++) {
    raw.send(...parts(round));
    if (round % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await patiently(raw.closed, () => `it is still connected after ${rounds} rounds`);
}

suite('HTTP/2 clients that mean harm', () => {
  const scope = suiteScope();
  let pulp: PulpProcess;

  before(async () => {
    const times = ['-header-timeout', '1s', '-body-timeout', '1500ms', '-write-timeout', '2s'];
    pulp = await startGuest(scope, guest, { args: [...httpsFlags(), ...times] });
  });

  /** Somebody else is served. */
  async function alive(t: TestContext): Promise<void> {
    const client = await Http2Client.open(t, pulp.port);
    assert.equal((await client.request('/ok')).status, 200, pulp.dump());
    client.session.close();
  }

  test('requests that are cancelled at once, without end: the connection is closed', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port);
    await untilClosed(raw, 400, (round) =>
      Array.from({ length: 10 }, (_, index) => 1 + 2 * (round * 10 + index)).flatMap((stream) => [
        headersFrame(stream, pseudo('/m/x')),
        reset(stream),
      ]),
    );
    // That it is told why may get lost: it still writes when the connection ends.
    await alive(t);
  });

  test('requests that are cancelled one after the other, without end: the connection is closed', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port);
    let cancelled = 0;
    for (; cancelled < 5000 && !raw.over; cancelled += 50) {
      for (let count = 0; count < 50; count++) {
        const stream = 1 + 2 * (cancelled + count);
        raw.send(headersFrame(stream, pseudo('/m/x')), reset(stream));
      }
      await raw.settled();
    }
    assert.ok(raw.over, 'it is still connected');
    assert.ok(cancelled > 500, `after ${cancelled} already`);
    await alive(t);
  });

  test('as many as a browser cancels are no attack', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port);
    for (let stream = 1; stream < 600; stream += 2)
      raw.send(headersFrame(stream, pseudo('/m/x')), reset(stream));
    await raw.settled();
    raw.send(headersFrame(601));
    assert.equal((await raw.frame(Frame.headers, 601))?.payload[0], 0x88);
  });

  test('requests above the limit at a time are refused while the client may not know it', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port, { acknowledge: false });
    const streams = Array.from({ length: 260 }, (_, index) => 1 + 2 * index);
    raw.send(...streams.map((stream) => headersFrame(stream, pseudo(stream === 1 ? '/slow' : '/m/x'))));
    for (const stream of streams.slice(250)) {
      const refused = await raw.frame(Frame.resetStream, stream);
      assert.equal(refused?.payload.readUInt32BE(0), Code.refused);
    }
    for (const stream of streams.slice(0, 250)) {
      assert.equal((await raw.frame(Frame.headers, stream))?.payload[0], 0x88);
    }
  });

  test('a client that does not mind being refused is closed', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port);
    raw.send(headersFrame(1, pseudo('/slow')));
    await untilClosed(raw, 600, (round) => [headersFrame(3 + 2 * round, pseudo('/slow'))]);
    await alive(t);
  });

  test('a head in ever more pieces: the connection is closed', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port);
    raw.send(headersFrame(1, pseudo(), Flag.endStream));
    await untilClosed(raw, 100, (round) => [
      frame(Frame.continuation, { stream: 1, payload: headerBlock([[`x-${round}`, 'v']]) }),
    ]);
    await alive(t);
  });

  test('a head far too large, in ten bytes for each kilobyte: reset, and the connection stays', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port);
    raw.send(repeated(1, ['x-long', 'v'.repeat(3900)], 1000));
    const refused = await raw.frame(Frame.resetStream, 1);
    assert.equal(refused?.payload.readUInt32BE(0), Code.calm);
    raw.send(headersFrame(3));
    assert.equal((await raw.frame(Frame.headers, 3))?.payload[0], 0x88);
  });

  test('a head of too many lines is reset, however short they are', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port);
    // Each counts 34 bytes of 128 KiB.
    raw.send(repeated(1, ['a', 'b'], 3900));
    assert.equal((await raw.frame(Frame.resetStream, 1))?.payload.readUInt32BE(0), Code.calm);
    raw.send(repeated(3, ['a', 'b'], 3800));
    assert.equal((await raw.frame(Frame.headers, 3))?.payload[0], 0x88);
  });

  test('a client that does not acknowledge the limits is closed, and served until then', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port, { acknowledge: false });
    raw.send(headersFrame(1, pseudo('/m/x', 'POST'), Flag.endHeaders));
    raw.send(headersFrame(3));
    assert.equal((await raw.frame(Frame.headers, 3))?.payload[0], 0x88);
    await patiently(raw.closed, () => 'still connected');
  });

  test('empty frames without end: the connection is closed', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port);
    raw.send(headersFrame(1, pseudo('/m/x', 'POST'), Flag.endHeaders));
    await untilClosed(raw, 400, () => Array.from({ length: 10 }, () => frame(Frame.data, { stream: 1 })));
    await alive(t);
  });

  for (const [name, flood] of [
    ['pings', frame(Frame.ping, { payload: Buffer.alloc(8) })],
    ['settings', frame(Frame.settings, { payload: Buffer.from([0, 3, 0, 0, 0, 1]) })],
  ] as const) {
    test(`${name} without end whose answers nobody reads: the connection is closed`, async (t) => {
      const raw = await RawHttp2.open(t, pulp.port);
      await raw.settled();
      raw.pause();
      const many = Buffer.concat(Array.from({ length: 1000 }, () => flood));
      let sent = 0;
      for (; sent < 3000 && !raw.over; sent++) {
        // The server may stop reading for good: that bounds what it holds, too.
        if (raw.send(many) > 8 * 1024 * 1024) break;
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.ok(sent < 3000, 'it takes them all');
      raw.resume();
      await patiently(raw.closed, () => 'it is still connected');
      await alive(t);
    });
  }

  test('frames that mean nothing end their own connection', async (t) => {
    const cases: Readonly<Record<string, readonly (string | Uint8Array)[]>> = {
      'no HTTP/2': ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'.padEnd(64)],
      'a frame longer than allowed': [Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])],
      'a window beyond 2^31': [
        frame(Frame.windowUpdate, { payload: word(2 ** 31 - 1) }),
        frame(Frame.windowUpdate, { payload: word(2 ** 31 - 1) }),
      ],
      'a promise from a client': [headersFrame(1), frame(Frame.pushPromise, { stream: 1, payload: word(2) })],
      'an even stream': [headersFrame(2)],
      'data without a stream': [frame(Frame.data, { stream: 9, payload: Buffer.from('x') })],
      'a compression that is none': [
        frame(Frame.headers, { stream: 1, flags: 5, payload: Buffer.alloc(64, 0xff) }),
      ],
      'settings of half a size': [frame(Frame.settings, { payload: Buffer.alloc(5) })],
      'a frame between the pieces of a head': [
        headersFrame(1, pseudo(), Flag.endStream),
        frame(Frame.ping, { payload: Buffer.alloc(8) }),
      ],
    };
    for (const [name, parts] of Object.entries(cases)) {
      const raw = await RawHttp2.open(t, pulp.port, { preface: name !== 'no HTTP/2' });
      raw.send(...parts);
      await patiently(raw.closed, () => `${name}: still connected`);
    }
    await alive(t);
  });

  test('bytes by chance end nothing but their own connection', async (t) => {
    let seed = 4711;
    const byte = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) >> 16;
    for (let round = 0; round < 40; round++) {
      const raw = await RawHttp2.open(t, pulp.port);
      for (let count = 0; count < 20; count++) {
        const payload = Buffer.from(Array.from({ length: byte() % 40 }, byte));
        const stream = byte() % 8;
        raw.send(
          byte() % 3 === 0
            ? headersFrame(1 + 2 * count, pseudo('/m/x', 'POST'), byte() % 8)
            : frame(byte() % 11, { stream, flags: byte() % 256, payload }),
        );
      }
      if (round % 2 === 0) raw.drop();
    }
    await alive(t);
  });

  test('a body that does not come is 408, and the connection stays', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port);
    raw.send(headersFrame(1, pseudo('/m/x', 'POST'), Flag.endHeaders));
    const dripping = setInterval(
      () => raw.send(frame(Frame.data, { stream: 1, payload: Buffer.from('.') })),
      50,
    );
    t.after(() => clearInterval(dripping));
    assert.equal((await raw.frame(Frame.headers, 1))?.payload.toString('latin1', 0, 5), 'H\x03408');
    assert.equal((await raw.frame(Frame.resetStream, 1))?.payload.readUInt32BE(0), Code.no);
    clearInterval(dripping);
    raw.send(headersFrame(3));
    assert.equal((await raw.frame(Frame.headers, 3))?.payload[0], 0x88);
  });

  test('a client that begins no request, or no whole head, is closed', async (t) => {
    const silent = await RawHttp2.open(t, pulp.port, { preface: false });
    const polite = await RawHttp2.open(t, pulp.port);
    const half = await RawHttp2.open(t, pulp.port);
    half.send(headersFrame(1, pseudo(), Flag.endStream));
    for (const raw of [silent, polite, half]) await patiently(raw.closed, () => 'still connected');
    assert.equal((await polite.frame(Frame.goaway))?.payload.readUInt32BE(4), Code.no);
  });

  test('a window that stays shut: the answer is given up', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port, { settings: Buffer.from([0, 4, 0, 0, 0, 0]) });
    raw.send(headersFrame(1, pseudo('/large')), headersFrame(3, pseudo('/ok')));
    for (const stream of [1, 3]) {
      assert.equal((await raw.frame(Frame.headers, stream))?.payload[0], 0x88);
      assert.equal((await raw.frame(Frame.resetStream, stream))?.payload.readUInt32BE(0), Code.internal);
    }
  });

  test('large answers that nobody reads: 64 MiB of them are held, and then given up', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port);
    await raw.settled();
    raw.pause();
    const streams = Array.from({ length: 40 }, (_, index) => 1 + 2 * index);
    for (const stream of streams) raw.send(headersFrame(stream, pseudo('/large')));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    raw.resume();
    let taken = 0;
    for (const stream of streams) {
      // The connection's window is shut behind the first few, so what there is for the others stays, too.
      if ((await raw.frame(Frame.headers, stream))?.payload[0] === 0x88) taken += 1;
      const given = await raw.frame(Frame.resetStream, stream);
      assert.equal(given?.payload.readUInt32BE(0), Code.internal);
    }
    assert.equal(taken, 64 / 4);
    raw.send(headersFrame(101));
    assert.equal((await raw.frame(Frame.headers, 101))?.payload[0], 0x88);
  });

  test('a client that reads slowly, and reads, gets its answer', async (t) => {
    const raw = await RawHttp2.open(t, pulp.port);
    raw.send(
      headersFrame(1, pseudo('/large')),
      frame(Frame.windowUpdate, { payload: word(64 * 1024 * 1024) }),
    );
    let taken = 0;
    for (let round = 0; round < 16; round++) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      raw.send(frame(Frame.windowUpdate, { stream: 1, payload: word(256 * 1024) }));
      taken = raw.frames
        .filter(({ type }) => type === Frame.data)
        .reduce((sum, { payload }) => sum + payload.length, 0);
    }
    for (let wait = 0; taken < 4 * 1024 * 1024 && wait < 100; wait++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      taken = raw.frames
        .filter(({ type }) => type === Frame.data)
        .reduce((sum, { payload }) => sum + payload.length, 0);
    }
    assert.equal(taken, 4 * 1024 * 1024);
  });

  test('answers cancelled over and over: a fresh connection is asked for before requests are refused', async (t) => {
    const client = await Http2Client.open(t, pulp.port);
    let opened = 0;
    for (; client.goaway === undefined && opened < 450; opened++) {
      const stream = client.session.request({ ':path': '/large' });
      stream.on('error', () => undefined);
      const [status] = await new Promise<[number | undefined]>((resolve) => {
        stream.on('response', ({ ':status': found }) => resolve([found]));
        stream.on('close', () => resolve([undefined]));
      });
      if (client.goaway !== undefined) break;
      assert.equal(status, 200, `request ${opened} was refused`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      stream.close(Code.cancel);
    }
    assert.ok(opened > 100, `after ${opened} already`);
    assert.equal(client.goaway, Code.no);
    await alive(t);
  });

  test('all that did no harm to the plugin', async (t) => {
    const client = await Http2Client.open(t, pulp.port);
    assert.equal(mirrored((await client.request('/m/x')).body).path, '/m/x');
    assert.deepEqual(
      pulp.lines.filter(({ level }) => level === 'ERROR'),
      [],
    );
    assert.deepEqual(await pulp.stop(), { code: 0, signal: null, stderr: '' });
  });
});
