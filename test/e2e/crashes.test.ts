import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { guestFolder, startGuest } from '../support/guest-host.ts';
import { PulpProcess } from '../support/pulp-process.ts';
import { RawConnection } from '../support/raw-http.ts';
import {
  all,
  arm,
  busy,
  forever,
  respond,
  text,
  trap,
  whenArmed,
  type Action,
  type WatGuest,
} from '../support/wat-guest.ts';

const host = 'Host: test';

/** A guest that says whether it was armed, and does something in one of its exports once it was. */
function armed(hooks: WatGuest): WatGuest {
  return {
    ...hooks,
    routes: {
      'GET /arm': all(arm(), respond({})),
      'GET /armed': all(whenArmed(respond({ body: 'yes' })), respond({ body: 'no' })),
      ...hooks.routes,
    },
  };
}

/** Asserts that the plugin crashed and that a fresh instance, with its routes, took its place. */
async function assertFresh(pulp: PulpProcess, reason: RegExp): Promise<void> {
  assert.match((await pulp.line('plugin crashed', { plugin: 'guest' }))['reason'] ?? '', reason);
  await pulp.line('plugin restarted', { plugin: 'guest' });
  assert.equal(await (await fetch(`${pulp.url}/armed`)).text(), 'no', 'the trapped instance is used again');
}

suite('a guest that traps', { concurrency: 2 }, () => {
  test('in a step: its client gets 502, queued requests are served by a fresh instance', async (t) => {
    const pulp = await startGuest(t, armed({ routes: { 'GET /trap': all(arm(), busy(400), trap()) } }));
    const trapping = await RawConnection.open(t, pulp.port);
    trapping.head('GET /trap HTTP/1.1', host);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const queued = await Promise.all(Array.from({ length: 20 }, () => RawConnection.open(t, pulp.port)));
    for (const connection of queued) connection.head('GET /armed HTTP/1.1', host);
    assert.equal((await trapping.response()).status, 502);
    for (const connection of queued) {
      const { status, body } = await connection.response();
      assert.equal(status, 200);
      assert.equal(body.toString(), 'no');
    }
    await assertFresh(pulp, /pulp_step trapped: unreachable/);
  });

  test('in a step that has answered already: the client has its answer', async (t) => {
    const pulp = await startGuest(
      t,
      armed({ routes: { 'GET /trap': all(arm(), respond({ body: 'answered' }), trap()) } }),
    );
    assert.equal(await (await fetch(`${pulp.url}/trap`)).text(), 'answered');
    await assertFresh(pulp, /pulp_step trapped/);
  });

  test('in pulp_alloc', async (t) => {
    const pulp = await startGuest(t, armed({ alloc: whenArmed(trap()) }));
    assert.equal((await fetch(`${pulp.url}/arm`)).status, 200);
    await assertFresh(pulp, /pulp_alloc trapped/);
  });

  test('in pulp_free', async (t) => {
    const pulp = await startGuest(t, armed({ free: whenArmed(trap()) }));
    assert.equal((await fetch(`${pulp.url}/arm`)).status, 200);
    await assertFresh(pulp, /pulp_free trapped/);
  });

  test('in a tick', async (t) => {
    const pulp = await startGuest(t, armed({ tick: whenArmed(trap()) }));
    assert.equal((await fetch(`${pulp.url}/arm`)).status, 200);
    await assertFresh(pulp, /pulp_step trapped/);
  });

  test('by proc_exit, even with code 0', async (t) => {
    const pulp = await startGuest(
      t,
      armed({
        imports: '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))',
        routes: { 'GET /exit': all(arm(), text('(call $exit (i32.const 0))')) },
      }),
    );
    assert.equal((await fetch(`${pulp.url}/exit`)).status, 502);
    await assertFresh(pulp, /proc_exit\(0\)/);
  });

  test('again and again: others are served in between, and the end is in order', async (t) => {
    const pulp = await startGuest(t, { routes: { 'GET /trap': trap() } });
    for (let round = 1; round <= 5; round++) {
      assert.equal((await fetch(`${pulp.url}/trap`)).status, 502);
      await pulp.line('plugin restarted', { instance: String(round + 1) });
      await pulp.alive();
    }
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
  });

  test('with restart = "never": the host drains and exits 1', async (t) => {
    const pulp = await startGuest(t, { routes: { 'GET /trap': trap() } }, { manifest: 'restart = "never"' });
    assert.equal((await fetch(`${pulp.url}/trap`)).status, 502);
    const end = await pulp.end();
    assert.equal(end.code, 1, pulp.dump());
    assert.ok(pulp.messages.includes('plugin crashed') && !pulp.messages.includes('pulp exit clean'));
  });

  for (const [name, shutdown] of Object.entries({
    traps: trap(),
    'returns 7': text('(return (i32.const 7))'),
  })) {
    test(`a pulp_shutdown that ${name} makes the exit code 1`, async (t) => {
      const pulp = await startGuest(t, { shutdown });
      const end = await pulp.stop();
      assert.equal(end.code, 1, pulp.dump());
      assert.ok(!pulp.messages.includes('pulp exit clean'));
    });
  }
});

