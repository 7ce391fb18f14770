import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { startGuest } from '../support/guest-host.ts';
import type { PulpProcess } from '../support/pulp-process.ts';
import { header, RawConnection, rawRequest } from '../support/raw-http.ts';
import { suiteScope } from '../support/scope.ts';
import {
  all,
  arm,
  busy,
  forever,
  mirror,
  respond,
  text,
  trap,
  whenArmed,
  type WatGuest,
} from '../support/wat-guest.ts';

const plain: WatGuest = {
  routes: {
    'GET /both': respond({ body: 'got' }),
    'PUT /both': respond({}),
    'POST /mirror': mirror(),
    'GET /silent': text(''),
    'GET /bad': respond({ status: 99 }),
    'HEAD /own-head': respond({ headers: [['X-Own', 'yes']] }),
    'GET /own-head': respond({ body: 'of GET' }),
    'GET /p/:name': respond({ body: 'named' }),
  },
};

const get = (target: string): readonly string[] => [`GET ${target} HTTP/1.1`, 'Host: test'];

suite('status codes of the edge', () => {
  const scope = suiteScope();
  let pulp: PulpProcess;

  before(async () => {
    pulp = await startGuest(scope, plain, { args: ['-max-body-bytes', '1000'] });
  });

  test('404 for a path without a route, 405 with Allow for a method without one', async (t) => {
    const unknown = await rawRequest(t, pulp.port, { head: get('/nowhere') });
    assert.equal(unknown.status, 404);
    assert.equal(unknown.body.toString(), '404 page not found\n');

    const wrong = await rawRequest(t, pulp.port, { head: ['DELETE /both HTTP/1.1', 'Host: test'] });
    assert.equal(wrong.status, 405);
    const allowed = (header(wrong, 'Allow') ?? '').split(', ');
    assert.ok(allowed.includes('GET') && allowed.includes('PUT'), `Allow is ${allowed.join()}`);

    const put = await rawRequest(t, pulp.port, {
      head: ['PUT /both HTTP/1.1', 'Host: test', 'Content-Length: 0'],
    });
    assert.equal(put.status, 200);
  });

  test('400 for bad percent-encoding in a path that a route would take, and for a second Host', async (t) => {
    for (const target of ['/p/%zz', '/p/%2', '/p/%']) {
      const response = await rawRequest(t, pulp.port, { head: get(target) });
      assert.equal(response.status, 400, target);
    }
    const hosts = await rawRequest(t, pulp.port, { head: [...get('/ok'), 'Host: other'] });
    assert.equal(hosts.status, 400);
    const none = await rawRequest(t, pulp.port, { head: ['GET /ok HTTP/1.1'] });
    assert.equal(none.status, 400);
    await pulp.alive();
  });

  test('413 for a body over the limit, announced or not', async (t) => {
    const post = ['POST /mirror HTTP/1.1', 'Host: test'];
    const announced = await rawRequest(t, pulp.port, { head: [...post, 'Content-Length: 1001'] });
    assert.equal(announced.status, 413);

    const chunk = `1f4\r\n${'x'.repeat(500)}\r\n`;
    const chunked = await rawRequest(t, pulp.port, {
      head: [...post, 'Transfer-Encoding: chunked'],
      body: `${chunk}${chunk}1\r\nx\r\n0\r\n\r\n`,
    });
    assert.equal(chunked.status, 413);

    const fits = await rawRequest(t, pulp.port, {
      head: [...post, 'Transfer-Encoding: chunked'],
      body: `${chunk}${chunk}0\r\n\r\n`,
    });
    assert.equal(fits.status, 200);
    const exact = await rawRequest(t, pulp.port, {
      head: [...post, 'Content-Length: 1000'],
      body: 'x'.repeat(1000),
    });
    assert.equal(exact.status, 200);
  });

  test('408 for a head or a body that does not come', async (t) => {
    const impatient = await startGuest(t, plain, {
      args: ['-header-timeout', '300ms', '-body-timeout', '600ms'],
    });
    const slowHead = await RawConnection.open(t, impatient.port);
    slowHead.send('GET /ok HTTP/1.1\r\nHost: te');
    const slowBody = await RawConnection.open(t, impatient.port);
    slowBody.head('POST /mirror HTTP/1.1', 'Host: test', 'Content-Length: 10');
    slowBody.send('half');
    for (const connection of [slowHead, slowBody]) {
      assert.equal((await connection.response()).status, 408);
      await connection.closed;
    }
    await impatient.alive();
  });

  test('431 for a head over 64 KiB, and 414 or 431 for a huge target', async (t) => {
    const large = await rawRequest(t, pulp.port, { head: [...get('/ok'), `X-Large: ${'x'.repeat(66_000)}`] });
    assert.equal(large.status, 431);
    const target = await rawRequest(t, pulp.port, { head: get(`/ok?${'x'.repeat(66_000)}`) });
    assert.ok([414, 431].includes(target.status), `a huge target gave ${target.status}`);
    const fits = await rawRequest(t, pulp.port, { head: [...get('/ok'), `X-Large: ${'x'.repeat(60_000)}`] });
    assert.equal(fits.status, 200);
  });

  test('500 for a step without an answer, 502 for a bad answer, both with a line in the log', async (t) => {
    const silent = await rawRequest(t, pulp.port, { head: get('/silent') });
    assert.equal(silent.status, 500);
    assert.equal(silent.body.toString(), 'plugin did not respond\n');
    assert.ok('id' in (await pulp.line('plugin did not respond', { plugin: 'guest' })));

    const bad = await rawRequest(t, pulp.port, { head: get('/bad') });
    assert.equal(bad.status, 502);
    await pulp.line('bad response from plugin', { plugin: 'guest' });
    await pulp.alive();
  });

  test('HEAD falls back to GET, without its body but with its length; a HEAD route comes first', async (t) => {
    const connection = await RawConnection.open(t, pulp.port);
    connection.head('HEAD /both HTTP/1.1', 'Host: test');
    const head = await connection.response({ toHead: true });
    assert.equal(head.status, 200);
    assert.equal(header(head, 'Content-Length'), '3');
    connection.head('HEAD /own-head HTTP/1.1', 'Host: test');
    assert.equal(header(await connection.response({ toHead: true }), 'X-Own'), 'yes');
    // Whatever had been sent as a body would now stand in front of the next response.
    connection.head(...get('/both'));
    assert.equal((await connection.response()).body.toString(), 'got');
  });
});

