/**
 * A thread that does nothing but wait, for 10 ms at a time: what ticks cost before anything is done in them.
 * Plain JavaScript, so that nothing but Node is measured.
 */
import { isMainThread, Worker } from 'node:worker_threads';

if (isMainThread) {
  const thread = new Worker(new URL(import.meta.url));
  thread.on('exit', (code) => process.exit(code));
} else {
  const word = new Int32Array(new SharedArrayBuffer(4));
  for (;;) Atomics.wait(word, 0, 0, 10);
}