suite('a guest that loops for ever', { concurrency: 2 }, () => {
  const places: Readonly<Record<string, WatGuest>> = {
    'in a step': { routes: { 'GET /loop': forever() } },
    'in pulp_alloc': { routes: { 'GET /loop': arm() }, alloc: whenArmed(forever()) },
    'in pulp_free': { routes: { 'GET /loop': arm() }, free: whenArmed(forever()) },
    'in a tick': { routes: { 'GET /loop': arm() }, tick: whenArmed(forever()) },
  };
  for (const [name, guest] of Object.entries(places)) {
    test(`${name}: the edge answers 404 within a second, and SIGTERM ends the process with 1`, async (t) => {
      const pulp = await startGuest(t, guest, { args: ['-drain-timeout', '500ms'] });
      const stuck = await RawConnection.open(t, pulp.port);
      stuck.head('GET /loop HTTP/1.1', host);
      await new Promise((resolve) => setTimeout(resolve, 150));
      const asked = performance.now();
      assert.equal((await fetch(`${pulp.url}/nowhere`)).status, 404);
      assert.ok(performance.now() - asked < 1000, 'the edge took over a second');
      const begun = performance.now();
      assert.equal((await pulp.stop()).code, 1, pulp.dump());
      assert.ok(performance.now() - begun < 10_000, 'the end took over 10 s');
      await pulp.line('plugin cut off', { plugin: 'guest' });
    });
  }

  test('in pulp_shutdown: the process ends all the same, with 1', async (t) => {
    const pulp = await startGuest(t, { shutdown: forever() }, { args: ['-drain-timeout', '500ms'] });
    assert.equal((await pulp.stop()).code, 1, pulp.dump());
    await pulp.line('plugin cut off', { plugin: 'guest' });
  });

  const starts: Readonly<Record<string, (action: Action) => WatGuest>> = {
    'the start section': (start) => ({ start }),
    _initialize: (initialize) => ({ initialize }),
    pulp_init: (init) => ({ init }),
    'the first pulp_alloc': (alloc) => ({ alloc }),
  };
  for (const [name, make] of Object.entries(starts)) {
    test(`in ${name}: one line and exit code 1 after the start timeout`, async (t) => {
      const manifest = await guestFolder(t, make(forever()), '[config]\nkey = 1');
      const end = await PulpProcess.run(t, { manifest, args: ['-start-timeout', '400ms'] });
      assert.equal(end.code, 1);
      assert.match(end.stderr, /^pulp: [^\n]*guest[^\n]*400 ms[^\n]*\n$/);
    });

    test(`a trap in ${name} is one line and exit code 1`, async (t) => {
      const manifest = await guestFolder(t, make(trap()), '[config]\nkey = 1');
      const end = await PulpProcess.run(t, { manifest });
      assert.equal(end.code, 1);
      assert.match(end.stderr, /^pulp: [^\n]*guest[^\n]*trapped: unreachable\n$/);
    });
  }
});
