import type { Budget } from '../../edge/budget.ts';
import { Fifo } from '../../edge/fifo.ts';
import type { Port } from '../../ext.ts';
import type { Told } from './told.ts';

/** Events in an order of their own: those of one connection. */
export interface Line {
  /** Those that found no room in the plugin's queue. */
  readonly held: Fifo<Told>;
  /** None of them may go in for now: {@link Gate.again} says that they may. */
  readonly halted: boolean;
  /** Whether it waits for its turn. The gate's own. */
  listed: boolean;
  /** An event found no room: no more are wanted until {@link flows}. */
  stuck(): void;
  /** Nothing is held any more. */
  flows(): void;
}

/**
 * The way into a plugin's queue. What finds no room is kept, and goes in by turns, one event of each line, as there
 * is room: a line that has much to say does not keep the others waiting, and no more are woken than there is room
 * for. No event overtakes another of its line.
 */
export class Gate {
  readonly #port: Pick<Port, 'push' | 'drained'>;
  readonly #held: Budget;
  readonly #lines = new Fifo<Line>();
  #waiting = false;

  /** @param held What events that are kept count with. */
  constructor(port: Pick<Port, 'push' | 'drained'>, held: Budget) {
    this.#port = port;
    this.#held = held;
  }

  /** Whether events wait for room already. */
  get crowded(): boolean {
    return this.#lines.length > 0;
  }

  /** Passes an event on, or keeps it. False: there is no memory to keep it in. Hot. */
  tell(line: Line, event: Told): boolean {
    if (this.#lines.length === 0 && !line.halted && this.#push(event)) return true;
    if (!this.#held.take(event.weight)) return false;
    line.held.push(event);
    if (line.held.length === 1) line.stuck();
    this.#list(line);
    return true;
  }

  /** Passes an event on before all that waits. False: the queue took none. */
  ahead(event: Told): boolean {
    return this.#push(event);
  }

  /** Takes events that a line has to say before those that it has waiting. They go in with {@link fill}. */
  again(line: Line, events: readonly Told[]): void {
    const behind = [...line.held];
    while (line.held.shift() !== undefined);
    for (const event of [...events, ...behind]) line.held.push(event);
    // The queue that they come from was bounded.
    for (const event of events) this.#held.takeAnyway(event.weight);
    if (behind.length === 0 && events.length > 0) line.stuck();
    this.#list(line);
  }

  /** Forgets what a line has waiting. */
  forget({ held }: Line): void {
    for (let event = held.shift(); event !== undefined; event = held.shift()) this.#held.give(event.weight);
  }

  #push(event: Told): boolean {
    if (!this.#port.push(event)) return false;
    event.enter();
    return true;
  }

  /** Has a line wait for its turn. */
  #list(line: Line): void {
    if (line.listed || line.halted || line.held.length === 0) return;
    line.listed = true;
    this.#lines.push(line);
    this.#wait();
  }

  /** Passes on what there is room for. */
  fill(): void {
    for (let line = this.#lines.at(0); line !== undefined; line = this.#lines.at(0)) {
      const { held, halted } = line;
      const event = halted ? undefined : held.at(0);
      if (event !== undefined) {
        if (!this.#push(event)) return this.#wait();
        held.shift();
        this.#held.give(event.weight);
      }
      this.#lines.shift();
      line.listed = !halted && held.length > 0;
      if (line.listed) this.#lines.push(line);
      else if (held.length === 0) line.flows();
    }
  }

  #wait(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    void this.#port.drained().then(() => {
      this.#waiting = false;
      this.fill();
    });
  }
}
