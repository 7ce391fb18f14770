/** A folder and a link that take turns at one name, as fast as another thread can make them. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Scope } from '../../../../test/support/scope.ts';

export interface SwappingOptions {
  /** The folder's path; it is there. */
  readonly entry: string;
  /** Where the link leads. */
  readonly target: string;
}

export interface Swapping {
  /** How often the link stood there so far. */
  readonly rounds: number;
  /** Ends it, with the folder at its place unless someone removed it. */
  stop(): Promise<void>;
}

const text = `
  const { existsSync, renameSync, rmSync, symlinkSync, unlinkSync } = require('node:fs');
  const { parentPort, workerData: { entry, target, shared } } = require('node:worker_threads');
  const state = new Int32Array(shared);
  const attempt = (act) => { try { act(); } catch {} };
  parentPort.postMessage('ready');
  while (Atomics.load(state, 0) === 0) {
    attempt(() => renameSync(entry, entry + '-away'));
    attempt(() => symlinkSync(target, entry));
    Atomics.add(state, 1, 1);
    attempt(() => unlinkSync(entry));
    attempt(() => renameSync(entry + '-away', entry));
    // Who makes folders on the way has made one meanwhile.
    while (existsSync(entry + '-away')) {
      attempt(() => rmSync(entry, { recursive: true, force: true }));
      attempt(() => renameSync(entry + '-away', entry));
    }
  }
`;

export async function startSwapping(t: Scope, { entry, target }: SwappingOptions): Promise<Swapping> {
  const shared = new SharedArrayBuffer(8);
  const state = new Int32Array(shared);
  const worker = new Worker(text, { eval: true, workerData: { entry, target, shared } });
  const exit = once(worker, 'exit');
  const stop = async (): Promise<void> => {
    Atomics.store(state, 0, 1);
    await exit;
  };
  t.after(stop);
  await once(worker, 'message');
  return {
    get rounds() {
      return Atomics.load(state, 1);
    },
    stop,
  };
}
