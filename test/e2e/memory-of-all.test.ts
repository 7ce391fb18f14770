/** The memory that all guests have together. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { HostUnderTest } from '../support/host-under-test.ts';
import { until } from '../support/until.ts';
import { all, respond, text } from '../support/wat-guest.ts';

const mebibyte = 1024 * 1024;
const hog = {
  name: 'hog',
  guest: { routes: { 'GET /grow': all(text('(drop (memory.grow (i32.const 640)))'), respond({})) } },
};

suite('guests that have all of the memory together', () => {
  test('the hog is refused, then started afresh, and its neighbour never notices', async (t) => {
    const host = await HostUnderTest.start(t, [hog, { name: 'neighbour' }], {
      maxMemoryBytes: 40 * mebibyte,
    });
    const load = host.load('/neighbour');
    assert.equal((await host.get('/grow'))[0], 200);
    const { memory_bytes: bytes, max_bytes: most } = await host.line('plugin over memory', { plugin: 'hog' });
    assert.ok(Number(bytes) >= 40 * mebibyte);
    assert.equal(most, 40 * mebibyte);
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
});
