import { realpathSync, statSync } from 'node:fs';
import { isSea } from 'node:sea';
import { dirname, resolve } from 'node:path';
import { escapeUnprintable } from '../log/escape.ts';
import { ManifestError } from '../manifest/manifest-error.ts';
import type { Command } from './command-line.ts';
import { resolveExtension } from './load-extensions.ts';
import { version } from './version.ts';

type BundleCommand = Extract<Command, { name: 'bundle' }>;

export interface BundleTalk {
  readonly say: (text: string) => Promise<void>;
  readonly complain: (text: string) => Promise<void>;
}

/** `pulp bundle`. Settles with the exit code: 0 when the program is written and runs, otherwise 1. */
export async function bundleProgram(
  { flags }: BundleCommand,
  { say, complain }: BundleTalk,
): Promise<number> {
  try {
    if (isSea()) throw new Error('this program is a bundle itself; use pulp of the package pulp-runtime');
    const { entry, ext = [], manifest, out } = flags;
    if (entry !== undefined && statSync(entry, { throwIfNoEntry: false })?.isFile() !== true) {
      throw new Error(`-entry ${entry}: the module is not there`);
    }
    if (statSync(out, { throwIfNoEntry: false })?.isDirectory() === true) {
      throw new Error(`-out ${out}: that is a folder; name the file`);
    }
    const folder = dirname(resolve(out));
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new Error(`-out ${out}: the folder ${folder} is not there`);
    }
    const { bundle } = await import('../bundle/bundle.ts');
    const bytes = await bundle({
      ...(entry === undefined ? {} : { entry: realpathSync(entry) }),
      extensions: ext.map(resolveExtension),
      manifests: manifest,
      output: resolve(out),
      version: version(),
      progress: (step) => void complain(`bundle: ${step}\n`),
    });
    await say(`bundle: ${Math.round(bytes / 2 ** 20)} MiB, now in ${resolve(out)}\n`);
    return 0;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    await complain(
      error instanceof ManifestError ? `${reason}\n` : `pulp: bundle: ${escapeUnprintable(reason)}\n`,
    );
    return 1;
  }
}
