/** A plugin thread that sends large effects as fast as it may, and says after each that it was sent. */
import { parentPort, workerData } from 'node:worker_threads';
import { connect } from './shared-memory-thread.suite.ts';
import type { ThreadEndpoint } from './shared-memory.ts';

const { endpoint, effects, bytes, sent } = workerData as {
  readonly endpoint: ThreadEndpoint;
  readonly effects: number;
  readonly bytes: number;
  readonly sent: SharedArrayBuffer;
};

const link = connect(endpoint);
const count = new Int32Array(sent);
for (let id = 1; id <= effects; id++) {
  link.send(0, 0, id, new Uint8Array(bytes));
  Atomics.store(count, 0, id);
}
parentPort?.postMessage('done');
