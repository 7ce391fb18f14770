import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { Bell } from '../link/bell.ts';
import { linkThreads } from '../link/shared-memory.ts';
import { plugin, type EndUnderTest } from './plugin-under-test.suite.ts';

/** A plugin with an instance, a way to push events, and how often the instance's thread was rung. */
async function announced(t: TestContext) {
  const end: EndUnderTest = {};
  const { edge, attach } = await plugin(t, [end]);
  const bell = new Bell();
  const link = linkThreads({ thread: bell, edge: new Bell() });
  t.after(() => link.edge.close());
  attach(link.edge);
  const ring = t.mock.method(bell, 'ring');
  return {
    edge,
    push: (count: number) => {
      for (let id = 1; id <= count; id++) end.port?.push({ kind: 0, id, payload: new Uint8Array(1) });
    },
    rings: () => ring.mock.callCount(),
  };
}

suite('waking the plugin thread', () => {
  test('a few events are announced together, at the end of the turn', async (t) => {
    const { edge, push, rings } = await announced(t);
    push(3);
    assert.equal(rings(), 0);
    edge.wake();
    assert.equal(rings(), 1);
  });

  test('a turn without new events wakes nobody', async (t) => {
    const { edge, push, rings } = await announced(t);
    push(1);
    edge.wake();
    edge.wake();
    assert.equal(rings(), 1);
  });

  test('many events are announced before the turn ends', async (t) => {
    const { push, rings } = await announced(t);
    push(20);
    assert.equal(rings(), 2);
  });
});
