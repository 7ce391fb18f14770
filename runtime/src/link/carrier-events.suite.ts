import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import type { Message } from './carrier-thread.suite.ts';
import { type EventPlace, inlineBytes } from './link.ts';
import { assertSame, message, Pair, pattern, patienceMs } from './carrier-pair.suite.ts';

/** What becomes of events that are cancelled, or whose thread dies, with any carrier. */
export function carrierEventsSuite(name: string, pair: (t: TestContext) => Pair): void {
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
