import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FanOut } from './fan-out.ts';

/** Something that has so many to serve, each of whom takes a while. */
function served(name: string, count: number, log: string[], ms = 0) {
  let left = count;
  return {
    get left() {
      return left;
    },
    serveNext(): boolean {
      const until = performance.now() + ms;
      while (performance.now() < until);
      left -= 1;
      log.push(name);
      return left > 0;
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

suite('FanOut', () => {
  test('serves everybody behind what runs now, and before anything else has its turn', async () => {
    const lane = new FanOut().lane();
    const log: string[] = [];
    lane.add(served('a', 3, log));
    assert.deepEqual(log, []);
    await turn();
    assert.deepEqual(log, ['a', 'a', 'a']);
  });

  test('goes on in later turns when there are many, so that others have theirs', async () => {
    const lane = new FanOut().lane();
    const log: string[] = [];
    const many = served('a', 400, log, 0.25);
    lane.add(many);
    let turns = 0;
    while (many.left > 0) {
      await turn();
      turns += 1;
    }
    assert.ok(turns > 40, `100 ms of work were done in ${turns} turns`);
    assert.equal(log.length, 400);
  });

  test('serves streams by turns', async () => {
    const lane = new FanOut().lane();
    const log: string[] = [];
    lane.add(served('a', 200, log));
    lane.add(served('b', 2, log));
    while (log.length < 202) await turn();
    assert.ok(log.indexOf('b') < 100, 'a stream with many subscribers kept the other waiting');
  });

  test('serves plugins by turns, however many streams one has', async () => {
    const fanOut = new FanOut();
    const [busy, other] = [fanOut.lane(), fanOut.lane()];
    const log: string[] = [];
    for (let stream = 0; stream < 100; stream++) busy.add(served('a', 200, log));
    other.add(served('b', 2, log));
    while (log.length < 20_002) await turn();
    assert.ok(log.indexOf('b') < 100, 'a plugin with many streams kept the other waiting');
  });

  test('what is added twice is served once at a time, and can be added again', async () => {
    const lane = new FanOut().lane();
    const log: string[] = [];
    const stream = { serveNext: () => log.push('a') === 0 };
    lane.add(stream);
    lane.add(stream);
    await turn();
    assert.equal(log.length, 1);
    lane.add(stream);
    await turn();
    assert.equal(log.length, 2);
  });
});
