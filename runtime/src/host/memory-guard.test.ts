import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { silent } from '../../../test/support/guest-context.ts';
import { defaultMaxMemory, type Guarded, MemoryGuard } from './memory-guard.ts';

class FakePlugin implements Guarded {
  readonly name: string;
  memory: number;
  refused = false;
  broken: string[] = [];

  constructor(name: string, memory: number) {
    this.name = name;
    this.memory = memory;
  }

  refuseForMemory(refuse: boolean): void {
    this.refused = refuse;
  }

  breakOff(reason: string): void {
    this.broken.push(reason);
    this.memory = 1;
  }
}

function guarded(limit: number, ...memories: readonly number[]) {
  const plugins = memories.map((memory, index) => new FakePlugin(`p${index}`, memory));
  const logged: string[] = [];
  const log = { ...silent, error: (message: string) => void logged.push(message) };
  return { plugins, logged, guard: new MemoryGuard(limit, { plugins: () => plugins, log }) };
}

suite('MemoryGuard', () => {
  test('below the limit nobody is refused', () => {
    const { guard, plugins, logged } = guarded(100, 60, 39);
    guard.look(0);
    assert.equal(guard.used, 99);
    assert.deepEqual([plugins.map(({ refused }) => refused), logged], [[false, false], []]);
  });

  test('at the limit those above an equal share are refused, said once, until there is room', () => {
    const { guard, plugins, logged } = guarded(90, 60, 10, 30);
    for (const now of [0, 100, 200]) guard.look(now);
    assert.deepEqual(
      plugins.map(({ refused }) => refused),
      [true, false, true],
    );
    assert.deepEqual(logged, ['plugin over memory', 'plugin over memory']);
    for (const plugin of plugins) plugin.memory = 10;
    guard.look(300);
    assert.ok(plugins.every(({ refused }) => !refused));
  });

  test('when it lasts, the one that has the most is started afresh, and the others live on', () => {
    const { guard, plugins } = guarded(90, 40, 50);
    for (let now = 0; now < 5000; now += 250) guard.look(now);
    assert.deepEqual(
      plugins.map(({ broken }) => broken.length),
      [0, 0],
    );
    guard.look(5000);
    assert.deepEqual(
      plugins.map(({ broken }) => broken.length),
      [0, 1],
    );
    assert.match(plugins[1]?.broken[0] ?? '', /it has the most: 50 bytes/);
    guard.look(5250);
    assert.ok(plugins.every(({ refused }) => !refused));
  });

  test('far above the limit, at once', () => {
    const { guard, plugins } = guarded(80, 40, 49);
    guard.look(0);
    assert.deepEqual(
      plugins.map(({ broken }) => broken.length),
      [0, 0],
    );
    const more = guarded(80, 40, 50);
    more.guard.look(0);
    assert.deepEqual(
      more.plugins.map(({ broken }) => broken.length),
      [0, 1],
    );
  });

  test('it looks more often where there is little left', () => {
    const { guard, plugins } = guarded(100, 40, 34);
    assert.equal(guard.look(0), 250);
    for (const plugin of plugins) plugin.memory = 40;
    assert.equal(guard.look(250), 50);
  });

  test('the default is a part of what there is', () => {
    assert.ok(defaultMaxMemory() > 0);
    assert.ok(defaultMaxMemory() < 2 ** 50);
  });
});
