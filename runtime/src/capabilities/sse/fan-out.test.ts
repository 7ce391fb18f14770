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
    const fanOut = new FanOut();
    const log: string[] = [];
    fanOut.add(served('a', 3, log));
    assert.deepEqual(log, []);
    await turn();
    assert.deepEqual(log, ['a', 'a', 'a']);
  });

  test('goes on in later turns when there are many, so that others have theirs', async () => {
    const fanOut = new FanOut();
    const log: string[] = [];
    const many = served('a', 400, log, 0.25);
    fanOut.add(many);
    let turns = 0;
    while (many.left > 0) {
      await turn();
      turns += 1;
    }
    assert.ok(turns > 40, `100 ms of work were done in ${turns} turns`);
    assert.equal(log.length, 400);
  });

  test('serves streams by turns', async () => {
    const fanOut = new FanOut();
    const log: string[] = [];
    fanOut.add(served('a', 200, log));
    fanOut.add(served('b', 2, log));
    while (log.length < 202) await turn();
    assert.ok(log.indexOf('b') < 100, 'a stream with many subscribers kept the other waiting');
  });

  test('what is added twice is served once at a time, and can be added again', async () => {
    const fanOut = new FanOut();
    const log: string[] = [];
    const stream = { serveNext: () => log.push('a') === 0 };
    fanOut.add(stream);
    fanOut.add(stream);
    await turn();
    assert.equal(log.length, 1);
    fanOut.add(stream);
    await turn();
    assert.equal(log.length, 2);
  });
});
