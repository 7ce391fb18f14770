import type { Buffer } from 'node:buffer';
import { Backlog, frameOverhead, type Waiting } from './backlog.ts';
import { Batch } from './batch.ts';
import type { Lane } from './fan-out.ts';
import { Ring } from './ring.ts';
import type { Subscriber, SubscriberOwner } from './subscriber.ts';

/** Bytes that may wait for subscribers whose turn has not come; beyond it no more should come. */
const eagerBytes = 64 * 1024;
/** Bytes of events that may wait for all subscribers of a plugin who do not keep up. */
const maxWaitingBytes = 64 * 1024 * 1024;

export interface EventStreamOptions {
  /** Bytes that may wait for one subscriber. */
  readonly maxBufferedBytes: number;
  /** What waits in all streams of the plugin. */
  readonly waiting: Waiting;
  readonly fanOut: Pick<Lane, 'add'>;
  /** A subscriber was dropped because it does not keep up. */
  slow(): void;
  /** A subscriber has gone, for whatever reason. */
  left(subscriber: Subscriber): void;
}

/**
 * A path and its subscribers. Each of these is in one of three states:
 *
 * - *idle*: it has been given everything.
 * - *behind*: there is something that it was not given, because its turn has not come.
 * - *blocked*: its client has not taken what it was given.
 *
 * Who is behind is the host's affair: no event is lost for it. While some are far behind the stream is crowded, and
 * emits stay where they are; one that comes nevertheless serves some of them first. So a plugin that emits faster than
 * the edge writes is slowed down by the ring between them, and nothing piles up. Who is blocked is the client's: beyond
 * a limit it is dropped.
 */
export class EventStream implements SubscriberOwner {
  readonly path: string;
  readonly #options: EventStreamOptions;
  readonly #backlog: Backlog;
  readonly #idle = new Ring<Subscriber>();
  /** In the order of their positions. */
  readonly #behind = new Ring<Subscriber>();
  readonly #blocked = new Ring<Subscriber>();
  /** None that is blocked has a smaller position. */
  #oldest = Number.POSITIVE_INFINITY;
  #size = 0;

  constructor(path: string, options: EventStreamOptions) {
    this.path = path;
    this.#options = options;
    this.#backlog = new Backlog(options.waiting);
  }

  /** How many subscribers it has. */
  get size(): number {
    return this.#size;
  }

