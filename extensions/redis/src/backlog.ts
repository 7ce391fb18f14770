/** A message of a channel. */
export interface Message {
  /** Without the prefix. */
  readonly channel: string;
  readonly payload: Buffer;
}

/** Messages that may wait for a plugin, and their bytes. */
export const maxWaiting = 256;
export const maxWaitingBytes = 4 * 2 ** 20;

/** Messages that wait for room in the plugin's queue, or for its next instance. */
export class Backlog {
  readonly #messages: Message[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** The oldest one. */
  get first(): Message | undefined {
    return this.#messages[0];
  }

  /** False: there is no room, and the message was not taken. */
  add(message: Message): boolean {
    const size = message.payload.length;
    if (this.#messages.length >= maxWaiting || this.#bytes + size > maxWaitingBytes) return false;
    this.#messages.push(message);
    this.#bytes += size;
    return true;
  }

  removeFirst(): void {
    this.#bytes -= this.#messages.shift()?.payload.length ?? 0;
  }

  clear(): void {
    this.#messages.length = 0;
    this.#bytes = 0;
  }
}
