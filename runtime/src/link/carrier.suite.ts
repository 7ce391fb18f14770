import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { type Transferable, Worker } from 'node:worker_threads';
import type {
  CarrierCall,
  CarrierCommands,
  CarrierResult,
  CarrierThreadData,
  Message,
} from './carrier-thread.suite.ts';
import { type EdgeLink, type EffectReceiver, type EventPlace, inlineBytes } from './link.ts';

/** A fresh link under test. */
export interface CarrierEnds {
  readonly edge: EdgeLink;
  /** A module for the thread that exports `connect(data)`, which gives its end of the link. */
  readonly module: string;
  readonly data: unknown;
  readonly transfer: readonly Transferable[];
}

type Argument<K extends keyof CarrierCommands> = Parameters<CarrierCommands[K]>;
type Result<K extends keyof CarrierCommands> = Awaited<ReturnType<CarrierCommands[K]>>;

/** How long anything may take before the suite says that it hangs, in milliseconds. */
const patienceMs = 30_000;

/** The edge's end, what it has received, and the thread at the other end. */
class Pair implements EffectReceiver {
  readonly edge: EdgeLink;
  readonly received: Message[] = [];
  /** The count of the last drain. */
  finished = 0;
  /** What an effect is answered with. */
  code: (effect: Message) => number = () => 0;
  /** What a request is answered with. */
  answer: (request: Message) => Promise<Uint8Array> = () => Promise.reject(new Error('not expected'));
  readonly #worker: Worker;
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  #serial = 0;

  constructor(t: TestContext, { edge, module, data, transfer }: CarrierEnds) {
    this.edge = edge;
    const workerData: CarrierThreadData = { module, data };
    this.#worker = new Worker(new URL('carrier-thread.suite.ts', import.meta.url), {
      workerData,
      transferList: [...transfer],
    });
    this.#worker.on('message', ({ serial, result, error }: CarrierResult) => {
      const call = this.#calls.get(serial);
      if (error === undefined) call?.resolve(result);
      else call?.reject(error);
    });
    t.after(async () => {
      await this.kill();
      edge.close();
    });
  }

  effect(channel: number, kind: number, payload: Uint8Array, id: number): number {
    const effect = { channel, kind, id, payload: Uint8Array.from(payload) };
    this.received.push(effect);
    return this.code(effect);
  }

  request(channel: number, kind: number, payload: Uint8Array): Promise<Uint8Array> {
    return this.answer({ channel, kind, id: 0, payload });
  }

  drain(): void {
    this.finished = this.edge.drain(this);
  }

  /** Tells the thread to do something. */
  async thread<K extends keyof CarrierCommands>(name: K, ...argument: Argument<K>): Promise<Result<K>> {
    const serial = ++this.#serial;
    const call = Promise.withResolvers<unknown>();
    this.#calls.set(serial, call);
    this.#worker.postMessage({ serial, name, argument: argument[0] } satisfies CarrierCall);
    return (await call.promise) as Result<K>;
  }

  /** As {@link thread}, while the edge drains. */
  async draining<K extends keyof CarrierCommands>(name: K, ...argument: Argument<K>): Promise<Result<K>> {
    let done = false;
    const result = this.thread(name, ...argument).finally(() => {
      done = true;
    });
    await this.until(() => done, `${name} is done`);
    return result;
  }

  /** Drains until the condition holds. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (this.drain(); !condition(); this.drain()) {
      assert.ok(performance.now() < deadline, `not within ${patienceMs} ms: ${what}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The next event the thread takes; it may be on its way. */
  async take(): Promise<Message & { readonly cancelled: boolean }> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const event = await this.thread('take');
      if (event !== undefined) return event;
      assert.ok(performance.now() < deadline, 'an event has not come');
    }
  }

  send(event: Message): EventPlace {
    const place = this.edge.send(event);
    assert.notEqual(place, undefined, 'there is no room for an event');
    return place as EventPlace;
  }

  async kill(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Bytes that tell where they were cut or moved. */
function pattern(length: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + (index >>> 8) * 17 + seed) & 0xff;
  return bytes;
}

function message(id: number, payload: Uint8Array = pattern(8, id)): Message {
  return { channel: id % 7, kind: id % 200, id, payload };
}

