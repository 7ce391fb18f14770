import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Bell } from './bell.ts';
import { linkThreads } from './shared-memory.ts';

const mebibyte = 1024 * 1024;

suite('large effects', () => {
  test('a thread that sends more than may be under way waits for the edge to take some', async (t) => {
    const { edge, endpoint, transfer } = linkThreads({ thread: new Bell(), edge: new Bell() });
    const sent = new SharedArrayBuffer(4);
    const effects = 8;
    const worker = new Worker(new URL('large-effects-thread.suite.ts', import.meta.url), {
      workerData: { endpoint, effects, bytes: 16 * mebibyte, sent },
      transferList: [...transfer],
    });
    t.after(async () => {
      await worker.terminate();
      edge.close();
    });
    const done = once(worker, 'message');
    const count = new Int32Array(sent);
    while (Atomics.load(count, 0) < 4) await sleep(5);
    await sleep(100);
    assert.equal(Atomics.load(count, 0), 4, '64 MiB are under way: the fifth has to wait');

    const taken: [id: number, bytes: number][] = [];
    const receiver = {
      effect(_channel: number, _kind: number, payload: Uint8Array, id: number) {
        taken.push([id, payload.length]);
        return 0;
      },
      request: () => Promise.reject(new Error('nobody asks')),
    };
    while (taken.length < effects) {
      edge.drain(receiver);
      await sleep(5);
    }
    await done;
    assert.deepEqual(
      taken,
      Array.from({ length: effects }, (_, index) => [index + 1, 16 * mebibyte]),
    );
  });
});
