import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Fifo } from './fifo.ts';

suite('Fifo', () => {
  test('gives items in the order they were added, and undefined when there are none', () => {
    const fifo = new Fifo<number>();
    assert.equal(fifo.shift(), undefined);
    fifo.push(1);
    fifo.push(2);
    assert.deepEqual([fifo.shift(), fifo.shift(), fifo.shift()], [1, 2, undefined]);
    fifo.push(3);
    assert.deepEqual([fifo.length, fifo.shift(), fifo.length], [1, 3, 0]);
  });

  test('keeps order, length and places over any mixture of adding and taking', () => {
    const fifo = new Fifo<number>();
    const model: number[] = [];
    let seed = 1;
    for (let index = 0; index < 20_000; index++) {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      // It grows to some thousands, shrinks to nothing, and so on.
      const adding = (index >> 12) % 2 === 0 ? 3 : 1;
      if ((seed >>> 16) % 4 < adding) {
        fifo.push(index);
        model.push(index);
      } else {
        assert.equal(fifo.shift(), model.shift());
      }
      assert.equal(fifo.length, model.length);
      const place = (seed >>> 8) % (model.length + 2);
      assert.equal(fifo.at(place), model[place]);
    }
    assert.ok(model.length > 0);
    assert.deepEqual([...fifo], model);
  });

  test('lets go of what was taken', () => {
    const fifo = new Fifo<number>();
    for (let index = 0; index < 5000; index++) fifo.push(index);
    for (let index = 0; index < 3000; index++) fifo.shift();
    assert.deepEqual([...fifo].slice(0, 2), [3000, 3001]);
    assert.equal(fifo.at(1999), 4999);
    assert.equal(fifo.at(2000), undefined);
  });
});
