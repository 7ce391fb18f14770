import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Budget } from '../../edge/budget.ts';
import { Fifo } from '../../edge/fifo.ts';
import type { Event } from '../../ext.ts';
import { Gate, type Line } from './gate.ts';
import { Kind, Told } from './told.ts';

/** A queue with so much room. */
class Port {
  room = 0;
  readonly taken: string[] = [];
  /** How often somebody has asked to be told of room. */
  asked = 0;
  #drained = Promise.withResolvers<void>();

  push({ id, payload }: Event): boolean {
    if (this.room === 0) return false;
    this.room -= 1;
    this.taken.push(`${id}:${payload[0]}`);
    return true;
  }

  drained(): Promise<void> {
    this.asked += 1;
    return this.#drained.promise;
  }

  /** Makes room, and tells those who asked. */
  async make(room: number): Promise<void> {
    this.room = room;
    const { resolve } = this.#drained;
    this.#drained = Promise.withResolvers();
    resolve();
    await new Promise((done) => setImmediate(done));
  }
}

class Talk implements Line {
  readonly held = new Fifo<Told>();
  readonly heard: string[] = [];
  halted = false;
  listed = false;
  readonly id: number;
  #count = 0;

  constructor(id: number) {
    this.id = id;
  }

  stuck(): void {
    this.heard.push('stuck');
  }

  flows(): void {
    this.heard.push('flows');
  }

  next(kind: number = Kind.frame): Told {
    this.#count += 1;
    return new Told(kind, this.id, Uint8Array.of(this.#count));
  }
}

function made(limit = 1_000_000) {
  const port = new Port();
  const budget = new Budget(limit);
  return { port, budget, gate: new Gate(port, budget) };
}

suite('the way into the queue of a plugin', () => {
  test('is straight while there is room', () => {
    const { port, budget, gate } = made();
    const talk = new Talk(1);
    port.room = 2;
    const events = [talk.next(), talk.next()];
    for (const event of events) assert.ok(gate.tell(talk, event));
    assert.deepEqual(port.taken, ['1:1', '1:2']);
    assert.ok(events.every(({ queued }) => queued));
    assert.deepEqual([talk.heard, budget.used, gate.crowded, port.asked], [[], 0, false, 0]);
  });

  test('keeps what finds no room, in its order, and says when no more is wanted and when it is again', async () => {
    const { port, budget, gate } = made();
    const talk = new Talk(1);
    for (let count = 0; count < 5; count++) gate.tell(talk, talk.next());
    assert.deepEqual([talk.heard, talk.held.length, gate.crowded], [['stuck'], 5, true]);
    assert.ok(budget.used > 5 * 200);
    await port.make(2);
    assert.deepEqual(port.taken, ['1:1', '1:2']);
    assert.deepEqual(talk.heard, ['stuck']);
    await port.make(100);
    assert.deepEqual(port.taken, ['1:1', '1:2', '1:3', '1:4', '1:5']);
    assert.deepEqual([talk.heard, budget.used, gate.crowded], [['stuck', 'flows'], 0, false]);
  });

  test('takes from each connection in turn, and wakes those that have nothing more one by one', async () => {
    const { port, gate } = made();
    const talks = [new Talk(1), new Talk(2), new Talk(3)];
    for (const [index, talk] of talks.entries()) {
      for (let count = 0; count < 3 - index; count++) gate.tell(talk, talk.next());
    }
    await port.make(4);
    assert.deepEqual(port.taken, ['1:1', '2:1', '3:1', '1:2']);
    assert.deepEqual(
      talks.map(({ heard }) => heard.at(-1)),
      ['stuck', 'stuck', 'flows'],
    );
    await port.make(9);
    assert.deepEqual(port.taken.slice(4), ['2:2', '1:3']);
  });

  test('lets nobody overtake those that wait', async () => {
    const { port, gate } = made();
    const [one, two] = [new Talk(1), new Talk(2)];
    gate.tell(one, one.next());
    port.room = 1;
    gate.tell(two, two.next());
    assert.deepEqual(port.taken, []);
    await port.make(2);
    assert.deepEqual(port.taken, ['1:1', '2:1']);
  });

  test('asks once for room, however many wait', async () => {
    const { port, gate } = made();
    const talks = Array.from({ length: 100 }, (_, id) => new Talk(id));
    for (const talk of talks) gate.tell(talk, talk.next());
    assert.equal(port.asked, 1);
    await port.make(1);
    assert.equal(port.asked, 2);
    assert.equal(talks.filter(({ heard }) => heard.includes('flows')).length, 1);
  });

  test('refuses what there is no memory for, but never the end of a connection', async () => {
    const { port, gate, budget } = made(600);
    const talk = new Talk(1);
    assert.deepEqual(
      [talk.next(), talk.next(), talk.next(), talk.next(Kind.close)].map((event) => gate.tell(talk, event)),
      [true, true, false, true],
    );
    await port.make(9);
    assert.deepEqual(port.taken, ['1:1', '1:2', '1:4']);
    assert.equal(budget.used, 0);
  });

  test('forgets a connection that is of no interest any more', async () => {
    const { port, gate, budget } = made();
    const [one, two] = [new Talk(1), new Talk(2)];
    for (const talk of [one, one, two]) gate.tell(talk, talk.next());
    gate.forget(one);
    await port.make(9);
    assert.deepEqual(port.taken, ['2:1']);
    assert.deepEqual([budget.used, gate.crowded], [0, false]);
  });
});
