import { constants, fstatSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/**
 * A file descriptor for the same output that does not block where the system allows it. A write to a pipe
 * whose reader is stuck would otherwise hold a thread of the libuv pool, and the process could not even
 * exit: it waits for those threads (seen on Node 26).
 *
 * Pipes and terminals are opened once more, because O_NONBLOCK belongs to the open file description and so
 * would fall on every other program that writes there. A socket cannot be opened again: it gets the flag,
 * as it does in any Node program that uses `process.stdout`. Files never block for long.
 */
export function unblocked(fd: number): number {
  const stat = fstatSync(fd);
  if (process.platform === 'linux' && (stat.isFIFO() || isatty(fd))) {
    try {
      return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch {
      // /proc is not mounted, or the pipe belongs to another user.
    }
  }
  if (stat.isSocket() || stat.isFIFO()) setNonBlocking(fd);
  return fd;
}

/** Node sets the flag when it makes the stream, and takes it back when the process exits. */
function setNonBlocking(fd: number): void {
  if (fd === 1) void process.stdout.writable;
  else if (fd === 2) void process.stderr.writable;
}
