/** A message of a channel, as it goes to the plugin. */
export interface Message {
  /** Counts up in the order in which messages were received. */
  readonly order: number;
  /** Without the prefix. */
  readonly channel: string;
  /** The event's payload. Its own bytes: part of what was received would keep all of that. */
  readonly payload: Uint8Array;
}

/** Messages that may wait for a plugin, and their bytes. */
export const maxWaiting = 256;
export const maxWaitingBytes = 4 * 2 ** 20;

/** Messages that wait for room in the plugin's queue, or for its next instance, in their order. */
export class Backlog {
  #messages: Message[] = [];
  #bytes = 0;

  get messages(): readonly Message[] {
    return [...this.#messages];
  }

  /** False: there is no room, and the message was not taken. */
  add(message: Message): boolean {
    const size = message.payload.length;
    if (this.#messages.length >= maxWaiting || this.#bytes + size > maxWaitingBytes) return false;
    // One that comes back from the plugin's queue goes before what came behind it.
    const before = this.#messages.findLastIndex(({ order }) => order < message.order);
    this.#messages.splice(before + 1, 0, message);
    this.#bytes += size;
    return true;
  }

  delete(message: Message): void {
    this.retain((other) => other !== message);
  }

  /** Keeps what fits, and forgets the rest. */
  retain(fits: (message: Message) => boolean): void {
    this.#messages = this.#messages.filter(fits);
    this.#bytes = this.#messages.reduce((bytes, { payload }) => bytes + payload.length, 0);
  }
}
