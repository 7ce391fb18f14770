import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Event, type Port, defineCapability } from '../ext.ts';
import { Bell } from '../link/bell.ts';
import { linkThreads, SharedMemoryThread } from '../link/shared-memory.ts';
import { Edge } from './edge.ts';

const ignored = (): void => undefined;

/** Lets everything run that is due. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

suite('the edge, before it sleeps', () => {
  test('announces what was pushed as an event was settled, with many others under way', async (t) => {
    const edge = new Edge({
      index: 0,
      maxBodyBytes: 1024,
      maxConnections: 1,
      headerTimeoutMs: 1000,
      bodyTimeoutMs: 1000,
      writeTimeoutMs: 1000,
      requestTimeoutMs: 1000,
      log: { debug: ignored, info: ignored, warn: ignored, error: ignored },
    });
    t.after(() => edge.close());
    let port: Port | undefined;
    const capability = defineCapability({
      module: import.meta.url,
      name: 'test.pushes',
      imports: {},
      events: ['test.event'],
      edge: () => ({
        plugin(given) {
          port = given;
          return {};
        },
      }),
    });
    const plugin = edge.plugin({ name: 'guest', version: '1.2.3' });
    const thread = new Bell();
    const link = linkThreads({ thread, edge: edge.bell });
    const end = new SharedMemoryThread(link.endpoint, edge.bell);
    t.after(() => end.close());
    const slots = await plugin.slots([capability], new Map());
    plugin.attach({ instance: 1, link: link.edge, slots, host: ignored });
    const push = (id: number, done?: Event['done']): void => {
      const event = { kind: 0, id, payload: new Uint8Array(1) };
      assert.equal(port?.push(done === undefined ? event : { ...event, done }), true);
    };
    // More than those for which the edge looks by itself.
    push(1, () => push(7));
    for (let id = 2; id <= 6; id++) push(id);
    await turns();
    const ring = t.mock.method(thread, 'ring');
    assert.equal(end.take()?.id, 1);
    end.finish();
    await turns();
    assert.equal(plugin.unfinished, 6);
    assert.equal(ring.mock.callCount(), 1, 'the thread was not told of the event');
  });
});
