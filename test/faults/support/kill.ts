import assert from 'node:assert/strict';
import { exampleManifest } from '../../support/example-plugins.ts';
import type { Scope } from '../../support/scope.ts';
import { notesPlugin, writeNote } from '../scenarios/storage.ts';
import { Client } from './client.ts';
import { FaultHost } from './fault-host.ts';
import { pause } from './scenario.ts';

export interface KillOptions {
  readonly storageRoot: string;
  /** How long notes are written before the end, in milliseconds. */
  readonly ms: number;
}

/** What a kill came to. */
export interface Killed {
  /** Notes that clients had been told are kept. All of them were found. */
  readonly acknowledged: number;
  /** From the start of the next process until it serves, in milliseconds. */
  readonly restartMs: number;
}

/** Kills a host in the middle of its work, starts another on the same storage, and asserts that nothing is lost. */
export async function killAndRestart(t: Scope, { storageRoot, ms }: KillOptions): Promise<Killed> {
  const manifests = [exampleManifest('echo'), await notesPlugin(t, '')];
  const first = await FaultHost.start(t, { manifests, storageRoot });
  const ids: number[] = [];
  {
    using client = new Client(first);
    const lane = async (): Promise<void> => {
      for (;;) {
        const answer = await client.ask('/notes', writeNote).catch(() => undefined);
        if (answer?.status !== 201) return;
        ids.push((JSON.parse(answer.body) as { id: number }).id);
      }
    };
    const lanes = Array.from({ length: 4 }, lane);
    await pause(ms);
    await first.kill();
    await Promise.all(lanes);
  }
  const begun = performance.now();
  const second = await FaultHost.start(t, { manifests, storageRoot });
  using client = new Client(second);
  await client.serving('/echo/back');
  const restartMs = performance.now() - begun;
  for (const id of ids) {
    const { status } = await client.ask(`/notes/${id}`);
    assert.equal(status, 200, `note ${id} was acknowledged\n${second.dump()}`);
  }
  assert.equal((await second.stop()).code, 0, second.dump());
  return { acknowledged: ids.length, restartMs };
}
