import { randomBytes } from 'node:crypto';
import { chmod, link, lstat, mkdir, rename, rm, rmdir, unlink } from 'node:fs/promises';
import type { Server } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { birthplace, dial, withShortName } from './address.ts';

/** A claimed address; disposing of it gives it back. The server is closed by whoever made it. */
export type Claim = AsyncDisposable;

/** How often a place that others take and leave meanwhile is tried for. */
const attempts = 3;

/** How long one that clears the place may take before others think that it has died, in milliseconds. */
const clearMs = 5_000;

/**
 * Lets a server listen at a control address, for this user only. The socket of a host that is gone is replaced, that
 * of a living one never is: then it rejects, as it does when the file system has no sockets or may not be written to.
 *
 * The socket is made in a folder that only its owner may enter, gets its mode there, and takes its place whole.
 */
export async function claim(server: Server, path: string): Promise<Claim> {
  if (process.platform === 'win32') {
    await listen(server, path);
    return { [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const own = birthplace(path, randomBytes(6).toString('hex'));
  const folder = dirname(own);
  const made = await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  await withShortName(own, (name) => listen(server, name));
  try {
    await chmod(own, 0o600);
    await put(own, path);
  } finally {
    await unlink(own);
  }
  const { dev, ino } = await lstat(path);
  return {
    async [Symbol.asyncDispose]() {
      const now = await lstat(path).catch(() => undefined);
      if (now?.dev === dev && now.ino === ino) await unlink(path);
      // The storage root goes only if it was not there before: whoever made it gave it its rights.
      const root = dirname(path);
      if (made !== undefined) await removeEmpty(folder, ...(root.startsWith(made) ? [root] : []));
    },
  };
}

async function listen(server: Server, name: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(name, resolve);
  await promise;
  server.off('error', reject);
}

/** Gives a socket its place, unless somebody listens there. */
async function put(own: string, path: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await link(own, path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === attempts) throw error;
    }
    await alone(join(dirname(own), 'control-clearing'), () => clear(path, `${own}-stale`));
  }
}

/**
 * Does something while nobody else does: who found the place taken by a dead host would otherwise clear it of the
 * living one that was faster. The folder that stands for it is made by one only.
 */
async function alone(folder: string, what: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await mkdir(folder);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const { mtimeMs = 0 } = (await lstat(folder).catch(() => undefined)) ?? {};
      const dead = mtimeMs > 0 && Math.abs(Date.now() - mtimeMs) > clearMs;
      if (dead) await rm(folder, { recursive: true, force: true });
      else await setTimeout(10);
    }
  }
  try {
    await what();
  } finally {
    await removeEmpty(folder);
  }
}

/** Takes a socket that nobody listens to out of the way. It may be another one by the time it is moved. */
async function clear(path: string, aside: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isSocket()) throw new Error('something that is no socket is in its place: move it away');
  if (await answers(path)) throw new Error(inUse);
  await rename(path, aside);
  const living = await answers(aside);
  if (living) await link(aside, path);
  await unlink(aside);
  if (living) throw new Error(inUse);
}

const inUse = 'another host listens there: give each host a storage root of its own';

/** Whether somebody listens; where that cannot be known, somebody does. */
async function answers(path: string): Promise<boolean> {
  try {
    (await dial(path)).destroy();
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    return code !== 'ECONNREFUSED' && code !== 'ENOENT';
  }
}

async function removeEmpty(...folders: readonly string[]): Promise<void> {
  try {
    for (const folder of folders) await rmdir(folder);
  } catch {
    // Something of a plugin is in it.
  }
}
