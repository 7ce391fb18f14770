import { Fifo } from '../../edge/fifo.ts';
import { parseQuery } from '../../edge/query.ts';
import type { Event, Outcome, Port } from '../../ext.ts';
import type { Subscriber } from './subscriber.ts';
import { encodeClose, encodeOpen, Kind } from './wire.ts';

/**
 * How many may be in the plugin's queue at one time of the notices that are not a client's that waits: of
 * subscribers that left, and of those that were there before the instance. Ten thousand at once would leave no
 * room for requests.
 */
const maxQueued = 64;

/**
 * Tells a plugin who comes and goes. Each instance is told of everybody who is there, once, and of the end of
 * everybody it was told of, once: what finds no room in its queue waits here.
 */
export class Notices {
  readonly #port: Pick<Port, 'push' | 'drained'>;
  /** Ids of subscribers that the instance knows and that have left. */
  #left = new Fifo<number>();
  /** Subscribers that were there before the instance, which does not know them yet. */
  #unknown = new Fifo<Subscriber>();
  #queued = 0;
  #waiting = false;
  #over = false;

  constructor(port: Pick<Port, 'push' | 'drained'>) {
    this.#port = port;
  }

  /** Tells of a new subscriber. False: there is no room for that, so it cannot be taken. */
  opened(subscriber: Subscriber): boolean {
    return this.#open(subscriber);
  }

  /** A subscriber has left. */
  closed({ id, told }: Subscriber): void {
    if (!told || this.#over) return;
    this.#left.push(id);
    this.#fill();
  }

  /** A new instance is there, and knows nobody. */
  attached(subscribers: Iterable<Subscriber>): void {
    this.#over = false;
    this.#left = new Fifo();
    this.#unknown = new Fifo();
    for (const subscriber of subscribers) {
      subscriber.told = false;
      this.#unknown.push(subscriber);
    }
    this.#fill();
  }

  /** The host is stopping: the plugin is told that everybody has left, as far as there is room. */
  draining(subscribers: Iterable<Subscriber>): void {
    this.#over = true;
    for (const id of this.#left) this.#close(id);
    for (const { id, told } of subscribers) if (told) this.#close(id);
  }

  readonly #fill = (): void => {
    while (!this.#over && this.#queued < maxQueued) {
      const next = this.#left.at(0) ?? this.#unknown.at(0);
      if (next === undefined) return;
      const pushed = typeof next === 'number' ? this.#close(next) : next.gone || this.#open(next, true);
      if (!pushed) return this.#wait();
      if (typeof next === 'number') this.#left.shift();
      else this.#unknown.shift();
    }
  };

  #wait(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    void this.#port.drained().then(() => {
      this.#waiting = false;
      this.#fill();
    });
  }

  /** @param counted Whether it is one of those that are sent a few at a time. */
  #open(subscriber: Subscriber, counted = false): boolean {
    const { id: subId, path, incoming } = subscriber;
    const query = parseQuery(incoming.query);
    const event: Event = {
      kind: Kind.open,
      id: subId,
      payload: encodeOpen({ subId, path, query, headers: incoming.headers }),
      done: (outcome) => {
        if (outcome !== 'done') subscriber.told = false;
        // It would break the next instance, too.
        if (outcome === 'broken') subscriber.drop();
        if (counted) this.#settled(outcome);
      },
    };
    subscriber.told = this.#port.push(event);
    if (subscriber.told && counted) this.#queued += 1;
    return subscriber.told;
  }

  #close(id: number): boolean {
    const done = (outcome: Outcome): void => {
      // Either the instance is gone, and so is what it knew, or the host is stopping, and this is said again.
      if (outcome === 'undelivered') this.#left.push(id);
      this.#settled(outcome);
    };
    const pushed = this.#port.push({ kind: Kind.close, id, payload: encodeClose(id), done });
    if (pushed) this.#queued += 1;
    return pushed;
  }

  #settled(outcome: Outcome): void {
    this.#queued -= 1;
    // While events are being taken back none may be added.
    if (outcome === 'done') this.#fill();
  }
}
