import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Bell } from '../link/bell.ts';
import type { Later } from '../guest/later.ts';
import { Scheduler, type Task } from './scheduler.ts';
import { Waits } from './waits.ts';

/** How long anything may take before it counts as never, in milliseconds. */
const patienceMs = 20_000;

const stopped = Symbol('stopped');

interface Thread {
  readonly waits: Waits;
  readonly bell: Bell;
  /** The turns that began and ended, in order: `a` and, for a turn that gives a promise, `a.` at its end. */
  readonly log: string[];
  add(name: string, turn: (task: FakeTask, now: number) => Later<void>): FakeTask;
  /** Runs the scheduler until the condition holds; it is asked in every round. */
  run(until: () => boolean): Promise<void>;
  /** What the thread does when it is commanded. */
  command: (() => void) | undefined;
}

class FakeTask implements Task {
  parked: (() => void) | undefined;
  ended = false;
  nextTick = Number.POSITIVE_INFINITY;
  busy = false;
  asked = 0;
  /** Whether it has something to do, beside its ticks. */
  wants = true;
  readonly name: string;
  readonly #thread: Thread;
  readonly #turn: (task: FakeTask, now: number) => Later<void>;

  constructor(name: string, made: Thread, turn: (task: FakeTask, now: number) => Later<void>) {
    this.name = name;
    this.#thread = made;
    this.#turn = turn;
  }

  due(now: number): boolean {
    this.asked += 1;
    return !this.busy && !this.ended && (this.wants || now >= this.nextTick);
  }

  turn(now: number): Later<void> {
    const { log } = this.#thread;
    log.push(this.name);
    this.busy = true;
    const turn = this.#turn(this, now);
    if (!(turn instanceof Promise)) {
      this.busy = false;
      return;
    }
    return turn.then(() => {
      this.busy = false;
      log.push(`${this.name}.`);
    });
  }
}

function thread(): Thread {
  const bell = new Bell();
  const waits = new Waits(bell);
  const tasks: FakeTask[] = [];
  const made: Thread = {
    bell,
    waits,
    log: [],
    command: undefined,
    add(name, turn) {
      const task = new FakeTask(name, made, turn);
      tasks.push(task);
      return task;
    },
    async run(until) {
      const deadline = performance.now() + patienceMs;
      const scheduler = new Scheduler({
        bell,
        waits,
        commanded: () => {
          if (until()) throw stopped;
          assert.ok(performance.now() < deadline, `it does not end: ${made.log.slice(0, 20).join(' ')}`);
          return made.command !== undefined;
        },
        command: () => {
          made.command?.();
          made.command = undefined;
        },
      });
      for (const task of tasks) scheduler.add(task);
      await scheduler.run().catch((error: unknown) => {
        if (error !== stopped) throw error;
      });
    },
  };
  return made;
}

const atOnce = (): void => undefined;

/** A turn that gives a promise and waits for nothing of the host. */
const microtasks = async (): Promise<void> => {
  for (let step = 0; step < 5; step++) await Promise.resolve();
};

/** A turn that waits for the host for so long, as a guest that sleeps. */
function sleeps(waits: Waits, ms: number) {
  return async (task: FakeTask): Promise<void> => {
    await Promise.resolve();
    await waits.hold(task, waits.sleep(ms));
  };
}

suite('Scheduler: fairness', () => {
  test('tasks that always have something to do take turns', async () => {
    const made = thread();
    for (const name of ['a', 'b', 'c']) made.add(name, atOnce);
    await made.run(() => made.log.length >= 300);
    for (let at = 0; at < 300; at += 3) assert.deepEqual(made.log.slice(at, at + 3), ['a', 'b', 'c']);
  });

  test('the time that a turn takes is not charged to the one behind it', async () => {
    const made = thread();
    const begun: number[] = [];
    made.add('slow', () => {
      const until = performance.now() + 30;
      while (performance.now() < until);
    });
    made.add('next', (_task, now) => void begun.push(performance.now() - now));
    await made.run(() => begun.length >= 5);
    // What a turn is told of the time is when it began, but for what the machine does between the two.
    assert.ok(Math.min(...begun) < 15, `turns began ${begun.join(', ')} ms before they did`);
  });

  for (const [how, giving] of [
    ['one gives promises', ['b']],
    ['two give promises', ['b', 'c']],
    ['the first two give promises', ['a', 'b']],
    ['all give promises', ['a', 'b', 'c', 'd']],
  ] as const) {
    test(`no task has two turns while another that is due waits, when ${how}`, async () => {
      const made = thread();
      const names = ['a', 'b', 'c', 'd'];
      const promising: readonly string[] = giving;
      for (const name of names) made.add(name, promising.includes(name) ? microtasks : atOnce);
      const turns = (): string[] => made.log.filter((entry) => !entry.endsWith('.'));
      await made.run(() => turns().length >= 400);
      for (const name of names) {
        const between = turns().join('').split(name).slice(1, -1);
        assert.ok(between.length > 80, `${name} had ${between.length} turns`);
        for (const others of between) {
          assert.equal(new Set(others).size, others.length, `between two turns of ${name}: ${others}`);
        }
      }
    });
  }

  test('a turn that waits for nothing of the host is over before the next begins', async () => {
    const made = thread();
    made.add('a', microtasks);
    made.add('b', atOnce);
    await made.run(() => made.log.length >= 30);
    assert.equal(made.log.slice(0, 6).join(' '), 'a a. b a a. b');
  });

  test('a task that has nothing to do has no turn, and one that has ended has none any more', async () => {
    const made = thread();
    made.add('a', atOnce);
    const quiet = made.add('b', atOnce);
    quiet.wants = false;
    made.add('c', (task) => {
      task.ended = true;
    });
    await made.run(() => made.log.length >= 100);
    assert.equal(made.log.includes('b'), false);
    assert.equal(made.log.filter((name) => name === 'c').length, 1);
  });

  test('commands are taken between turns, however busy the tasks are', async () => {
    const made = thread();
    let commanded = 0;
    made.command = () => {
      commanded = made.log.length;
    };
    made.add('a', atOnce);
    made.add('b', microtasks);
    await made.run(() => commanded > 0 || made.log.length > 50);
    made.command = () => {
      commanded = made.log.length;
    };
    const before = made.log.length;
    await made.run(() => commanded > before - 1 || made.log.length > before + 50);
    assert.ok(commanded >= before && commanded <= before + 10);
  });
});

