/**
 * The measuring process of the second half of `bench/fetch.ts`: steps of one guest, before and while another one on
 * its thread waits in a fetch.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeAnswer } from '../../runtime/src/capabilities/http-inbound/wire.ts';
import { fetchConstant, fetchGuest, fetchRequest } from '../../test/support/fetch-guest.ts';
import { all as inTurn, codes, text, watGuest } from '../../test/support/wat-guest.ts';
import { moduleOptions } from './owned-process.ts';
import { requestEvent } from './request-event.ts';
import { type Neighbour, SharedThread } from './shared-thread.ts';
import { quantile } from './statistics.ts';

export interface NeighbourOptions {
  /** Of `slow-server.js`, which answers after a second. */
  readonly port: number;
  readonly rounds: number;
  /** How long it is quiet between two steps, in milliseconds, one series of rounds for each; 0 is not at all. */
  readonly pauses: readonly number[];
  /** How long steps are made in each round before the other waits, and then while it does, in milliseconds. */
  readonly runMs: number;
  /** An empty folder. */
  readonly folder: string;
}

/** How long steps took, in milliseconds. */
export interface StepLatencies {
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
}

/** One figure a round. */
export interface NeighbourTimes {
  readonly pause: number;
  readonly before: readonly StepLatencies[];
  readonly during: readonly StepLatencies[];
  /** How long the step of the other took, in milliseconds. */
  readonly waited: readonly number[];
}

const echoManifest = join(import.meta.dirname, '..', '..', 'plugins', 'echo', 'pulp.plugin.toml');

const id = 1;
const echo = requestEvent({ id, method: 'POST', path: '/echo', body: Buffer.from('hello') });
const wait = requestEvent({ id, method: 'GET', path: '/wait', body: new Uint8Array(0) });

/** Writes a plugin that fetches for a second when it is asked for `/wait`, and answers with the code. */
async function writeWaiter(folder: string, port: number): Promise<string> {
  const message = fetchRequest({ method: 'GET', url: `http://127.0.0.1:${port}/` });
  const fetching = inTurn(text('(global.set $codes (i32.const 0))'), fetchConstant(message), codes());
  const manifest = join(folder, 'pulp.plugin.toml');
  await writeFile(
    join(folder, 'plugin.wasm'),
    await watGuest(fetchGuest({ routes: { 'GET /wait': fetching } })),
  );
  await writeFile(
    manifest,
    'name = "waiter"\nversion = "1"\ncapabilities = ["transport.http.inbound", "transport.http.outbound"]\n',
  );
  return manifest;
}

interface Run {
  readonly pause: number;
  readonly ms: number;
}

/** Makes steps for some milliseconds. */
function steps(thread: SharedThread, neighbour: Neighbour, { pause, ms }: Run): StepLatencies {
  const never = new Int32Array(new SharedArrayBuffer(4));
  const times: number[] = [];
  const until = performance.now() + ms;
  while (performance.now() < until) {
    if (pause > 0) Atomics.wait(never, 0, 0, pause);
    const begun = performance.now();
    neighbour.send(echo, id);
    thread.untilFinished(neighbour);
    times.push(performance.now() - begun);
  }
  const sorted = Float64Array.from(times).toSorted();
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), worst: quantile(sorted, 1) };
}

async function measure({ port, rounds, pauses, runMs, folder }: NeighbourOptions): Promise<NeighbourTimes[]> {
  await using thread = await SharedThread.start();
  const stepped = await thread.add(echoManifest);
  const waiter = await thread.add(await writeWaiter(folder, port));
  const all: NeighbourTimes[] = [];
  const round = async (
    run: Run,
  ): Promise<{ before: StepLatencies; during: StepLatencies; waited: number }> => {
    const before = steps(thread, stepped, run);
    const begun = performance.now();
    waiter.send(wait, id);
    const during = steps(thread, stepped, run);
    assert.equal(waiter.unfinished, 1, 'the other guest waits all the while');
    thread.untilFinished(waiter);
    const waited = performance.now() - begun;
    assert.deepEqual([...decodeAnswer(waiter.answer).body], [0], 'its fetch succeeds');
    assert.equal(Buffer.from(decodeAnswer(stepped.answer).body).toString(), 'hello');
    // The end of its connection is nothing that the next steps should share their thread with.
    await sleep(50);
    return { before, during, waited };
  };
  // The first of all is not counted: the code of both is compiled, and what fetches is loaded.
  await round({ pause: 0, ms: runMs });
  for (const pause of pauses) {
    const found = {
      pause,
      before: [] as StepLatencies[],
      during: [] as StepLatencies[],
      waited: [] as number[],
    };
    for (let left = rounds; left > 0; left--) {
      const { before, during, waited } = await round({ pause, ms: runMs });
      found.before.push(before);
      found.during.push(during);
      found.waited.push(waited);
    }
    all.push(found);
  }
  return all;
}

process.stdout.write(JSON.stringify(await measure(moduleOptions() as NeighbourOptions)));
