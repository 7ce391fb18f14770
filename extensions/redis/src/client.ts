import { createClient } from '@redis/client';

/** A connection of `@redis/client`, as it is used here. */
export type Client = ReturnType<typeof makeClient>;

/**
 * A client for one connection. It never connects again by itself: `@redis/client` waits before an attempt that follows a
 * failed one, but not before one that follows a connection that broke, so a server that takes connections and ends them
 * would be tried thousands of times a second. It keeps no command for later, either.
 */
export function makeClient(url: URL, { timeoutMs }: { readonly timeoutMs: number }) {
  const options = {
    url: url.href,
    // The older protocol does all that is needed, and has no greeting that could be refused.
    RESP: 2,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    disableOfflineQueue: true,
    socket: { connectTimeout: timeoutMs, reconnectStrategy: false },
  } as const;
  const client = createClient(options);
  // Each command is told of its own failure; without a listener an error would end the thread.
  client.on('error', () => undefined);
  // One that is destroyed while it connects goes on all the same, and its socket would stay.
  client.on('ready', () => {
    if (!client.isOpen) client.destroy();
  });
  return client;
}
