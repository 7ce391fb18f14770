import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Place, Ring } from './ring.ts';

class Item extends Place {
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

function names(ring: Ring<Item>): string {
  return Array.from(ring, ({ name }) => name).join('');
}

function items(text: string): readonly [Ring<Item>, readonly Item[]] {
  const ring = new Ring<Item>();
  const made = Array.from(text, (name) => new Item(name));
  for (const item of made) ring.add(item);
  return [ring, made];
}

suite('Ring', () => {
  test('keeps the order in which things came', () => {
    const [ring, [a]] = items('abc');
    assert.equal(names(ring), 'abc');
    assert.equal(ring.first, a);
    assert.equal(ring.isEmpty, false);
    const empty = new Ring<Item>();
    assert.equal(empty.first, undefined);
    assert.equal(empty.isEmpty, true);
  });

  test('what leaves is gone, from wherever it was; leaving twice is fine', () => {
    const [ring, made] = items('abcd');
    for (const [index, rest] of [
      [1, 'acd'],
      [0, 'cd'],
      [3, 'c'],
      [3, 'c'],
      [2, ''],
    ] as const) {
      made[index]?.leave();
      assert.equal(names(ring), rest);
    }
    assert.equal(ring.isEmpty, true);
  });

  test('what is added again leaves its place, in whichever ring it was', () => {
    const [ring, [a]] = items('abc');
    assert.ok(a);
    ring.add(a);
    assert.equal(names(ring), 'bca');
    const other = new Ring<Item>();
    other.add(a);
    assert.equal(names(ring), 'bc');
    assert.equal(names(other), 'a');
  });

  test('all of another ring come behind the last, and it is empty then', () => {
    const [ring, [a]] = items('ab');
    const [other, [c, d]] = items('cd');
    ring.addAll(other);
    assert.equal(names(ring), 'abcd');
    assert.equal(names(other), '');
    d?.leave();
    a?.leave();
    assert.equal(names(ring), 'bc');
    ring.addAll(other);
    assert.equal(names(ring), 'bc');
    other.addAll(ring);
    assert.equal(names(other), 'bc');
    c?.leave();
    assert.equal(names(other), 'b');
  });

  test('may be gone through while each leaves', () => {
    const [ring] = items('abc');
    const seen: string[] = [];
    for (const item of ring) {
      seen.push(item.name);
      item.leave();
    }
    assert.deepEqual(seen, ['a', 'b', 'c']);
    assert.equal(ring.isEmpty, true);
  });
});
