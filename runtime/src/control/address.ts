import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { ownFolder } from '../host/storage-root.ts';

/** The control socket's name in the storage root. */
export const socketName = 'pulp.sock';

/** What a socket's name may have: `sun_path` is 108 bytes on Linux and 104 elsewhere, one of them for its end. */
const maxNameBytes = process.platform === 'linux' ? 107 : 103;

/**
 * Where the host of a storage root is controlled: `pulp.sock` in it, on Windows a named pipe. Where that is too long
 * for the name of a socket, and the system is not Linux, a folder for temporary files has it.
 */
export function controlAddress(storageRoot: string): string {
  const root = resolve(storageRoot);
  if (process.platform === 'win32') return String.raw`\\.\pipe\pulp-${digest(root.toLowerCase())}`;
  const path = join(root, socketName);
  if (process.platform === 'linux' || fits(birthplace(path, '0123456789ab'))) return path;
  return join(tmpdir(), `pulp-${digest(root)}`, socketName);
}

/** Where a socket is before it has its place: in a folder that only its owner may enter. */
export function birthplace(path: string, id: string): string {
  return join(dirname(path), ownFolder, `control-${id}`);
}

/**
 * Calls `use` with a name for a socket's path that the system takes. On Linux, what is too long is reached through a
 * descriptor of its folder.
 */
export async function withShortName<T>(path: string, use: (name: string) => Promise<T>): Promise<T> {
  if (process.platform !== 'linux' || fits(path)) return use(path);
  await using folder = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  return await use(`/proc/self/fd/${folder.fd}/${basename(path)}`);
}

/** Connects to a control address. Rejects with the system's error when nobody listens there. */
export function dial(path: string): Promise<Socket> {
  return withShortName(path, (name) => {
    const { promise, resolve: connected, reject } = Promise.withResolvers<Socket>();
    const socket = connect(name);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      connected(socket);
    });
    return promise;
  });
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= maxNameBytes;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
