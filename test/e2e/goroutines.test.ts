import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { goPlugin, withoutGo } from '../support/go-plugin.ts';
import { manyRequests } from '../support/many-requests.ts';
import { PulpProcess } from '../support/pulp-process.ts';

const skip = await withoutGo();

suite('a Go guest with goroutines on timers', { skip }, () => {
  test('answers 20,000 requests rightly while its goroutines sleep and its timers fire', async (t) => {
    const pulp = await PulpProcess.start(t, { manifest: await goPlugin(t, 'goroutines-go') });
    const requests = 20_000;
    let woken = 0;
    await manyRequests(t, {
      port: pulp.port,
      connections: 20,
      requests,
      request: (number) => `GET /sum/token-${number} HTTP/1.1\r\nHost: test\r\n\r\n`,
      body: (number) => (body) => {
        const [token, sum, count] = body.split(' ');
        woken = Math.max(woken, Number(count));
        return token === `token-${number}` && sum === '6';
      },
    });
    assert.ok(woken > 1000, `its timers went on only ${woken} times`);
    assert.deepEqual(await pulp.stop(), { code: 0, signal: null, stderr: '' }, pulp.dump());
    assert.ok(!pulp.messages.includes('plugin crashed'), pulp.dump());
  });
});
