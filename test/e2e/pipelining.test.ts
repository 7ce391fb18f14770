/** What clients cannot hold of the host by sending more than they wait for: requests, their heads, parts of them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlClient } from '../../runtime/src/control/client.ts';
import { maxPipelined, maxUnanswered } from '../../runtime/src/edge/connection.ts';
import { manyConnections } from '../../runtime/src/edge/head-limits.ts';
import { pluginFolder } from '../support/plugin-folder.ts';
import { PulpProcess } from '../support/pulp-process.ts';
import { header, RawConnection, rawRequest } from '../support/raw-http.ts';
import type { Scope } from '../support/scope.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { type Action, busy, respond, all as each, watGuest, type WatGuest } from '../support/wat-guest.ts';

/** Lasts until the plugin's folder has the file, which it takes. */
const untilThere =
  (file: string): Action =>
  (data) =>
    `(loop $missing
    ${busy(5)(data)}
    (br_if $missing (call $fs_delete ${data.add(Buffer.from(file))})))`;

const guest: WatGuest = {
  imports: '(import "pulp" "fs_delete" (func $fs_delete (param i32 i32) (result i32)))',
  routes: {
    'GET /busy': each(untilThere('go-on'), respond({ body: 'busy' })),
    'GET /x': respond({ body: 'x' }),
  },
};

async function start(t: Scope, args: readonly string[] = []): Promise<PulpProcess> {
  const routes = { ...guest.routes, 'GET /ok': respond({ body: 'ok' }) };
  const manifest = await pluginFolder(t, {
    wasm: await watGuest({ ...guest, routes }),
    manifest: 'capabilities = ["transport.http.inbound", "storage.fs"]',
  });
  return PulpProcess.start(t, { manifest, args });
}

const get = (path: string, ...lines: readonly string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: test', ...lines, '', ''].join('\r\n');

const lines = (count: number, length: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `X-${index}: ${'v'.repeat(length)}`);

/** A plugin that is busy until it is told to go on, and connections whose first request waits for it. */
async function waiting(t: Scope, count: number) {
  const storageRoot = await temporaryFolder(t);
  const pulp = await start(t, ['-storage-root', storageRoot]);
  const goOn = (): void => writeFileSync(join(storageRoot, 'guest', 'go-on'), '');
  const control = new ControlClient(storageRoot);
  const queued = async (): Promise<number> => (await control.plugin('guest')).queuedEvents;
  const busyOne = await RawConnection.open(t, pulp.port);
  busyOne.send(get('/busy'));
  const connections: RawConnection[] = [];
  for (let index = 0; index < count; index++) {
    const connection = await RawConnection.open(t, pulp.port);
    connection.send(get('/x'));
    connections.push(connection);
  }
  while ((await queued()) <= count) await sleep(10);
  return { pulp, control, connections, goOn };
}

suite('clients that send more than they wait for', () => {
  test('all together may wait for so many answers; then a connection that has one ends with it', async (t) => {
    const count = Math.floor(maxUnanswered / maxPipelined) - 1;
    const { pulp, connections, goOn } = await waiting(t, count + 10);
    const last = connections.slice(count);
    const nowhere = async (): Promise<number> =>
      (await rawRequest(t, pulp.port, { head: ['GET /nowhere HTTP/1.1', 'Host: test'] })).status;
    for (const connection of connections.slice(0, count)) connection.send(get('/x').repeat(maxPipelined - 1));
    // An answer on a connection that came behind them: they have been read.
    await nowhere();
    for (const connection of last) connection.send(get('/x').repeat(1000));
    await pulp.line('requests shed', { max_unanswered: String(maxUnanswered) });
    assert.equal(await nowhere(), 404, 'who waits for nothing else is answered');
    goOn();

    for (const connection of connections.slice(0, count)) {
      for (let index = 0; index < maxPipelined; index++) {
        assert.ok([200, 503].includes((await connection.response()).status));
      }
    }
    let ended = 0;
    for (const connection of last) {
      assert.equal((await connection.response()).status, 200);
      for (;;) {
        const answer = await connection.response();
        if (header(answer, 'Connection') !== 'close') continue;
        assert.equal(answer.status, 503);
        ended += 1;
        break;
      }
      await connection.closed;
      assert.equal(connection.rest, '');
    }
    assert.equal(ended, last.length);
    await pulp.alive();
  });

  test('heads of requests whose answers wait are not kept', async (t) => {
    const { control, connections, goOn } = await waiting(t, 40);
    // The queue is full, so that it holds none of what comes.
    for (const connection of connections) connection.send(get('/x').repeat(30));
    const { rssBytes } = await control.status();
    const large = get('/x', ...lines(60, 1000));
    for (const connection of connections) connection.send(large.repeat(200));
    const sent = large.length * 200 * connections.length;
    await sleep(2000);
    goOn();
    await connections.at(-1)?.response();
    const grown = (await control.status()).rssBytes - rssBytes;
    assert.ok(grown < sent / 3, `${grown} bytes for ${sent}`);
  });

  test('where there are many connections, further ones may have less of a head', async (t) => {
    const pulp = await start(t);
    const [large, many] = [lines(60, 1000), lines(3000, 1)];
    const first = await RawConnection.open(t, pulp.port);
    const connections = await Promise.all(
      Array.from({ length: manyConnections - 2 }, () => RawConnection.open(t, pulp.port)),
    );
    const before = await RawConnection.open(t, pulp.port);
    for (const head of [large, many]) {
      for (const connection of [first, before]) {
        connection.send(get('/x', ...head));
        assert.equal((await connection.response()).status, 200);
      }
      const behind = await RawConnection.open(t, pulp.port);
      behind.send(get('/x', ...lines(120, 100)));
      assert.equal((await behind.response()).status, 200);
      behind.send(get('/x', ...head));
      assert.equal((await behind.response()).status, 431);
      await behind.closed;
    }
    for (const connection of connections) connection.drop();
    for (;;) {
      const again = await RawConnection.open(t, pulp.port);
      again.send(get('/x', ...large));
      if ((await again.response()).status === 200) break;
    }
  });
});
