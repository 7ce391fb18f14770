import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import type { Message } from './carrier-thread.suite.ts';
import { inlineBytes } from './link.ts';
import { assertSame, type CarrierEnds, message, Pair, pattern, patienceMs } from './carrier-pair.suite.ts';
import { carrierEventsSuite } from './carrier-events.suite.ts';

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

  suite(`${name}: a drain in slices`, () => {
    test('leaves the rest for the next one, and counts no event before its last effect is handed over', async (t) => {
      const ends = pair(t);
      ends.send(message(7));
      await ends.take();
      await ends.thread('send', { ...message(1), times: 5 });
      await ends.thread('finish');
      const seen: (readonly [ready: boolean, effects: number, finished: number])[] = [];
      while (ends.edge.ready) {
        const finished = ends.edge.drain(ends, 0);
        seen.push([ends.edge.ready, ends.received.length, finished]);
      }
      assert.deepEqual(seen, [
        [true, 1, 0],
        [true, 2, 0],
        [true, 3, 0],
        [true, 4, 0],
        [false, 5, 1],
      ]);
    });

    test('counts what is finished though the plugin sends faster than it takes', async (t) => {
      const ends = pair(t);
      ends.send(message(7));
      await ends.take();
      await ends.thread('finish');
      const flooded = ends.thread('flood');
      flooded.catch(() => undefined);
      const deadline = performance.now() + patienceMs;
      while (ends.edge.drain(ends, 0) === 0) {
        assert.ok(performance.now() < deadline, 'the event is never counted');
        ends.received.length = 0;
      }
    });

    test('without a slice takes all that had arrived, what a slice has left among it', async (t) => {
      const ends = pair(t);
      await ends.thread('send', { ...message(1), times: 2 });
      ends.edge.drain(ends, 0);
      await ends.thread('send', { ...message(3), times: 2 });
      ends.drain();
      assert.deepEqual(
        ends.received.map(({ id }) => id),
        [1, 2, 3, 4],
      );
      assert.equal(ends.edge.ready, false);
    });

    test('gives no room where events were that are not counted yet', async (t) => {
      const ends = pair(t);
      let sent = 0;
      while (ends.edge.send(message(sent, pattern(1000, sent))) !== undefined) sent += 1;
      // All answers have room.
      await ends.thread('echo', sent);
      assert.equal(ends.edge.drain(ends, 0), 0);
      assert.equal(ends.edge.send(message(sent)), undefined);
      ends.drain();
      assert.equal(ends.finished, sent);
      ends.send(message(sent));
    });
  });

  suite(`${name}: a receiver`, () => {
    test('that drains in the middle of a drain gets nothing twice, and no event counted too early', async (t) => {
      const ends = pair(t);
      const within: number[] = [];
      ends.code = () => {
        assert.ok(ends.received.length <= 3, 'an effect is handed over again');
        within.push(ends.edge.drain(ends));
        return 0;
      };
      ends.send(message(7));
      await ends.take();
      await ends.thread('send', { ...message(1), times: 3 });
      await ends.thread('finish');
      await ends.until(() => ends.finished === 1, 'the event is finished');
      assert.deepEqual(
        ends.received.map(({ id }) => id),
        [1, 2, 3],
      );
      assert.deepEqual(within, [0, 0, 0]);
    });

    test('that throws is given the same effect by the next drain', async (t) => {
      const ends = pair(t);
      await ends.thread('send', { ...message(1), times: 2 });
      ends.code = () => {
        throw new Error('not now');
      };
      assert.throws(() => ends.drain(), /not now/);
      ends.code = () => 0;
      await ends.until(() => ends.received.length >= 3, 'both have come');
      assert.deepEqual(
        ends.received.map(({ id }) => id),
        [1, 1, 2],
      );
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
      const requests = [1, 2, 3].map((kind) => ({ channel: 0, kind, id: 0, payload: pattern(8) }));
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

    test('a request whose answer is none, or whose error has no text, is rejected like any other', async (t) => {
      const ends = pair(t);
      const answers: readonly unknown[] = [undefined, 'text', () => 1];
      ends.answer = ({ kind }) =>
        kind === 3 ? Promise.reject(undefined) : Promise.resolve(answers[kind] as Uint8Array);
      const results = await ends.draining(
        'request',
        [0, 1, 2, 3].map((kind) => ({ channel: 0, kind, id: 0, payload: pattern(8) })),
      );
      assert.deepEqual(
        (results as readonly { message: string }[]).map((result) => result.message),
        [...Array<string>(3).fill('a request was not answered with bytes'), 'undefined'],
      );
    });

    test('a request that waits when the thread closes its end is rejected', async (t) => {
      const ends = pair(t);
      ends.answer = () => new Promise(() => undefined);
      assert.match(await ends.draining('requestAndClose', message(0)), /closed/);
    });
  });

  carrierEventsSuite(name, pair);
}
