import assert from 'node:assert/strict';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import { makeClient } from './client.ts';
import { FakeRedis } from './fake-redis.suite.ts';

suite('a connection', () => {
  test('that is given up while it is made does not stay', async (t) => {
    const fake = await FakeRedis.start(t, () => undefined);
    const client = makeClient(fake.url, { timeoutMs: 5000 });
    const connected = client.connect().catch(() => undefined);
    client.destroy();
    await connected;
    while (fake.sockets.length === 0) await new Promise(setImmediate);
    const [socket] = fake.sockets;
    if (socket !== undefined && !socket.destroyed) await once(socket, 'close');
    assert.equal(client.isReady, false);
  });
});
