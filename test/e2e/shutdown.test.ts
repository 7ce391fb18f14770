import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import { printFunction, printImport } from '../../runtime/src/guest/guest-text.suite.ts';
import { guestFolder, startGuest } from '../support/guest-host.ts';
import { PulpProcess } from '../support/pulp-process.ts';
import { header, RawConnection } from '../support/raw-http.ts';
import { all, busy, forever, mirror, respond, text, trap, type WatGuest } from '../support/wat-guest.ts';

const host = 'Host: test';

const guest: WatGuest = {
  routes: {
    'GET /busy': all(busy(1000), respond({ body: 'done' })),
    'GET /loop': forever(),
    'POST /mirror': mirror(),
  },
};

/** A guest that says when it starts, which takes so long, in milliseconds. It traps with requests behind. */
const starting = (ms: number): WatGuest => ({
  imports: printImport,
  fields: printFunction('init begins\n'),
  init: all(text('(call $print)'), busy(ms)),
  routes: {
    'GET /trap': trap(),
    'GET /trap-late': all(busy(400), trap()),
  },
});

async function request(t: TestContext, pulp: PulpProcess, path: string): Promise<RawConnection> {
  const connection = await RawConnection.open(t, pulp.port);
  connection.head(`GET ${path} HTTP/1.1`, host);
  return connection;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

suite('the end of the process', { concurrency: 2 }, () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal}: the step that runs gets its answer, queued requests get 503, exit code 0`, async (t) => {
      const pulp = await startGuest(t, guest);
      const running = await request(t, pulp, '/busy');
      await pause(200);
      const queued = await Promise.all(Array.from({ length: 10 }, () => request(t, pulp, '/busy')));
      await pause(200);
      pulp.signal(signal);
      for (const connection of queued) {
        const response = await connection.response();
        assert.equal(response.status, 503);
        assert.ok(Number(header(response, 'Retry-After')) >= 1);
        assert.equal(header(response, 'Connection'), 'close');
        await connection.closed;
      }
      const response = await running.response();
      assert.equal(response.body.toString(), 'done');
      assert.equal(header(response, 'Connection'), 'close', 'it would be kept for a next request');
      await running.closed;
      assert.deepEqual(await pulp.end(), { code: 0, signal: null, stderr: '' }, pulp.dump());
      assert.equal((await pulp.line('signal received'))['signal'], signal);
      assert.equal(pulp.messages.at(-1), 'pulp exit clean');
    });
  }

  test('a step that traps meanwhile: its client gets 502, and exit code 1 says so without waiting', async (t) => {
    const pulp = await startGuest(t, starting(0), { args: ['-drain-timeout', '120s'] });
    const running = await request(t, pulp, '/trap-late');
    await pause(150);
    const end = pulp.stop();
    assert.equal((await running.response()).status, 502);
    assert.equal((await end).code, 1, pulp.dump());
    const line = await pulp.line('plugin did not shut down in order', { plugin: 'guest' });
    assert.match(line['reason'] ?? '', /pulp_step trapped: unreachable/);
    assert.ok(!pulp.messages.includes('plugin cut off'), 'it waited for what had ended');
  });

  test('from the signal on nobody can connect, and idle connections are closed', async (t) => {
    const pulp = await startGuest(t, guest);
    const idle = await request(t, pulp, '/ok');
    assert.equal((await idle.response()).status, 200);
    const running = await request(t, pulp, '/busy');
    await pause(200);
    pulp.signal('SIGTERM');
    await pulp.line('signal received');
    await idle.closed;
    // Connections are closed a moment before the listener is: the kernel may take one more in between.
    let refused = false;
    for (let attempt = 0; attempt < 20 && !refused; attempt++) {
      await pause(10);
      refused = await RawConnection.open(t, pulp.port).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
      );
    }
    assert.ok(refused, 'it still takes connections');
    assert.equal((await running.response()).body.toString(), 'done');
    assert.equal((await pulp.end()).code, 0);
  });

  test('while it is delayed, each connection ends with its last answer, which says so', async (t) => {
    const pulp = await startGuest(t, guest, { args: ['-shutdown-delay', '10m'] });
    const idle = await request(t, pulp, '/ok');
    assert.equal(header(await idle.response(), 'Connection'), 'keep-alive');
    const waiting = await request(t, pulp, '/busy');
    await pause(200);
    const end = pulp.stop();
    await pulp.line('shutdown delayed');
    // What comes behind another request is answered, too.
    waiting.head('GET /ok HTTP/1.1', host);
    idle.head('GET /ok HTTP/1.1', host);
    for (const [status, connection] of [
      [200, 'keep-alive'],
      [200, 'close'],
    ] as const) {
      const response = await waiting.response();
      assert.deepEqual([response.status, header(response, 'Connection')], [status, connection]);
    }
    const last = await idle.response();
    assert.deepEqual([last.status, header(last, 'Connection')], [200, 'close']);
    const late = await request(t, pulp, '/ok');
    assert.equal(header(await late.response(), 'Connection'), 'close');
    await Promise.all([waiting, idle, late].map(({ closed }) => closed));
    await pause(200);
    pulp.signal('SIGTERM');
    assert.equal((await end).code, 143);
  });

  test('a step that outlasts the drain timeout is cut off: exit code 1, without the last line', async (t) => {
    const pulp = await startGuest(t, guest, { args: ['-drain-timeout', '200ms'] });
    const running = await request(t, pulp, '/busy');
    await pause(200);
    const end = await pulp.stop();
    assert.equal(end.code, 1, pulp.dump());
    assert.ok(!pulp.messages.includes('pulp exit clean'));
    await pulp.line('plugin cut off', { plugin: 'guest' });
    await running.closed;
  });

  test('clients that never finish their request do not hold up the end', async (t) => {
    const pulp = await startGuest(t, guest);
    for (const bytes of ['GET /o', `POST /mirror HTTP/1.1\r\n${host}\r\nContent-Length: 9\r\n\r\nhalf`]) {
      (await RawConnection.open(t, pulp.port)).send(bytes);
    }
    await pause(100);
    const begun = performance.now();
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
    assert.ok(performance.now() - begun < 8000, 'the end waited for clients');
  });

  test('an answer that a slow client still reads is sent to its end', async (t) => {
    const pulp = await startGuest(t, guest);
    const body = Buffer.alloc(10 * 1024 * 1024, 'x');
    const reading = await RawConnection.open(t, pulp.port);
    reading.head('POST /mirror HTTP/1.1', host, `Content-Length: ${body.length}`);
    reading.pause();
    reading.send(body);
    await pause(500);
    pulp.signal('SIGTERM');
    await pause(2500);
    reading.resume();
    assert.ok((await reading.response()).body.length > body.length);
    assert.equal((await pulp.end()).code, 0, pulp.dump());
  });

  test('an answer that nobody reads is cut off after the drain timeout: exit code 1', async (t) => {
    const pulp = await startGuest(t, guest, { args: ['-drain-timeout', '500ms'] });
    const body = Buffer.alloc(10 * 1024 * 1024, 'x');
    const reading = await RawConnection.open(t, pulp.port);
    reading.head('POST /mirror HTTP/1.1', host, `Content-Length: ${body.length}`);
    reading.pause();
    reading.send(body);
    await pause(500);
    assert.equal((await pulp.stop()).code, 1, pulp.dump());
  });

  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    test(`a second ${signal} ends the process at once with ${code}`, async (t) => {
      const pulp = await startGuest(t, guest);
      await request(t, pulp, '/loop');
      await pause(150);
      pulp.signal(signal);
      await pulp.line('signal received');
      await pause(300);
      const begun = performance.now();
      const end = await pulp.stop(signal);
      assert.deepEqual([end.code, end.signal], [code, null], pulp.dump());
      assert.ok(performance.now() - begun < 4000, 'the second signal was waited with');
    });
  }

  test('a signal while the plugin is down ends the process in order', async (t) => {
    const pulp = await startGuest(t, { shutdown: busy(1), routes: { 'GET /trap': () => '(unreachable)' } });
    for (let round = 0; round < 4; round++) {
      await fetch(`${pulp.url}/trap`);
      if (round < 3) await pulp.line('plugin restarted', { instance: String(round + 2) });
    }
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
    assert.equal(pulp.messages.at(-1), 'pulp exit clean');
  });

  test('a signal while the plugin starts ends the process in order as soon as it has', async (t) => {
    const manifest = await guestFolder(t, { init: busy(800) });
    const pulp = await PulpProcess.launch(t, { manifest });
    await pulp.line('pulp boot');
    await pause(100);
    assert.deepEqual(await pulp.stop(), { code: 0, signal: null, stderr: '' }, pulp.dump());
    assert.equal(pulp.messages.at(-1), 'pulp exit clean');
  });
});

/** How often the plugin was started again. */
function starts(pulp: PulpProcess): number {
  return pulp.messages.filter((msg) => msg === 'plugin restarted').length;
}

/** Breaks the instance while requests are queued behind the one that does. Gives those that wait. */
async function trapBefore(t: TestContext, pulp: PulpProcess): Promise<readonly RawConnection[]> {
  const trapping = await request(t, pulp, '/trap-late');
  await pause(150);
  const queued = await Promise.all(Array.from({ length: 5 }, () => request(t, pulp, '/ok')));
  assert.equal((await trapping.response()).status, 502);
  return queued;
}

async function ends503(waiting: readonly RawConnection[]): Promise<void> {
  for (const connection of waiting) {
    assert.equal((await connection.response()).status, 503);
    await connection.closed;
  }
}

suite('the end of the process while its plugin is not there', { concurrency: 2 }, () => {
  test('given up for a while: what waits gets 503, nothing starts again, exit code 0', async (t) => {
    const pulp = await startGuest(t, starting(0));
    for (let instance = 2; instance <= 5; instance++) {
      await (await fetch(`${pulp.url}/trap`)).arrayBuffer();
      await pulp.line('plugin restarted', { instance: String(instance) });
    }
    const waiting = await trapBefore(t, pulp);
    await pulp.line('plugin failed');
    for (const connection of waiting) assert.equal((await connection.response()).status, 503);
    assert.deepEqual(await pulp.stop(), { code: 0, signal: null, stderr: '' }, pulp.dump());
    assert.equal(starts(pulp), 4, pulp.dump());
    assert.equal(pulp.messages.at(-1), 'pulp exit clean');
  });

  test('while an instance starts again: what waits gets 503, exit code 0', async (t) => {
    // No step runs then, so the drain timeout has nothing to cut off.
    const pulp = await startGuest(t, starting(1500), { args: ['-drain-timeout', '300ms'] });
    const waiting = await trapBefore(t, pulp);
    const begun = (): number => pulp.messages.filter((msg) => msg === 'init begins').length;
    for (let turn = 0; begun() < 2; turn++) {
      assert.ok(turn < 1000, pulp.dump());
      await pause(10);
    }
    pulp.signal('SIGTERM');
    await ends503(waiting);
    assert.deepEqual(await pulp.end(), { code: 0, signal: null, stderr: '' }, pulp.dump());
    assert.equal(starts(pulp), 0, pulp.dump());
    assert.ok(!pulp.messages.includes('plugin restart failed'), pulp.dump());
    assert.equal(pulp.messages.at(-1), 'pulp exit clean');
  });
});

suite('a port that is taken', () => {
  test('is one line that names it, and exit code 1', async (t) => {
    const server = createServer();
    t.after(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // A server that listens on a port has an address
    const { port } = server.address() as AddressInfo;
    const manifest = await guestFolder(t, {});
    const end = await PulpProcess.run(t, { manifest, args: ['-http-port', String(port)] });
    assert.equal(end.code, 1);
    assert.match(end.stderr, new RegExp(`^pulp: [^\\n]*${port}[^\\n]*\\n$`));
    assert.ok(end.lines.every(({ msg }) => msg !== 'http server started'));
  });
});
