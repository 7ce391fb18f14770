import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Bell } from './bell.ts';
import { type BellThreadData, linger, lostMs } from './bell-thread.suite.ts';

const rounds = 20_000;
const nothing = (): boolean => false;

/** A thread that answers each call by ringing `own`, and how it is called. */
function answering(t: TestContext, waits: BellThreadData['waits']) {
  const own = new Bell();
  const other = new Bell();
  const words = new Int32Array(new SharedArrayBuffer(12));
  const data: BellThreadData = { own: other.buffer, other: own.buffer, words: words.buffer, rounds, waits };
  const worker = new Worker(new URL('bell-thread.suite.ts', import.meta.url), { workerData: data });
  t.after(() => worker.terminate());
  return {
    own,
    call: (round: number): void => {
      Atomics.store(words, 0, round);
      other.ring();
    },
    answered: (round: number): boolean => Atomics.load(words, 1) >= round,
    lost: (): number => Atomics.load(words, 2),
  };
}

suite('Bell between two threads', () => {
  for (const waits of ['blocking', 'turning'] as const) {
    test(`no ring is lost in ${rounds} rounds of blocking here and ${waits} there`, (t) => {
      const { own, call, answered, lost } = answering(t, waits);
      let seed = 2;
      let lostHere = 0;
      for (let round = 1; round <= rounds; round++) {
        call(round);
        seed = linger(seed);
        while (!answered(round)) {
          const start = performance.now();
          own.wait(lostMs, () => answered(round));
          if (performance.now() - start > lostMs * 0.9) lostHere += 1;
          assert.ok(lostHere < 3, 'rings are lost here');
        }
      }
      assert.equal(lostHere, 0);
      assert.equal(lost(), 0);
    });
  }

  test(`no ring is lost in ${rounds} rounds of turning the event loop here`, async (t) => {
    const { own, call, answered, lost } = answering(t, 'blocking');
    let seed = 3;
    let lostHere = 0;
    for (let round = 1; round <= rounds; round++) {
      call(round);
      seed = linger(seed);
      while (!answered(round)) {
        const start = performance.now();
        await own.waitAsync(lostMs, () => answered(round));
        if (performance.now() - start > lostMs * 0.9) lostHere += 1;
        assert.ok(lostHere < 3, 'rings are lost here');
      }
    }
    assert.equal(lostHere, 0);
    assert.equal(lost(), 0);
  });

  test(`no ring is lost in ${rounds} rounds of falling asleep and staying awake`, async (t) => {
    const { own, call, answered, lost } = answering(t, 'blocking');
    let round = 0;
    let seed = 4;
    let looks = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    // As the edge does: it looks a few times by itself, and then sleeps until the bell wakes it.
    const sleep = (): void => {
      if (!own.fallAsleep(look, () => answered(round))) setImmediate(look);
    };
    const look = (): void => {
      own.stayAwake();
      if (answered(round)) {
        if (round === rounds) return resolve();
        round += 1;
        looks = 0;
        call(round);
        seed = linger(seed);
      } else {
        looks += 1;
      }
      if (looks > (seed >>> 16) % 4) sleep();
      else setImmediate(look);
    };
    look();
    let before = -1;
    let stuck = 0;
    const check = setInterval(() => {
      if (round === before) {
        stuck += 1;
        own.ring();
      }
      before = round;
    }, lostMs);
    await promise;
    clearInterval(check);
    assert.equal(stuck, 0);
    assert.equal(lost(), 0);
  });
});

suite('Bell', () => {
  test('a wait for which there is work already returns at once', async () => {
    const bell = new Bell();
    const start = performance.now();
    bell.wait(60_000, () => true);
    await bell.waitAsync(60_000, () => true);
    assert.ok(performance.now() - start < 30_000);
  });

  test('a wait ends when its time is over', async () => {
    const bell = new Bell();
    bell.wait(1, nothing);
    const alive = setInterval(() => undefined, 1000);
    await bell.waitAsync(1, nothing);
    clearInterval(alive);
  });

  test('a ring while the wait is being prepared is not lost', async () => {
    const bell = new Bell();
    const start = performance.now();
    const rings = (): boolean => {
      bell.ring();
      return false;
    };
    bell.wait(60_000, rings);
    await bell.waitAsync(60_000, rings);
    assert.ok(performance.now() - start < 30_000);
  });

  test('a bell made of the buffer of another is the same bell', () => {
    const bell = new Bell();
    const start = performance.now();
    bell.wait(60_000, () => {
      new Bell(bell.buffer).ring();
      return false;
    });
    assert.ok(performance.now() - start < 30_000);
  });
});

/** Lets everything run that is due. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

suite('Bell.fallAsleep', () => {
  test('arranges nothing when there is work', async () => {
    const bell = new Bell();
    let woken = 0;
    assert.equal(
      bell.fallAsleep(
        () => woken++,
        () => true,
      ),
      false,
    );
    bell.ring();
    await turns();
    assert.equal(woken, 0);
  });

  test('wakes once, however often the bell rings', async () => {
    const bell = new Bell();
    let woken = 0;
    assert.equal(
      bell.fallAsleep(() => woken++, nothing),
      true,
    );
    for (let ring = 0; ring < 10; ring++) bell.ring();
    await turns();
    assert.equal(woken, 1);
    bell.ring();
    await turns();
    assert.equal(woken, 1, 'nobody fell asleep again');
  });

  test('a thread that stays awake is not woken, and is once it has fallen asleep again', async () => {
    const bell = new Bell();
    let woken = 0;
    const wake = (): void => {
      woken += 1;
    };
    assert.equal(bell.fallAsleep(wake, nothing), true);
    bell.stayAwake();
    for (let ring = 0; ring < 10; ring++) bell.ring();
    await turns();
    assert.equal(woken, 0);
    assert.equal(bell.fallAsleep(wake, nothing), true, 'the call that was arranged holds');
    bell.ring();
    await turns();
    assert.equal(woken, 1);
  });

  test('a ring between the look for work and the sleep keeps the thread awake', async () => {
    const bell = new Bell();
    let woken = 0;
    let rung = false;
    const asleep = bell.fallAsleep(
      () => woken++,
      () => {
        if (!rung) bell.ring();
        rung = true;
        return false;
      },
    );
    await turns();
    assert.ok(!asleep || woken === 1, 'it sleeps though the bell rang');
  });

  test('falling asleep while a call is on its way is safe', async () => {
    const bell = new Bell();
    let woken = 0;
    const wake = (): void => {
      woken += 1;
      if (woken === 1) bell.fallAsleep(wake, nothing);
    };
    bell.fallAsleep(wake, nothing);
    bell.ring();
    // The call is on its way; a thread that looks by itself falls asleep once more.
    bell.stayAwake();
    bell.fallAsleep(wake, nothing);
    await turns();
    assert.equal(woken, 1);
    bell.ring();
    await turns();
    assert.equal(woken, 2);
  });
});
