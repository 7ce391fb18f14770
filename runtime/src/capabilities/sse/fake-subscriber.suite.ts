/** A subscriber without a client, for tests of what is above it. */
import { exchange } from '../../edge/exchange.suite.ts';
import type { Batch } from './batch.ts';
import { Subscriber, type SubscriberOwner } from './subscriber.ts';

export class FakeSubscriber extends Subscriber {
  /** What it was given, in one text. */
  text = '';
  /** How many pieces that was. */
  pieces = 0;
  /** How many pieces its client takes. One more is what it does not take at the moment. */
  takes = Number.POSITIVE_INFINITY;
  /** How it ended. */
  outcome: 'ended' | 'dropped' | undefined;
  hurried = 0;
  readonly #owner: SubscriberOwner;
  #left = false;

  constructor(owner: SubscriberOwner, id = 1) {
    super(owner, { id, path: '/events', incoming: exchange().incoming });
    this.#owner = owner;
  }

  override get gone(): boolean {
    return this.#left;
  }

  override begin(): void {
    // Nothing is sent.
  }

  override give(batch: Batch): boolean {
    this.text += batch.plain.toString('latin1');
    this.pieces += 1;
    this.takes -= 1;
    return this.takes >= 0;
  }

  override hurry(): void {
    this.hurried += 1;
  }

  override end(): void {
    this.#leave('ended');
  }

  override readonly drop = (): void => this.#leave('dropped');

  /** Its client takes what it was given, and so many pieces more. */
  resume(takes = Number.POSITIVE_INFINITY): void {
    this.takes = takes;
    this.#owner.resumed(this);
  }

  /** Its client has gone. */
  leaves(): void {
    this.#leave(undefined);
  }

  #leave(outcome: 'ended' | 'dropped' | undefined): void {
    if (this.#left) return;
    this.#left = true;
    this.outcome = outcome;
    this.#owner.gone(this);
  }
}
