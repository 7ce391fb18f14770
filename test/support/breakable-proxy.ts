import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Scope } from './scope.ts';

/** A port of 127.0.0.1 behind which another one is, with connections that can be broken. */
export interface BreakableProxy {
  readonly port: number;
  /** Breaks every connection that there is: both ends see theirs end. New ones are taken as before. */
  break(): void;
}

/** Passes bytes on to a port of 127.0.0.1. It ends with its test. */
export async function breakableProxy(t: Scope, to: number): Promise<BreakableProxy> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  };
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    const host = connect({ port: to, host: '127.0.0.1' });
    keep(client);
    keep(host);
    client.pipe(host).pipe(client);
    client.on('close', () => host.destroy());
    host.on('close', () => client.destroy());
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen({ port: 0, host: '127.0.0.1' }, resolve);
  await promise;
  t.after(() => {
    breakAll();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, break: breakAll };
}
