import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FakeHost } from '../../../test/support/fake-host.ts';
import type { Log, LogFields } from '../ext.ts';
import { Reloads } from './reloads.ts';

function noted(): { log: Log; lines: unknown[] } {
  const lines: unknown[] = [];
  const note = (message: string, fields?: LogFields): void => void lines.push([message, fields]);
  return { log: { debug: note, info: note, warn: note, error: note }, lines };
}

suite('reloads', () => {
  test('are made one after the other, each plugin once', async () => {
    const host = new FakeHost();
    let running = 0;
    host.acts = async () => {
      running += 1;
      assert.equal(running, 1);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    };
    const reloads = new Reloads(host, noted().log);
    await Promise.all([reloads.requestAll(), reloads.request(['chat']), reloads.requestAll()]);
    // The first was begun already when it was asked for again.
    assert.deepEqual(host.asked, ['reload echo', 'reload chat', 'reload echo']);
    await reloads.request(['chat']);
    assert.equal(host.asked.length, 4);
  });

  test('that fail are logged, and keep nobody from the next', async () => {
    const host = new FakeHost();
    host.acts = (asked) => (asked === 'reload echo' ? Promise.reject(new Error('no')) : Promise.resolve());
    const { log, lines } = noted();
    await new Reloads(host, log).requestAll();
    assert.deepEqual(host.asked, ['reload echo', 'reload chat']);
    assert.deepEqual(lines, [['plugin reload failed', { plugin: 'echo', reason: 'no' }]]);
  });

  test('that wait at the end are not made', async () => {
    const host = new FakeHost();
    const reloads = new Reloads(host, noted().log);
    const done = reloads.requestAll();
    reloads.end();
    await done;
    assert.deepEqual(host.asked, ['reload echo']);
  });
});
