import assert from 'node:assert/strict';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { ensureStackRoom } from './stack-room.ts';

suite('room on the stack', () => {
  test('is made sure of before SQL that recurses, so that a deep caller is out of stack and the process goes on', async (t) => {
    for (const stackSizeMb of [4, 16]) {
      const worker = new Worker(new URL('deep-caller.suite.ts', import.meta.url), {
        resourceLimits: { stackSizeMb },
      });
      t.after(() => worker.terminate());
      const [{ ran, overflows }] = (await once(worker, 'message')) as [{ ran: number; overflows: number }];
      assert.ok(ran >= 4 && overflows > 0, `${stackSizeMb} MiB: ${ran} ran, ${overflows} did not`);
    }
  });

  test('is not looked for on the main thread, where the engine leaves some', () => {
    ensureStackRoom();
  });
});
