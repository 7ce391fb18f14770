import { Connection, type ConnectionOptions } from './connection.ts';

/** Connections without a request that are kept. Of more, the one that has waited longest is closed. */
export const maxIdleConnections = 64;

/** The connections of one plugin. Those that are idle wait here for another request to their origin. */
export class ConnectionPool {
  readonly #ref: () => Disposable;
  readonly #all = new Set<Connection>();
  /** The one that has waited longest is first. */
  #idle: Connection[] = [];

  /** @param ref Keeps the thread on its event loop: held for each open socket. */
  constructor(ref: () => Disposable) {
    this.#ref = ref;
  }

  /** An idle connection to this origin; undefined when there is none. */
  take(origin: string): Connection | undefined {
    const found = this.#idle.findLast((connection) => connection.origin === origin && connection.reusable);
    if (found === undefined) return undefined;
    this.#idle = this.#idle.filter((connection) => connection !== found);
    found.reused = true;
    return found;
  }

  /** A new connection, opened when its first request is made. */
  create(options: Pick<ConnectionOptions, 'origin' | 'open'>): Connection {
    const connection = new Connection({
      ...options,
      ref: this.#ref,
      closed: (closed) => {
        if (this.#idle.includes(closed)) this.#end(closed);
      },
    });
    this.#all.add(connection);
    return connection;
  }

  /** The connection has no request any more: it is kept for the next one, or ended. */
  give(connection: Connection): void {
    if (!connection.reusable) {
      this.#end(connection);
      return;
    }
    this.#idle.push(connection);
    const [oldest] = this.#idle;
    if (this.#idle.length > maxIdleConnections && oldest !== undefined) this.#end(oldest);
  }

  /** Ends a connection, whatever it is doing. */
  end(connection: Connection, reason: Error): void {
    this.#end(connection, reason);
  }

  /** Ends all of them. */
  destroy(): void {
    for (const connection of this.#all) this.#end(connection);
  }

  #end(connection: Connection, reason = new Error('the connection is not needed any more')): void {
    this.#idle = this.#idle.filter((idle) => idle !== connection);
    this.#all.delete(connection);
    connection.destroy(reason);
  }
}
