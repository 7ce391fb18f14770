import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';

/**
 * Throws when one of two folders is inside the other or both are the same, whatever links lead to them: a copy of a
 * storage root that is inside of it would be copied with it, and taken for a plugin.
 */
export async function refuseWithin(
  folders: { readonly storageRoot: string; readonly copy: string },
  what: string,
): Promise<void> {
  const [root, copy] = await Promise.all([resolveLinks(folders.storageRoot), resolveLinks(folders.copy)]);
  if (!holds(root, copy) && !holds(copy, root)) return;
  throw new Error(
    `${folders.copy}: ${what} must not be the storage root ${folders.storageRoot}, nor inside of it or around it; ` +
      'choose a folder elsewhere',
  );
}

/** The path without links in it; what is not there yet is below the folder that is. */
async function resolveLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const parent = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw error;
    return join(await resolveLinks(parent), basename(path));
  }
}

function holds(outer: string, inner: string): boolean {
  const way = relative(outer, inner);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && way !== inner);
}
