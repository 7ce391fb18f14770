/** A plugin thread of a program that `pulp bundle` made: the modules of its extensions are in the same text. */
import { workerData } from 'node:worker_threads';
import type { Capability } from '../ext.ts';
import type { ThreadData } from './protocol.ts';
import { runThread } from './thread.ts';

/** Runs the thread with those of the bundled extensions that the program uses. */
export async function runBundledThread(bundled: readonly Capability[]): Promise<never> {
  const data = workerData as ThreadData;
  const extensions = data.extensions.map(({ name }) => {
    const found = bundled.find((capability) => capability.name === name);
    if (found !== undefined) return found;
    throw new Error(
      `the extension ${name} is not in this program's threads: its module has to say \`export const capability = …\`, ` +
        'for `pulp bundle` to find it',
    );
  });
  return runThread(data, extensions);
}
