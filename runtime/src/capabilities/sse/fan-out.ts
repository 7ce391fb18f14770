import { Fifo } from '../../edge/fifo.ts';

/**
 * How long subscribers are served in one go, in milliseconds, before everything else of the edge has its turn. In a turn
 * of the event loop libuv accepts one connection, so long turns keep new clients waiting at the door.
 */
const sliceMs = 0.5;
/** How many subscribers of a stream are served before the next stream's. */
const inTurn = 32;

/** Something with subscribers that wait for what they were not given. */
export interface Served {
  /** Serves the next subscriber; false when none waits. */
  serveNext(): boolean;
}

/**
 * Serves the subscribers of all streams of an edge, in slices: ten thousand writes take longer than anybody else
 * should have to wait. Plugins take turns, however many streams they have. It begins behind the effects that are being
 * handed over, so that several events to a path become one write to each subscriber.
 */
export class FanOut {
  readonly #lanes = new Fifo<Lane>();
  #running = false;

  /** A lane for the streams of a plugin. */
  lane(): Lane {
    return new Lane((lane) => {
      this.#lanes.push(lane);
      if (this.#running) return;
      this.#running = true;
      process.nextTick(this.#run);
    });
  }

  readonly #run = (): void => {
    const until = performance.now() + sliceMs;
    do {
      const lane = this.#lanes.shift();
      if (lane === undefined) {
        this.#running = false;
        return;
      }
      if (lane.serve(until)) this.#lanes.push(lane);
    } while (performance.now() < until);
    setImmediate(this.#run);
  };
}

/** The streams of one plugin, which take turns as well. */
export class Lane {
  readonly #streams = new Fifo<Served>();
  readonly #queued = new Set<Served>();
  readonly #wake: (lane: Lane) => void;

  /** @param wake Called when the first stream wants to be served. */
  constructor(wake: (lane: Lane) => void) {
    this.#wake = wake;
  }

  /** Asks for a stream to be served. It may be asked for again at any time. */
  add(stream: Served): void {
    if (this.#queued.has(stream)) return;
    this.#queued.add(stream);
    this.#streams.push(stream);
    if (this.#queued.size === 1) this.#wake(this);
  }

  /** Serves a stream, not much longer than `until` on the clock of `performance.now()`. False when none is left. */
  serve(until: number): boolean {
    const stream = this.#streams.shift();
    if (stream === undefined) return false;
    if (serve(stream, until)) this.#streams.push(stream);
    else this.#queued.delete(stream);
    return this.#queued.size > 0;
  }
}

/** True when some are left. */
function serve(stream: Served, until: number): boolean {
  for (let served = 0; served < inTurn; served++) {
    if (!stream.serveNext()) return false;
    if (performance.now() >= until) break;
  }
  return true;
}
