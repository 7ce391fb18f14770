import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Keeps a server at so many connections. A further one takes the place of the oldest that asks for nothing, so that
 * whoever holds them all, and says nothing, keeps nobody out; while all of them ask, it is closed.
 *
 * @param asking Whether a connection has a request that is not answered.
 */
export function limitConnections(
  server: Server,
  most: number,
  asking: (socket: Socket) => boolean = () => false,
): void {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    if (sockets.size <= most) return;
    const out = sockets.values().find((one) => one !== socket && !asking(one)) ?? socket;
    sockets.delete(out);
    out.destroy();
  });
}