function assertSame(found: Message, expected: Message): void {
  const { channel, kind, id } = expected;
  assert.deepEqual({ channel: found.channel, kind: found.kind, id: found.id }, { channel, kind, id });
  assert.ok(Buffer.compare(found.payload, expected.payload) === 0, `the payload of ${id} is another`);
}

const sizes: readonly (readonly [name: string, bytes: number])[] = [
  ['0 bytes', 0],
  ['1 byte', 1],
  ['32 KiB', inlineBytes],
  ['32 KiB and a byte', inlineBytes + 1],
  ['10 MiB', 10 * 1024 * 1024],
];

/** The behaviour that every carrier of the contract in link.ts has. `make` gives a fresh link each time. */
export function carrierSuite(name: string, make: () => CarrierEnds): void {
  const pair = (t: TestContext): Pair => new Pair(t, make());

  suite(`${name}: records`, () => {
    for (const [size, bytes] of sizes) {
      test(`a payload of ${size} arrives byte for byte, in both directions`, async (t) => {
        const ends = pair(t);
        const event = message(2 ** 44 + 3, pattern(bytes, 5));
        const kept = Uint8Array.from(event.payload);
        ends.send(event);
        assertSame(await ends.take(), event);
        assert.ok(
          Buffer.compare(event.payload, kept) === 0,
          'the edge has lost the payload it may need again',
        );
        await ends.thread('send', { ...event, times: 1 });
        await ends.thread('finish');
        await ends.until(() => ends.finished === 1, 'the event is finished');
        assert.equal(ends.received.length, 1);
        assertSame(ends.received[0] as Message, event);
      });
    }

    test('events are taken in the order they were sent, small and large ones alike', async (t) => {
      const ends = pair(t);
      const events = Array.from({ length: 40 }, (_, id) =>
        message(id, pattern(id % 5 === 0 ? inlineBytes + id : id * 11, id)),
      );
      for (const event of events) ends.send(event);
      for (const event of events) {
        assertSame(await ends.take(), event);
        await ends.thread('finish');
      }
    });

    test('effects arrive in the order they were sent, small and large ones alike', async (t) => {
      const ends = pair(t);
      const effects = Array.from({ length: 40 }, (_, id) =>
        message(id, pattern(id % 5 === 0 ? inlineBytes + id : id * 11, id)),
      );
      for (const effect of effects) await ends.draining('send', { ...effect, times: 1 });
      await ends.until(() => ends.received.length === effects.length, 'every effect has arrived');
      for (const [index, effect] of effects.entries()) assertSame(ends.received[index] as Message, effect);
    });

    test('large payloads are there as soon as their records are, with both ends looking all the time', async (t) => {
      const ends = pair(t);
      const rounds = 300;
      const echoed = ends.thread('echo', rounds);
      for (let id = 0; id < rounds; id++) {
        const event = message(id, pattern(inlineBytes + 1 + id, id));
        ends.send(event);
        const deadline = performance.now() + patienceMs;
        while (ends.received.length <= id) {
          ends.drain();
          assert.ok(performance.now() < deadline, `the event ${id} is not answered`);
        }
        assertSame(ends.received[id] as Message, event);
      }
      await echoed;
    });

    test('the thread is ready while an event waits, the edge while there is something to drain', async (t) => {
      const ends = pair(t);
      assert.equal(await ends.thread('ready'), false);
      assert.equal(await ends.thread('take'), undefined);
      ends.send(message(1));
      while (!(await ends.thread('ready')));
      await ends.take();
      assert.equal(ends.edge.ready, false, 'nothing has been sent or finished');
      await ends.thread('finish');
      assert.equal(await ends.thread('ready'), false);
      await ends.until(() => ends.finished === 1, 'the event is finished');
      assert.equal(ends.edge.ready, false, 'all was drained');
      await ends.thread('send', { ...message(1), times: 1 });
      const deadline = performance.now() + patienceMs;
      while (!ends.edge.ready) {
        assert.ok(performance.now() < deadline, 'the effect has not come');
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
  });

  suite(`${name}: back-pressure`, () => {
    for (const size of [0, 1000, inlineBytes]) {
      test(`a full link takes no event of ${size} bytes, and loses none once there is room`, async (t) => {
        const ends = pair(t);
        let sent = 0;
        const fill = (): void => {
          while (ends.edge.send(message(sent, pattern(size, sent))) !== undefined) {
            sent += 1;
            assert.ok(sent < 1_000_000, 'the link is never full');
          }
        };
        fill();
        const first = sent;
        const echoed = ends.thread('echo', first * 3);
        await ends.until(() => {
          if (sent < first * 3) fill();
          return ends.received.length >= first * 3;
        }, 'three times what fits went through');
        await echoed;
        for (let id = 0; id < first * 3; id++) {
          assertSame(ends.received[id] as Message, message(id, pattern(size, id)));
        }
      });
    }

    test('a full link takes no large event either, and keeps the ones behind it right', async (t) => {
      const ends = pair(t);
      let sent = 0;
      while (ends.edge.send(message(sent, new Uint8Array(0))) !== undefined) sent += 1;
      assert.equal(ends.edge.send(message(sent, pattern(inlineBytes + 1, 1))), undefined);
      const large = message(sent, pattern(inlineBytes + 1, 2));
      const echoed = ends.thread('echo', sent + 1);
      let placed = false;
      await ends.until(() => {
        placed ||= ends.edge.send(large) !== undefined;
        return ends.received.length === sent + 1;
      }, 'every event is answered');
      await echoed;
      assertSame(ends.received[sent] as Message, large);
    });

    test('the thread blocks when the edge does not drain, and goes on when it does', async (t) => {
      const ends = pair(t);
      const times = 20_000;
      let done = false;
      const sent = ends.thread('send', { ...message(0, pattern(1000, 3)), times }).then(() => {
        done = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.equal(done, false, '20 MB have gone somewhere though nobody took them');
      await ends.until(() => done, 'the thread has sent everything');
      await sent;
      await ends.until(() => ends.received.length === times, 'everything has arrived');
      for (const [id, effect] of ends.received.entries()) assert.equal(effect.id, id);
      assert.ok(ends.received.every(({ payload }) => Buffer.compare(payload, pattern(1000, 3)) === 0));
    });

    test('a drain ends although the thread sends faster than the edge takes', async (t) => {
      const ends = pair(t);
      let inOneDrain = 0;
      ends.code = () => {
        inOneDrain += 1;
        if (inOneDrain > 1_000_000) throw new Error('the drain does not end');
        return 0;
      };
      const flooded = ends.thread('flood');
      flooded.catch(() => undefined);
      for (let drains = 0; drains < 20; drains++) {
        inOneDrain = 0;
        await ends.until(() => inOneDrain > 0, 'the flood has come');
        ends.received.length = 0;
      }
    });
  });

  suite(`${name}: ask and request`, () => {
    test('an ask is answered with the code of the receiver, behind every effect sent before', async (t) => {
      const ends = pair(t);
      ends.code = ({ kind }) => (kind === 9 ? 4 : 0);
      await ends.thread('send', { ...message(1), times: 3 });
      assert.equal(await ends.draining('ask', { channel: 2, kind: 9, id: 0, payload: pattern(10) }), 4);
      assert.equal(await ends.draining('ask', { channel: 2, kind: 8, id: 0, payload: pattern(10) }), 0);
      assert.deepEqual(
        ends.received.map(({ id, kind }) => [id, kind]),
        [
          [1, 1],
          [2, 1],
          [3, 1],
          [0, 9],
          [0, 8],
        ],
      );
    });

    test('an ask may be large', async (t) => {
      const ends = pair(t);
      const asked = { channel: 0, kind: 0, id: 0, payload: pattern(inlineBytes + 100) };
      ends.code = ({ payload }) => (Buffer.compare(payload, asked.payload) === 0 ? 99 : 1);
      assert.equal(await ends.draining('ask', asked), 99);
    });

    test('a thousand asks get the answers that belong to them', async (t) => {
      const ends = pair(t);
      ends.code = ({ kind }) => kind + 1;
      for (let kind = 0; kind < 200; kind++) {
        assert.equal(await ends.draining('ask', { ...message(0), kind }), kind + 1);
      }
    });

    test('a request is answered with bytes', async (t) => {
      const ends = pair(t);
      ends.answer = async ({ channel, kind, payload }) => Uint8Array.of(channel, kind, ...payload);
      const [small, large] = await ends.draining('request', [
        { channel: 3, kind: 4, id: 0, payload: Uint8Array.of(5) },
        { channel: 3, kind: 5, id: 0, payload: new Uint8Array(0) },
      ]);
      assert.deepEqual(small, Uint8Array.of(3, 4, 5));
      assert.deepEqual(large, Uint8Array.of(3, 5));
    });

    test('requests in flight are answered in any order', async (t) => {
      const ends = pair(t);
      const held: (() => void)[] = [];
      ends.answer = ({ kind }) =>
        new Promise((resolve) => {
          held.push(() => resolve(Uint8Array.of(kind)));
          if (held.length === 3) for (const answer of held.toReversed()) answer();
        });
      const requests = [1, 2, 3].map((kind) => ({ ...message(0), kind }));
      assert.deepEqual(
        await ends.draining('request', requests),
        [1, 2, 3].map((kind) => Uint8Array.of(kind)),
      );
    });

    test('a request that fails says why, with the code that the error has', async (t) => {
      const ends = pair(t);
      ends.answer = async ({ kind }) => {
        if (kind === 1) throw Object.assign(new Error('no such target'), { code: 11 });
        throw new Error('the edge is at fault');
      };
      const results = await ends.draining('request', [
        { ...message(0), kind: 1 },
        { ...message(0), kind: 2 },
      ]);
      const [coded, plain] = results as readonly { code: unknown; message: string }[];
      assert.equal(coded?.code, 11);
      assert.match(coded?.message ?? '', /no such target/);
      assert.equal(plain?.code, undefined);
      assert.match(plain?.message ?? '', /the edge is at fault/);
    });

    test('a request that waits when the thread closes its end is rejected', async (t) => {
      const ends = pair(t);
      ends.answer = () => new Promise(() => undefined);
      assert.match(await ends.draining('requestAndClose', message(0)), /closed/);
    });
  });

  suite(`${name}: cancelled events`, () => {
    test('one whose step has not begun never runs, and counts as finished', async (t) => {
      const ends = pair(t);
      const places = [1, 2, 3].map((id) => ends.send(message(id)));
      assert.equal(ends.edge.cancel(places[1] as EventPlace), true);
      assert.equal((await ends.take()).id, 1);
      await ends.thread('finish');
      assert.equal((await ends.take()).id, 3);
      await ends.until(() => ends.finished === 2, 'the first two are finished');
      await ends.thread('finish');
      await ends.until(() => ends.finished === 3, 'all three are finished');
    });

    test('a large one is skipped with its payload', async (t) => {
      const ends = pair(t);
      const events = [1, 2, 3].map((id) => message(id, pattern(inlineBytes + id, id)));
      const places = events.map((event) => ends.send(event));
      assert.equal(ends.edge.cancel(places[0] as EventPlace), true);
      assert.equal(ends.edge.cancel(places[1] as EventPlace), true);
      assertSame(await ends.take(), events[2] as Message);
      await ends.thread('finish');
      await ends.until(() => ends.finished === 3, 'all three are finished');
    });

    test('when all that wait are cancelled there is none to take', async (t) => {
      const ends = pair(t);
      for (const place of [1, 2, 3].map((id) => ends.send(message(id)))) ends.edge.cancel(place);
      while (!(await ends.thread('ready')));
      assert.equal(await ends.thread('take'), undefined);
      await ends.until(() => ends.finished === 3, 'all three are finished');
      ends.send(message(4));
      assert.equal((await ends.take()).id, 4);
    });

    test('one whose step runs is told so, and the edge too', async (t) => {
      const ends = pair(t);
      const place = ends.send(message(1));
      assert.equal((await ends.take()).cancelled, false);
      assert.equal(await ends.thread('cancelled'), false);
      assert.equal(ends.edge.cancel(place), false, 'its step has begun');
      assert.equal(await ends.thread('cancelled'), true);
      await ends.thread('finish');
      await ends.until(() => ends.finished === 1, 'it is finished');
    });

    for (const [how, most] of [
      ['few', 8],
      ['as many as there is room for', 8192],
    ] as const) {
      test(`cancelled against taken, ${how} at a time: each runs, or is said never to`, async (t) => {
        const ends = pair(t);
        const events = 5000;
        const payload = pattern(8000);
        const never = new Set<number>();
        const echoed = ends.thread('echo', 1_000_000);
        echoed.catch(() => undefined);
        const open: { id: number; place: EventPlace }[] = [];
        let sent = 0;
        let counted = 0;
        let seed = 7;
        const cancelOne = (): void => {
          seed = (seed * 1_103_515_245 + 12_345) >>> 0;
          // The oldest more often than others: its place is the first to be used again.
          const one = open[seed % 2 === 0 ? 0 : seed % open.length];
          if (one !== undefined && ends.edge.cancel(one.place)) never.add(one.id);
        };
        await ends.until(() => {
          open.splice(0, ends.finished - counted);
          counted = ends.finished;
          while (sent < events && open.length < most) {
            const place = ends.edge.send({ ...message(sent), payload });
            if (place === undefined) break;
            open.push({ id: sent, place });
            sent += 1;
            cancelOne();
          }
          return counted === events;
        }, 'all events are finished');
        await ends.until(() => ends.received.length >= events - never.size, 'all that ran are answered');
        const ran = new Set(ends.received.map(({ id }) => id));
        for (let id = 0; id < events; id++) {
          assert.notEqual(
            ran.has(id),
            never.has(id),
            `event ${id} ran: ${ran.has(id)}, never: ${never.has(id)}`,
          );
        }
        assert.ok(ran.size > 0 && never.size > 0, 'one of the two did not happen');
      });
    }
  });

  suite(`${name}: a thread that dies`, () => {
    for (const [how, during] of [
      ['waits', undefined],
      ['spins', 'spin'],
    ] as const) {
      test(`leaves one event begun and the others not, when its step ${how}`, async (t) => {
        const ends = pair(t);
        const events = [1, 2, 3, 4].map((id) => message(id, pattern(id === 4 ? inlineBytes + 1 : 10, id)));
        const [first, second, third, fourth] = events.map((event) => ends.send(event)) as [
          EventPlace,
          EventPlace,
          EventPlace,
          EventPlace,
        ];
        await ends.take();
        await ends.thread('finish');
        assert.equal((await ends.take()).id, 2);
        await ends.thread('send', { ...message(2), times: 1 });
        if (during !== undefined) {
          const spun = ends.thread(during);
          spun.catch(() => undefined);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        await ends.kill();
        await ends.until(() => ends.received.length === 1, 'what it sent before its death has arrived');
        assert.equal(ends.finished, 1);
        assert.notEqual(first, undefined);
        assert.equal(ends.edge.started(second), true);
        assert.equal(ends.edge.started(third), false);
        assert.equal(ends.edge.started(fourth), false);
        assert.equal(ends.edge.cancel(second), false);
        assert.equal(ends.edge.cancel(third), true);
      });
    }

    test('can be drained wherever in its work it is killed', async (t) => {
      for (let round = 0; round < 10; round++) {
        const ends = pair(t);
        const echoed = ends.thread('echo', 1_000_000);
        echoed.catch(() => undefined);
        let sent = 0;
        const fill = (): void => {
          while (
            ends.edge.send(message(sent, pattern(sent % 100 === 0 ? inlineBytes + 1 : sent % 300, sent))) !==
            undefined
          )
            sent += 1;
        };
        await ends.until(() => {
          fill();
          return ends.received.length > 500 + round * 37;
        }, 'the thread is at work');
        await ends.kill();
        ends.drain();
        const left = ends.received.length - ends.finished;
        assert.ok(left === 0 || left === 1, `${left} effects of events that are not finished`);
        for (const [id, effect] of ends.received.entries()) {
          assertSame(effect, message(id, pattern(id % 100 === 0 ? inlineBytes + 1 : id % 300, id)));
        }
      }
    });
  });

  suite(`${name}: the order of counts`, () => {
    test('no event is counted before its effect was handed over, in 20,000 as fast as can be', async (t) => {
      const ends = pair(t);
      const events = 20_000;
      const echoed = ends.thread('echo', events);
      // Now and then the edge takes its time over an effect, so that the thread finishes others meanwhile.
      ends.code = ({ id }) => {
        if (id % 16 === 0) for (const end = performance.now() + 0.05; performance.now() < end;);
        return 0;
      };
      let sent = 0;
      const deadline = performance.now() + patienceMs;
      while (ends.finished < events) {
        for (let burst = 0; burst < 32 && sent < events; burst++) {
          if (ends.edge.send(message(sent)) === undefined) break;
          sent += 1;
        }
        // Many drains in one turn, so that some fall between an effect and its event's end.
        for (let drains = 0; drains < 8; drains++) {
          ends.drain();
          assert.ok(
            ends.received.length >= ends.finished,
            `${ends.finished} counted, ${ends.received.length} effects`,
          );
        }
        assert.ok(performance.now() < deadline, 'it takes for ever');
        if (sent % 320 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await echoed;
      assert.equal(ends.received.length, events);
    });
  });
}
