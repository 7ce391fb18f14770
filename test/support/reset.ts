import type { Socket } from 'node:net';

/**
 * Ends a connection with a reset, as a client does that has gone. While the end of a socket is being sent it is closed
 * without one: libuv refuses the reset then, and Node 26.10 neither closes such a socket nor ever exits.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