suite('status codes of a plugin that has no time', { concurrency: 3 }, () => {
  test('504 when an answer does not come in time, and the late answer harms nobody', async (t) => {
    const slow = { routes: { 'GET /slow': all(busy(1500), respond({ body: 'late' })) } };
    const pulp = await startGuest(t, slow, { args: ['-request-timeout', '400ms'] });
    const connection = await RawConnection.open(t, pulp.port);
    connection.head(...get('/slow'));
    const response = await connection.response();
    assert.equal(response.status, 504);
    assert.equal(response.body.toString(), 'plugin timeout\n');
    // The connection goes on, and the answer that came late is not taken for the next one's.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    connection.head(...get('/ok'));
    assert.equal((await connection.response()).body.toString(), 'ok');
  });

  test('a request that timed out in the queue is never given to the plugin', async (t) => {
    const guest: WatGuest = {
      routes: {
        'GET /slow': all(busy(1500), respond({})),
        'GET /arm': all(arm(), respond({ body: 'armed' })),
        'GET /armed': all(whenArmed(respond({ body: 'armed' })), respond({ body: 'no' })),
      },
    };
    const pulp = await startGuest(t, guest, { args: ['-request-timeout', '400ms'] });
    const [slow, queued] = [await RawConnection.open(t, pulp.port), await RawConnection.open(t, pulp.port)];
    slow.head(...get('/slow'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    queued.head(...get('/arm'));
    assert.equal((await slow.response()).status, 504);
    assert.equal((await queued.response()).status, 504);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal((await rawRequest(t, pulp.port, { head: get('/armed') })).body.toString(), 'no');
  });

  test('503 with Retry-After when the queue is full, 200 for all that were taken', async (t) => {
    const pulp = await startGuest(t, { routes: { 'GET /slow': all(busy(3500), respond({})) } });
    const slow = await RawConnection.open(t, pulp.port);
    const connections = await Promise.all(
      Array.from({ length: 1100 }, () => RawConnection.open(t, pulp.port)),
    );
    slow.head(...get('/slow'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const connection of connections) connection.head(...get('/ok'));
    const responses = await Promise.all(connections.map((connection) => connection.response()));
    const refused = responses.filter(({ status }) => status === 503);
    // The queue has room for 1,024: the slow one and 1,023 behind it.
    assert.equal(refused.length, 77);
    for (const response of refused) assert.ok(Number(header(response, 'Retry-After')) >= 1);
    assert.equal(responses.filter(({ status }) => status === 200).length, 1023);
  });

  test('503 with Retry-After while the plugin is down, and 404 as ever', async (t) => {
    const pulp = await startGuest(t, { routes: { 'GET /trap': trap() } });
    // Each crash makes the next restart come later, and the fifth opens the circuit.
    for (let crash = 1; crash <= 5; crash++) {
      assert.equal((await fetch(`${pulp.url}/trap?token=secret`)).status, 502);
      if (crash < 5) await pulp.line('plugin restarted', { instance: String(crash + 1) });
    }
    await pulp.line('plugin ended in a request', { plugin: 'guest', method: 'GET', path: '/trap' });
    await pulp.line('plugin failed');
    const down = await rawRequest(t, pulp.port, { head: get('/ok') });
    assert.equal(down.status, 503);
    // When it is tried again.
    assert.ok(Number(header(down, 'Retry-After')) > 5);
    assert.equal((await rawRequest(t, pulp.port, { head: get('/nowhere') })).status, 404);
  });

  test('404 within a second while the plugin loops for ever', async (t) => {
    const pulp = await startGuest(t, { routes: { 'GET /loop': forever() } });
    const stuck = await RawConnection.open(t, pulp.port);
    stuck.head(...get('/loop'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const begun = performance.now();
    const response = await rawRequest(t, pulp.port, { head: get('/nowhere') });
    assert.equal(response.status, 404);
    assert.ok(performance.now() - begun < 1000, 'the edge took over a second');
  });
});
