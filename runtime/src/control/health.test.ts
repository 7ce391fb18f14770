import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { suite, test } from 'node:test';
import { FakeHost, pluginStatus } from '../../../test/support/fake-host.ts';
import { until } from '../../../test/support/until.ts';
import { answerHealth, HealthServer } from './health.ts';

suite('health', () => {
  test('is alive as long as it answers, and ready when every plugin is', () => {
    const host = new FakeHost();
    const health = () => host.status();
    assert.deepEqual(answerHealth('/livez', health), { status: 200, text: 'ok\n' });
    assert.deepEqual(answerHealth('/readyz', health), { status: 200, text: 'ok\n' });
    host.plugins = [
      pluginStatus('echo'),
      pluginStatus('chat', { state: 'restarting', reason: 'secret' }),
      pluginStatus('notes', { state: 'stopped' }),
    ];
    assert.deepEqual(answerHealth('/readyz', health), {
      status: 503,
      text: 'chat is restarting\n',
    });
    assert.equal(answerHealth('/livez', health)?.status, 200);
    host.stopping = true;
    assert.deepEqual(answerHealth('/readyz', health), { status: 503, text: 'the host is stopping\n' });
    assert.equal(answerHealth('/', health), undefined);
  });

  test('says of one plugin whether it is ready, and of all but some', () => {
    const host = new FakeHost([
      pluginStatus('echo'),
      pluginStatus('my chat', { state: 'failed', reason: 'secret' }),
      pluginStatus('notes', { state: 'stopped' }),
      pluginStatus('100%', { state: 'stuck' }),
    ]);
    const ask = (target: string): unknown => {
      const answer = answerHealth(target, () => host.status());
      return answer === undefined ? 404 : `${answer.status} ${answer.text}`;
    };
    assert.equal(ask('/readyz/echo'), '200 ok\n');
    assert.equal(ask('/readyz/my%20chat'), '503 my chat is failed\n');
    assert.equal(ask('/readyz/notes'), '503 notes is stopped\n');
    assert.equal(ask('/readyz/100%25?x=1'), '503 100% is stuck\n');
    for (const target of ['/readyz/', '/readyz/none', '/readyz/100%', '/readyz/echo/', '//x/readyz']) {
      assert.equal(ask(target), 404, target);
    }
    assert.equal(ask('/readyz?exclude=my%20chat'), '503 100% is stuck\n');
    assert.equal(ask('/readyz?exclude=my+chat&exclude=100%25'), '200 ok\n');
    assert.equal(ask('/readyz?exclude=echo'), '503 my chat is failed\n100% is stuck\n');
    host.stopping = true;
    assert.equal(ask('/readyz/echo'), '503 the host is stopping\n');
    assert.equal(answerHealth('/readyz/echo', () => undefined)?.text, 'the host is starting\n');
  });

  test('is alive and not ready while the host starts', () => {
    assert.equal(answerHealth('/livez', () => undefined)?.status, 200);
    assert.deepEqual(
      answerHealth('/readyz', () => undefined),
      { status: 503, text: 'the host is starting\n' },
    );
  });

  test('answers over HTTP, and anything else is 404', async () => {
    const host = new FakeHost();
    await using server = await HealthServer.listen({
      health: () => host.status(),
      port: 0,
      host: '127.0.0.1',
    });
    const get = async (path: string, method = 'GET'): Promise<[number, string]> => {
      const response = await fetch(`http://${server.address}${path}`, { method });
      return [response.status, await response.text()];
    };
    assert.deepEqual(await get('/readyz'), [200, 'ok\n']);
    assert.deepEqual(await get('/readyz?verbose'), [200, 'ok\n']);
    assert.deepEqual(await get('/livez', 'HEAD'), [200, '']);
    host.stopping = true;
    assert.equal((await get('/readyz'))[0], 503);
    for (const [path, method] of [
      ['/', 'GET'],
      ['/livez/', 'GET'],
      ['/livez', 'POST'],
      ['/v1/status', 'GET'],
    ] as const) {
      assert.equal((await get(path, method))[0], 404, `${method} ${path}`);
    }
  });

  test('keeps to its bound, answers whoever comes beyond it, and closes all connections at its end', async () => {
    const server = await HealthServer.listen({ health: () => undefined, port: 0, host: '127.0.0.1' });
    const port = Number(server.address.split(':')[1]);
    const idle = Array.from({ length: 70 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    let closed = 0;
    const ended = idle.map(async (socket) => {
      await text(socket).catch(() => '');
      closed += 1;
    });
    await until(() => closed >= 6, 'those over 64 are closed as they come');
    assert.equal(closed, 6);
    const answer = await fetch(`http://127.0.0.1:${port}/livez`);
    assert.equal(answer.status, 200);
    await until(() => closed === 7, 'it has the place of the oldest');
    await server[Symbol.asyncDispose]();
    await Promise.all(ended);
  });
});
