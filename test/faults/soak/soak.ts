import { exampleManifest } from '../../support/example-plugins.ts';
import type { Scope } from '../../support/scope.ts';
import { pause } from '../support/scenario.ts';
import { type Growth, growthOf, type Sample, shown } from './growth.ts';
import { mixedLoad, mixedPlugins } from './mixed-load.ts';
import { SoakedHost } from './soaked-host.ts';

/** Of the whole time: what is made once, such as compiled code and caches, is made by then. */
const warmUpShare = 0.2;
const sampleMs = 1000;
const reloadMs = 7000;
const progressMs = 10_000;

/** Samples that the time behind the warm-up has to give. */
const leastSamples = 15;

export interface SoakOptions {
  readonly ms: number;
  /** Examples that keep notes: the one in Go where it is built. */
  readonly notes: 'notes' | 'notes-go';
  /** The program to run. Default: the command line of this tree. */
  readonly entry?: string;
  readonly say: (line: string) => void;
}

/** What a soak came to. */
export interface Soaked {
  readonly growth: readonly Growth[];
  /** What must not have happened. */
  readonly errors: readonly string[];
}

/** Runs a host under mixed load, with crashes and reloads, and watches what it uses. */
export async function soak(t: Scope, { ms, notes, entry, say }: SoakOptions): Promise<Soaked> {
  const manifests = [exampleManifest('echo'), exampleManifest(notes), ...(await mixedPlugins(t))];
  const host = await SoakedHost.start(t, { manifests, ...(entry === undefined ? {} : { entry }) });
  const over = new AbortController();
  const died = host.ended.then((how) => {
    if (!over.signal.aborted) over.abort(new Error(how));
    return how;
  });
  const load = mixedLoad(host.port, over.signal);
  const begun = performance.now();
  const samples: Sample[] = [];
  let nextReload = reloadMs;
  let nextWord = progressMs;
  for (let now = 0; now < ms && !over.signal.aborted; now = performance.now() - begun) {
    const sample = await Promise.race([host.sample(), died]);
    if (typeof sample === 'string') return { growth: [], errors: [sample] };
    if (now >= ms * warmUpShare) samples.push(sample);
    if (now >= nextReload) {
      nextReload += reloadMs;
      host.reload();
    }
    if (now >= nextWord) {
      nextWord += progressMs;
      say(`${Math.round(now / 1000)} s: ${describeSample(sample)}`);
    }
    await pause(sampleMs);
  }
  over.abort();
  const { done, errors } = await load;
  say([...done].map(([what, count]) => `${count} × ${what}`).join(', '));
  const code = await host.stop();
  if (code !== 0) errors.push(`the host ended with ${code}\n${host.dump()}`);
  if (samples.length < leastSamples) errors.push(`${samples.length} samples are too few: give it more time`);
  return { growth: samples.length < leastSamples ? [] : growthOf(samples), errors };
}

function describeSample(sample: Sample): string {
  const { rss, heap, handles, threads } = sample;
  return `${shown('rss', rss)} resident, ${shown('heap', heap)} heap, ${handles} handles, ${threads} threads`;
}
