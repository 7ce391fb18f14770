import { open } from 'node:fs/promises';

/** Makes sure that what was made, moved or removed in a folder is so after a loss of power. */
export async function syncFolder(path: string | Buffer): Promise<void> {
  // Windows has no descriptors of folders.
  if (process.platform === 'win32') return;
  await using folder = await open(path, 'r');
  await folder.sync();
}
