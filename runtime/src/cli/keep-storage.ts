import { resolve } from 'node:path';
import { escapeUnprintable } from '../log/escape.ts';
import type { CopyProgress, CopyResult } from '../host/storage-copy.ts';
import type { Command } from './command-line.ts';
import { showSize } from './values.ts';

type KeepCommand = Extract<Command, { name: 'backup' | 'restore' }>;

export interface KeepOptions {
  readonly say: (text: string) => Promise<void>;
  readonly complain: (text: string) => Promise<void>;
}

/** How often progress is told, in milliseconds. */
const progressEveryMs = 2000;

/** `pulp backup` and `pulp restore`. Settles with the exit code: 0 when all was copied, otherwise 1. */
export async function keepStorage(command: KeepCommand, { say, complain }: KeepOptions): Promise<number> {
  const { backupStorage, restoreStorage } = await import('../host/storage-copy.ts');
  const storageRoot = resolve(command.flags.storageRoot);
  let told = performance.now();
  const progress = ({ plugin, files, bytes }: CopyProgress): void => {
    if (performance.now() - told < progressEveryMs) return;
    told = performance.now();
    void complain(`${command.name}: ${escapeUnprintable(plugin)}: ${describe(files, bytes)} so far\n`);
  };
  try {
    let result: CopyResult;
    let where: string;
    if (command.name === 'backup') {
      const to = resolve(command.flags.to);
      result = await backupStorage({ storageRoot, to, progress });
      where = to;
    } else {
      const { force } = command.flags;
      result = await restoreStorage({ storageRoot, from: resolve(command.flags.from), force, progress });
      where = storageRoot;
    }
    for (const path of result.skipped) {
      await complain(
        `${command.name}: ${escapeUnprintable(path)} is neither a file nor a folder: left out\n`,
      );
    }
    const plugins = result.plugins.length === 1 ? '1 plugin' : `${result.plugins.length} plugins`;
    await say(`${command.name}: ${plugins}, ${describe(result.files, result.bytes)}, now in ${where}\n`);
    return 0;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    await complain(`pulp: ${command.name}: ${escapeUnprintable(reason)}\n`);
    return 1;
  }
}

function describe(files: number, bytes: number): string {
  const rounded = bytes < 2 ** 20 ? bytes : Math.round(bytes / 2 ** 20) * 2 ** 20;
  const size = rounded % 1024 === 0 && rounded > 0 ? showSize(rounded) : `${rounded} bytes`;
  return `${files === 1 ? '1 file' : `${files} files`} of ${size}`;
}
