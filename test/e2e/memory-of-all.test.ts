/** The memory that all guests have together. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { HostUnderTest } from '../support/host-under-test.ts';
import { until } from '../support/until.ts';
import { all, respond, text, trap } from '../support/wat-guest.ts';

const mebibyte = 1024 * 1024;
const hog = {
  name: 'hog',
  guest: { routes: { 'GET /grow': all(text('(drop (memory.grow (i32.const 638)))'), respond({})) } },
};
const twin = {
  name: 'twin',
  guest: { routes: { 'GET /grow-too': all(text('(drop (memory.grow (i32.const 638)))'), respond({})) } },
};

suite('guests that have all of the memory together', () => {
  test('the hog is refused, then started afresh, and its neighbour never notices', async (t) => {
    const host = await HostUnderTest.start(t, [hog, { name: 'neighbour' }], {
      maxMemoryBytes: 40 * mebibyte,
    });
    const load = host.load('/neighbour');
    assert.equal((await host.get('/grow'))[0], 200);
    const { memory_bytes: bytes, max_bytes: most } = await host.line('plugin over memory', { plugin: 'hog' });
    assert.ok(Number(bytes) <= 40 * mebibyte, 'none has more than all together may have');
    assert.equal(most, 40 * mebibyte);
    const ofHog = host.host.status().plugins.find(({ name }) => name === 'hog');
    assert.equal(ofHog?.overMemory, true);
    assert.equal(ofHog?.maxMemoryBytes, 40 * mebibyte);
    const refused = await fetch(`${host.url}/hog`);
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get('retry-after')) >= 1);
    await host.line('plugin restarted', { plugin: 'hog', instance: 2 });
    const { reason } = await host.line('plugin crashed', { plugin: 'hog' });
    assert.match(String(reason), /the memory of all plugins is used up, and it has the most: \d+ bytes/);
    await until(() => host.host.status().guestBytes < 40 * mebibyte, 'the memory is given back');
    assert.deepEqual(await host.get('/hog'), [200, 'hog']);
    assert.deepEqual((await load.stop()).errors, []);
    assert.deepEqual(host.logged('plugin over memory', { plugin: 'neighbour' }), []);
    assert.deepEqual(host.logged('plugin crashed', { plugin: 'neighbour' }), []);
  });

  test('far above the limit there is no waiting', async (t) => {
    const host = await HostUnderTest.start(t, [hog, { name: 'other' }, twin], {
      maxMemoryBytes: 60 * mebibyte,
    });
    assert.equal((await host.get('/grow'))[0], 200);
    const begun = performance.now();
    assert.equal((await host.get('/grow-too'))[0], 200);
    await host.line('plugin crashed');
    // 5 s otherwise. Both have as much.
    assert.ok(performance.now() - begun < 4500);
    await until(() => host.host.status().guestBytes < 60 * mebibyte, 'the memory is given back');
    assert.equal(host.logged('plugin crashed').length, 1);
  });

  test('below the limit nothing is refused, and what they have is in the status', async (t) => {
    const host = await HostUnderTest.start(t, [hog, { name: 'neighbour' }], {
      maxMemoryBytes: 400 * mebibyte,
    });
    assert.equal((await host.get('/grow'))[0], 200);
    await until(() => host.host.status().guestBytes > 40 * mebibyte, 'the growth is seen');
    assert.deepEqual(await host.get('/hog'), [200, 'hog']);
    assert.equal(host.host.status().maxGuestBytes, 400 * mebibyte);
    assert.deepEqual(host.logged('plugin over memory'), []);
  });

  test('what a guest takes and then waits with is seen', async (t) => {
    // A clock of 20 s is subscribed to.
    const grow = '(drop (memory.grow (i32.const 640)))';
    const wait = `(i64.store (i32.const 304) (i64.const 0)) (i32.store (i32.const 312) (i32.const 1))
      (i64.store (i32.const 320) (i64.const 20000000000)) (i64.store (i32.const 328) (i64.const 0))
      (i32.store (i32.const 336) (i32.const 0))
      (drop (call $poll (i32.const 304) (i32.const 352) (i32.const 1) (i32.const 344)))`;
    const guest = {
      imports:
        '(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))',
      routes: { 'GET /grow': all(text(grow), text(wait), respond({})) },
    };
    const host = await HostUnderTest.start(t, [{ name: 'hog', guest }, { name: 'neighbour' }], {
      maxMemoryBytes: 400 * mebibyte,
    });
    const asked = host.get('/grow').catch(() => undefined);
    await until(() => host.host.status().guestBytes > 40 * mebibyte, 'the growth is seen');
    await host.host.stopPlugin('hog');
    await asked;
  });

  test('what broken instances had is given back, whatever they had', async (t) => {
    const pages = 4096;
    const fill = `(drop (memory.grow (i32.const ${pages})))
      (memory.fill (i32.const 65536) (i32.const 1) (i32.const ${(pages - 2) * 65_536}))`;
    const guest = { init: text(fill), routes: { 'GET /trap': trap() } };
    const manifest = 'max_memory_pages = 8192\ncapabilities = ["transport.http.inbound"]';
    const host = await HostUnderTest.start(t, [{ name: 'large', guest, manifest }]);
    const before = process.memoryUsage.rss();
    for (let instance = 2; instance <= 5; instance++) {
      assert.equal((await host.get('/trap'))[0], 502);
      await host.line('plugin restarted', { plugin: 'large', instance });
    }
    const grown = process.memoryUsage.rss() - before;
    assert.ok(grown < 1.5 * pages * 65_536, `${Math.round(grown / mebibyte)} MiB more after four instances`);
  });
});