  /** Whether some are so far behind that the next event had better wait. */
  get crowded(): boolean {
    const next = this.#behind.first;
    if (next === undefined) return false;
    const most = Math.min(eagerBytes, this.#options.maxBufferedBytes / 2);
    return this.#backlog.bytesFrom(next.position) > most;
  }

  /** Takes a new subscriber: it gets what is emitted from here on. */
  add(subscriber: Subscriber): void {
    subscriber.position = this.#backlog.end;
    this.#idle.add(subscriber);
    this.#size += 1;
    subscriber.begin();
  }

  /** Sends a frame to all subscribers. It is kept as it is. Hot: one for each event. */
  emit(frame: Buffer): void {
    if (this.#size === 0) return;
    this.#backlog.add(frame);
    this.#behind.addAll(this.#idle);
    this.#catchUp(frame.length + frameOverhead);
    this.#shed();
    if (!this.#behind.isEmpty) this.#options.fanOut.add(this);
  }

  /** Sends a frame to one subscriber of this stream, behind what was emitted before. */
  send(subscriber: Subscriber, frame: Buffer): void {
    if (subscriber.gone) return;
    const { own } = subscriber;
    own.push({ before: this.#backlog.end, frame });
    this.#count(subscriber, frame.length + frameOverhead);
    if (subscriber.blocked) {
      const { maxBufferedBytes, waiting } = this.#options;
      const tooMuch = subscriber.ownBytes > maxBufferedBytes || waiting.bytes > maxWaitingBytes;
      if (tooMuch && own.length > 1) this.#dropSlow(subscriber);
    } else if (subscriber.position === this.#backlog.end || subscriber.ownBytes > eagerBytes) {
      this.#serve(subscriber);
    }
  }

  serveNext(): boolean {
    const next = this.#behind.first;
    if (next !== undefined) this.#serve(next);
    return !this.#behind.isEmpty;
  }

  resumed(subscriber: Subscriber): void {
    if (subscriber.blocked) this.#serve(subscriber);
  }

  gone(subscriber: Subscriber): void {
    subscriber.leave();
    this.#size -= 1;
    this.#count(subscriber, -subscriber.ownBytes);
    this.#tidy();
    this.#options.left(subscriber);
  }

  /** Ends the stream of every subscriber behind what was emitted. */
  end(): void {
    while (this.serveNext());
    for (const subscriber of this.#idle) subscriber.end();
    for (const subscriber of this.#blocked) {
      if (!subscriber.ending) subscriber.hurry();
      subscriber.ending = true;
    }
  }

  /**
   * Serves those that are furthest behind while more waits for them than should: all of it is written by the
   * time that it would be forgotten. The frame that came last can wait for its turn whatever its size.
   */
  #catchUp(newest: number): void {
    const most = Math.max(newest, Math.min(2 * eagerBytes, this.#options.maxBufferedBytes));
    for (let next = this.#behind.first; next !== undefined; next = this.#behind.first) {
      if (this.#backlog.bytesFrom(next.position) <= most) return;
      this.#serve(next);
    }
  }

  /**
   * Forgets what is too much to keep, and drops those that are blocked and would have needed it. The frame that
   * came last is kept whatever its size.
   */
  #shed(): void {
    const { maxBufferedBytes, waiting } = this.#options;
    const nothingLeft = waiting.bytes > maxWaitingBytes;
    if (nothingLeft) while (this.serveNext());
    this.#backlog.trim(nothingLeft ? 0 : maxBufferedBytes);
    if (this.#oldest >= this.#backlog.first) return;
    let oldest = Number.POSITIVE_INFINITY;
    for (const subscriber of this.#blocked) {
      if (subscriber.position < this.#backlog.first) this.#dropSlow(subscriber);
      else oldest = Math.min(oldest, subscriber.position);
    }
    this.#oldest = oldest;
  }

  #dropSlow(subscriber: Subscriber): void {
    subscriber.drop();
    this.#options.slow();
  }

  /** Gives a subscriber what it has not been given, as long as its client takes it. Hot. */
  #serve(subscriber: Subscriber): void {
    for (let batch = this.#next(subscriber); batch !== undefined; batch = this.#next(subscriber)) {
      if (subscriber.give(batch)) continue;
      subscriber.blocked = true;
      this.#oldest = Math.min(this.#oldest, subscriber.position);
      this.#blocked.add(subscriber);
      return;
    }
    subscriber.blocked = false;
    this.#idle.add(subscriber);
    if (subscriber.ending) subscriber.end();
    this.#tidy();
  }

  /** What a subscriber gets next, which then counts as given. */
  #next(subscriber: Subscriber): Batch | undefined {
    const first = subscriber.own.at(0);
    if (first !== undefined && first.before <= subscriber.position) return this.#nextOwn(subscriber);
    const to = first?.before ?? this.#backlog.end;
    if (subscriber.position === to) return undefined;
    const { batch, next } = this.#backlog.batch(subscriber.position, to);
    subscriber.position = next;
    return batch;
  }

  #nextOwn(subscriber: Subscriber): Batch {
    const { own, position } = subscriber;
    const frames: Buffer[] = [];
    let size = 0;
    for (let next = own.at(0); next !== undefined && next.before <= position; next = own.at(0)) {
      if (size > 0 && size + next.frame.length > eagerBytes) break;
      own.shift();
      frames.push(next.frame);
      size += next.frame.length;
    }
    this.#count(subscriber, -(size + frames.length * frameOverhead));
    return new Batch(frames);
  }

  /** What is kept is for those that are behind or blocked. */
  #tidy(): void {
    if (this.#behind.isEmpty && this.#blocked.isEmpty) this.#backlog.clear();
  }

  #count(subscriber: Subscriber, bytes: number): void {
    subscriber.ownBytes += bytes;
    this.#options.waiting.bytes += bytes;
  }
}
