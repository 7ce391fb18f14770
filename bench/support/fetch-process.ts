/** The measuring process of `bench/fetch.ts`: a guest that fetches and undici alone, in turn, from one server. */
import assert from 'node:assert/strict';
import { Agent, request } from 'undici';
import { fetchRequest, replyOf } from '../../test/support/fetch-guest.ts';
import { startCallGuest } from './call-guest.ts';
import { moduleOptions } from './owned-process.ts';
import { timePerAwaited } from './timing.ts';

export interface FetchOptions {
  /** What is fetched; its answer is the last segment. */
  readonly url: string;
  readonly rounds: number;
  /** Of one run, in milliseconds. */
  readonly runMs: number;
}

/** Nanoseconds a fetch, one figure a round. */
export interface FetchTimes {
  readonly pulp: readonly number[];
  readonly bare: readonly number[];
}

/** How long each runs before it is timed, in milliseconds: the engine compiles what is hot meanwhile. */
const warmUpMs = 1000;

async function measure({ url, rounds, runMs }: FetchOptions): Promise<FetchTimes> {
  await using guest = await startCallGuest({
    capabilities: ['transport.http.outbound'],
    allowPrivateNetwork: true,
    calls: [{ name: 'fetch', use: 'http_fetch', given: [fetchRequest({ method: 'GET', url })] }],
  });
  const dispatcher = new Agent();
  const fetch = async (): Promise<void> => guest.call('fetch');
  const bare = async (): Promise<ArrayBuffer> => {
    const { body } = await request(url, { dispatcher });
    return body.arrayBuffer();
  };
  const expected = url.slice(url.lastIndexOf('/') + 1);
  assert.equal(Buffer.from(await bare()).toString('latin1'), expected);
  await fetch();
  assert.equal(replyOf({ code: 0, bytes: Buffer.from(guest.result) }).body.toString('latin1'), expected);
  const times = { pulp: [] as number[], bare: [] as number[] };
  await timePerAwaited(fetch, warmUpMs);
  await timePerAwaited(bare, warmUpMs);
  for (let round = 0; round < rounds; round++) {
    times.pulp.push(await timePerAwaited(fetch, runMs));
    times.bare.push(await timePerAwaited(bare, runMs));
  }
  await dispatcher.close();
  return times;
}

process.stdout.write(JSON.stringify(await measure(moduleOptions() as FetchOptions)));
