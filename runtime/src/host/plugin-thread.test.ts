import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ResourceLimits } from 'node:worker_threads';
import { heapFiller } from '../../../test/support/heap-filler.ts';
import { guestText } from '../guest/guest-text.suite.ts';
import { note, notes, patienceMs, ThreadUnderTest } from '../plugin-thread/thread-harness.suite.ts';
import { PluginThread } from './plugin-thread.ts';

const mebibyte = 1024 * 1024;

/** A guest that keeps so much in the engine's heap in its first step, and says when that was possible. */
const filling = (bytes: number): string =>
  guestText({
    imports: note,
    fields: heapFiller(bytes),
    step: `(call $fill_heap) ${notes('(i32.const 1)')} (i32.const 0)`,
  });

/** A module that is no capability: it ends the thread that imports it, with what limits the thread has. */
const limitsAsError =
  'data:text/javascript,import { resourceLimits } from "node:worker_threads"; throw Error(JSON.stringify(resourceLimits))';

/** What Node allows a heap beyond its limit while it ends the thread, in MiB. */
const leewayMb = 16;

suite('PluginThread: the heap of the engine', () => {
  test('holds fewer new objects than may come when it is full already', async (t) => {
    const error = await new Promise<Error>((died) => {
      const thread = new PluginThread({ extensions: [{ name: 'test.limits', module: limitsAsError }], died });
      t.after(() => thread.terminate());
    });
    const { maxYoungGenerationSizeMb } = JSON.parse(
      error.message.replace(/^.* cannot be loaded: /, ''),
    ) as ResourceLimits;
    assert.ok((maxYoungGenerationSizeMb ?? Infinity) < leewayMb, error.message);
  });

  test('what a plugin may reasonably have of it is there', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(filling(64 * mebibyte));
    instance.event();
    await thread.until(() => instance.notes.length > 0, 'the heap is filled');
    assert.deepEqual(thread.died, []);
  });

  test('a guest that takes more ends its thread with a reason, and nothing else', async (t) => {
    const thread = new ThreadUnderTest(t);
    const other = new ThreadUnderTest(t);
    const bystander = await other.ready(
      guestText({ imports: note, step: notes('(i32.const 7)') + '(i32.const 0)' }),
    );
    const instance = await thread.ready(filling(768 * mebibyte));
    instance.event();
    const begun = performance.now();
    while (thread.died.length === 0) {
      instance.drain();
      assert.deepEqual(instance.notes, [], 'the thread has all of the heap that it asked for');
      assert.ok(performance.now() - begun < patienceMs, 'the thread lives on');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal((thread.died[0] as NodeJS.ErrnoException).code, 'ERR_WORKER_OUT_OF_MEMORY');
    assert.equal(thread.died.length, 1);
    bystander.event();
    await other.until(() => bystander.notes.length > 0, 'another thread makes its step');
  });
});
