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

/** Ways to break an instance: what the client of the request that begins it gets, and the reason in the log. */
const ways: readonly { path: string; place: string; status: number; reason: RegExp }[] = [
  { path: '/step', place: 'a step', status: 502, reason: /pulp_step trapped: unreachable/ },
  { path: '/answered', place: 'a step that has answered already', status: 200, reason: /pulp_step trapped/ },
  { path: '/alloc', place: 'pulp_alloc', status: 200, reason: /pulp_alloc trapped/ },
  { path: '/free', place: 'pulp_free', status: 200, reason: /pulp_free trapped/ },
  { path: '/tick', place: 'a tick', status: 200, reason: /pulp_step trapped/ },
  { path: '/exit', place: 'a step, by proc_exit with code 0', status: 502, reason: /proc_exit\(0\)/ },
];

const [, , inAlloc = 0, inFree = 0, inTick = 0] = ways.map((_, index) => index + 1);

/** Breaks in any of these ways, and says whether it is the instance that was told to. */
const breakable: WatGuest = {
  imports: '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))',
  routes: {
    'GET /step': all(arm(-1), busy(400), trap()),
    'GET /answered': all(arm(-1), respond({ body: 'answered' }), trap()),
    'GET /alloc': all(arm(inAlloc), respond({})),
    'GET /free': all(arm(inFree), respond({})),
    'GET /tick': all(arm(inTick), respond({})),
    'GET /exit': all(arm(-1), text('(call $exit (i32.const 0))')),
    'GET /fresh': all(
      text('(if (global.get $armed) (then'),
      respond({ body: 'no' }),
      text('(return (i32.const 0))))'),
      respond({ body: 'yes' }),
    ),
  },
  alloc: whenArmed(trap(), inAlloc),
  free: whenArmed(trap(), inFree),
  tick: whenArmed(trap(), inTick),
};

suite('a guest that traps', { concurrency: 2 }, () => {
  for (const { path, place, status, reason } of ways) {
    test(`in ${place}: the log says so, and a fresh instance with its routes takes its place`, async (t) => {
      const pulp = await startGuest(t, breakable);
      const response = await fetch(`${pulp.url}${path}`);
      assert.equal(response.status, status);
      if (path === '/answered') assert.equal(await response.text(), 'answered');
      await pulp.line('plugin restarted', { instance: '2' });
      const crash = pulp.lines.findLast(({ msg }) => msg === 'plugin crashed');
      assert.match(crash?.['reason'] ?? '', reason);
      assert.equal(crash?.['plugin'], 'guest');
      assert.equal(
        await (await fetch(`${pulp.url}/fresh`)).text(),
        'yes',
        'the broken instance is used again',
      );
    });
  }

  test('in a step: its client gets 502, queued requests are served by the next instance', async (t) => {
    const pulp = await startGuest(t, breakable);
    const trapping = await RawConnection.open(t, pulp.port);
    trapping.head('GET /step HTTP/1.1', host);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const queued = await Promise.all(Array.from({ length: 20 }, () => RawConnection.open(t, pulp.port)));
    for (const connection of queued) connection.head('GET /fresh HTTP/1.1', host);
    assert.equal((await trapping.response()).status, 502);
    for (const connection of queued) {
      const { status, body } = await connection.response();
      assert.equal(status, 200);
      assert.equal(body.toString(), 'yes');
    }
    assert.equal((await pulp.stop()).code, 0, pulp.dump());
  });
});

suite('a guest that breaks for good', { concurrency: 2 }, () => {
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