suite('Scheduler: waiting tasks', () => {
  test('others have their turns while a task waits for the host', async () => {
    const made = thread();
    made.add('a', sleeps(made.waits, 20));
    made.add('b', atOnce);
    await made.run(() => made.log.filter((entry) => entry === 'a.').length === 3);
    const [, first = [], second = []] = made.log
      .join(' ')
      .split('a.')
      .map((part) => part.match(/b/g) ?? []);
    assert.ok(first.length > 10, `b had ${first.length} turns in 20 ms`);
    assert.ok(second.length > 10, `b had ${second.length} turns in 20 ms`);
  });

  test('others have their turns also when the wait begins before the turn has given its promise', async () => {
    const made = thread();
    // As a guest that sleeps in its pulp_alloc, or in the first export that its shutdown enters.
    made.add('a', (task) => made.waits.hold(task, made.waits.sleep(50)));
    made.add('b', atOnce);
    await made.run(() => made.log.includes('a.'));
    const turns = made.log.filter((entry) => entry === 'b').length;
    assert.ok(turns > 10, `b had ${turns} turns in 50 ms`);
  });

  test('a task that waits again in the same turn waits on', async () => {
    const made = thread();
    made.add('a', async (task) => {
      for (let sleep = 0; sleep < 3; sleep++) await made.waits.hold(task, made.waits.sleep(5));
    });
    await made.run(() => made.log.includes('a.'));
    assert.deepEqual(made.log.slice(0, 2), ['a', 'a.']);
  });

  test('two tasks wait at the same time', async () => {
    const made = thread();
    let waiting = 0;
    let most = 0;
    for (const name of ['a', 'b']) {
      made.add(name, async (task) => {
        waiting += 1;
        most = Math.max(most, waiting);
        await made.waits.hold(task, made.waits.sleep(30));
        waiting -= 1;
      });
    }
    await made.run(() => made.log.filter((entry) => entry.endsWith('.')).length >= 2);
    assert.equal(most, 2);
  });

  test('a wait that fails goes on too', async () => {
    const made = thread();
    made.add('a', async (task) => {
      await made.waits.hold(task, Promise.reject(new Error('refused'))).catch(() => undefined);
    });
    await made.run(() => made.log.includes('a.'));
  });
});

suite('Scheduler: the event loop', () => {
  test('turns while something is pending, though a task is always due', async () => {
    for (const turn of [atOnce, microtasks]) {
      const made = thread();
      const pending = made.waits.ref();
      let fired = false;
      setTimeout(() => {
        fired = true;
      }, 5);
      made.add('a', turn);
      await made.run(() => fired);
      pending[Symbol.dispose]();
    }
  });

  test('turns while something is pending and nothing is due', async () => {
    const made = thread();
    const pending = made.waits.ref();
    const quiet = made.add('a', atOnce);
    quiet.wants = false;
    let fired = false;
    setTimeout(() => {
      fired = true;
      made.bell.ring();
    }, 5);
    await made.run(() => fired);
    pending[Symbol.dispose]();
    assert.ok(quiet.asked < 2000, `it looked ${quiet.asked} times in 5 ms`);
  });

  test('what is disposed of twice counts once', () => {
    const { waits } = thread();
    const [one, two] = [waits.ref(), waits.ref()];
    one[Symbol.dispose]();
    one[Symbol.dispose]();
    assert.equal(waits.pending, 1);
    two[Symbol.dispose]();
    assert.equal(waits.pending, 0);
  });

  test('a wait counts until what waits for it has gone on', async () => {
    const { waits } = thread();
    let seen = -1;
    const held = waits.hold({ parked: undefined }, Promise.resolve(7)).then((value) => {
      seen = waits.pending;
      return value;
    });
    assert.equal(waits.pending, 1);
    assert.equal(await held, 7);
    assert.equal(seen, 1);
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(waits.pending, 0);
  });
});

suite('Scheduler: ticks', () => {
  test('a tick comes when it is due, and the thread sleeps until then', async () => {
    for (const pending of [false, true]) {
      const made = thread();
      const ref = pending ? made.waits.ref() : undefined;
      const early: number[] = [];
      const task = made.add('a', (self, now) => {
        if (now < self.nextTick) early.push(self.nextTick - now);
        self.nextTick = now + 10;
      });
      task.wants = false;
      task.nextTick = performance.now() + 10;
      await made.run(() => made.log.length === 10);
      ref?.[Symbol.dispose]();
      assert.deepEqual(early, []);
      assert.ok(task.asked < 50_000, `it looked ${task.asked} times in ten ticks`);
    }
  });

  test('a ring wakes a thread that sleeps towards a tick', async () => {
    const made = thread();
    const task = made.add('a', atOnce);
    task.wants = false;
    task.nextTick = performance.now() + patienceMs * 2;
    const pending = made.waits.ref();
    setTimeout(() => {
      task.wants = true;
      made.bell.ring();
    }, 5);
    await made.run(() => made.log.length > 0);
    pending[Symbol.dispose]();
  });
});
