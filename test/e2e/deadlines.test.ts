import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { guestFolder, startGuest } from '../support/guest-host.ts';
import { PulpProcess } from '../support/pulp-process.ts';
import { RawConnection } from '../support/raw-http.ts';
import { all, busy, forever, respond, text, type Action } from '../support/wat-guest.ts';

const host = 'Host: test';

/** Where the guest describes what it sleeps for, to `poll_oneoff`. */
const subscriptionAt = 2048;

const imports =
  '(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))';

/** Sleeps for so long, on the monotonic clock. */
function sleep(ms: number): Action {
  return text(`
    (i32.store offset=16 (i32.const ${subscriptionAt}) (i32.const 1))
    (i64.store offset=24 (i32.const ${subscriptionAt}) (i64.const ${ms * 1_000_000}))
    (drop (call $poll (i32.const ${subscriptionAt}) (i32.const ${subscriptionAt + 64}) (i32.const 1)
      (i32.const ${subscriptionAt + 128})))`);
}

suite('call_timeout_ms', { concurrency: 2 }, () => {
  test('ends a step in the middle; what was queued goes to the next instance', async (t) => {
    const pulp = await startGuest(
      t,
      { routes: { 'GET /loop': forever() } },
      { manifest: 'call_timeout_ms = 600' },
    );
    const loop = await RawConnection.open(t, pulp.port);
    loop.head('GET /loop HTTP/1.1', host);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const queued = await Promise.all(Array.from({ length: 10 }, () => RawConnection.open(t, pulp.port)));
    for (const connection of queued) connection.head('GET /ok HTTP/1.1', host);
    assert.equal((await loop.response()).status, 504);
    for (const connection of queued) assert.equal((await connection.response()).status, 200);
    const { reason } = await pulp.line('plugin crashed');
    assert.equal(reason, 'a step took longer than call_timeout_ms, 600 ms');
    await pulp.alive();
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
  });

  test('leaves a guest alone that waits, for however long', async (t) => {
    const routes = { 'GET /sleep': all(sleep(1500), respond({ body: 'slept' })) };
    const pulp = await startGuest(t, { imports, routes }, { manifest: 'call_timeout_ms = 500' });
    assert.equal(await (await fetch(`${pulp.url}/sleep`)).text(), 'slept');
    assert.ok(!pulp.messages.includes('plugin crashed'), pulp.dump());
  });

  test('adds up what a guest computes between its waits', async (t) => {
    const little = Array.from({ length: 12 }, () => all(busy(100), sleep(1)));
    const routes = { 'GET /sips': all(...little, respond({ body: 'done' })) };
    const pulp = await startGuest(t, { imports, routes }, { manifest: 'call_timeout_ms = 600' });
    assert.equal((await fetch(`${pulp.url}/sips`)).status, 504);
    await pulp.line('plugin restarted');
    await pulp.alive();
  });

  test('ends a start, too: the command says so and ends', async (t) => {
    const manifest = await guestFolder(t, { init: forever() }, 'call_timeout_ms = 300');
    const end = await PulpProcess.run(t, { manifest });
    assert.equal(end.code, 1);
    assert.match(
      end.stderr,
      /plugin guest did not start: its start took longer than call_timeout_ms, 300 ms/,
    );
  });
});
