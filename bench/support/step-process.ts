/** The measuring process of `bench/step.ts`: Pulp and Extism in turn, in one process. */
import assert from 'node:assert/strict';
import { wat } from '../../test/support/wat.ts';
import { echoEvent, startEcho } from './echo-guest.ts';
import { extismEcho } from './extism-echo.ts';
import { loadPackage } from './npm-package.ts';
import { moduleOptions } from './owned-process.ts';
import { timePerAwaited, timePerOperation } from './timing.ts';

export interface StepOptions {
  /** Body sizes in bytes. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  /** Of one run, in milliseconds. */
  readonly runMs: number;
  /** The folder that Extism was installed into, if it was. */
  readonly extism?: string;
}

/** Nanoseconds a call, one figure a round. */
export interface StepTimes {
  readonly size: number;
  readonly pulp: readonly number[];
  /** Empty without Extism. */
  readonly extism: readonly number[];
}

/** How long each runs before it is timed, in milliseconds: the engine compiles what is hot meanwhile. */
const warmUpMs = 500;

/** The part of Extism's JavaScript SDK that is used. */
interface Extism {
  readonly createPlugin: (
    manifest: { readonly wasm: readonly { readonly data: Uint8Array }[] },
    options: { readonly useWasi: boolean; readonly runInWorker: boolean },
  ) => Promise<ExtismPlugin>;
}

interface ExtismPlugin {
  call(name: string, input: Uint8Array): Promise<{ bytes(): Uint8Array } | null>;
  reset(): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * After so many calls an Extism plugin is reset. It keeps the blocks of every call until then, and its
 * addresses turn negative at the 32,768th; spread over so many calls the reset costs nothing that shows.
 */
const callsBetweenResets = 1000;

async function startExtism(folder: string): Promise<ExtismPlugin> {
  const { createPlugin } = loadPackage(folder, '@extism/extism') as Extism;
  const data = await wat(extismEcho);
  return createPlugin({ wasm: [{ data }] }, { useWasi: false, runInWorker: false });
}

async function measure({ sizes, rounds, runMs, extism: folder }: StepOptions): Promise<StepTimes[]> {
  const echo = await startEcho();
  const extism = folder === undefined ? undefined : await startExtism(folder);
  const all: StepTimes[] = [];
  for (const size of sizes) {
    const body = Uint8Array.from({ length: size }, (_, index) => index);
    const payload = echoEvent(body);
    const step = (): void => echo.step(payload);
    let calls = 0;
    const call = async (): Promise<unknown> => {
      calls += 1;
      if (calls % callsBetweenResets === 0) await extism?.reset();
      return extism?.call('echo', body);
    };
    // Both do the work before either is timed.
    step();
    assert.deepEqual(echo.answer, body, 'the echo plugin gives back what it was sent');
    if (extism !== undefined) {
      const output = await extism.call('echo', body);
      assert.deepEqual(
        Uint8Array.from(output?.bytes() ?? []),
        body,
        'the Extism plugin gives back what it was sent',
      );
      await timePerAwaited(call, warmUpMs);
    }
    timePerOperation(step, warmUpMs);
    const times = { size, pulp: [] as number[], extism: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      times.pulp.push(timePerOperation(step, runMs));
      if (extism !== undefined) times.extism.push(await timePerAwaited(call, runMs));
    }
    all.push(times);
  }
  await extism?.close();
  return all;
}

process.stdout.write(JSON.stringify(await measure(moduleOptions() as StepOptions)));
