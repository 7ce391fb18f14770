import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { hostChannel } from '../link/link.ts';
import { Budget } from './budget.ts';
import { type EndUnderTest, event, mebibyte, plugin, step } from './plugin-under-test.suite.ts';

suite('EdgePlugin: effects', () => {
  test('go to the end of their channel, whose result answers an ask', async (t) => {
    const heard: unknown[] = [];
    const ends: EndUnderTest[] = [
      { effect: (kind, payload, id) => void heard.push([0, kind, Buffer.from(payload).toString(), id]) },
      {
        effect: (kind) => {
          heard.push([1, kind]);
          return 4;
        },
      },
      {},
    ];
    const { attachment, edge, instance, hosted } = await plugin(t, ends);
    const thread = instance();
    thread.send(0, 1, 77, Buffer.from('hello'));
    thread.send(1, 2, 0, new Uint8Array(0));
    thread.send(2, 2, 0, new Uint8Array(0));
    thread.send(99, 2, 0, new Uint8Array(0));
    thread.send(hostChannel, 1, 0, Buffer.from('a state'));
    assert.equal(edge.hasEffects, true);
    edge.drain();
    assert.equal(edge.hasEffects, false);
    assert.deepEqual(heard, [
      [0, 1, 'hello', 77],
      [1, 2],
    ]);
    assert.deepEqual(hosted, [[1, 'a state']]);
    assert.deepEqual(
      [attachment().effect(0, 1, new Uint8Array(0), 0), attachment().effect(1, 1, new Uint8Array(0), 0)],
      [0, 4],
    );
    assert.deepEqual(
      [attachment().effect(2, 1, new Uint8Array(0), 0), attachment().effect(99, 1, new Uint8Array(0), 0)],
      [0, 0],
    );
  });

  test('wait while the end that took one is full, unless all there is has to be taken', async (t) => {
    const heard: number[] = [];
    const [first, other]: [EndUnderTest & { full: boolean }, EndUnderTest] = [
      {
        full: false,
        effect(kind) {
          heard.push(kind);
          this.full = true;
        },
      },
      { effect: (kind) => void heard.push(kind) },
    ];
    const { edge, instance } = await plugin(t, [first, other]);
    const thread = instance();
    for (const kind of [1, 2, 3]) thread.send(0, kind, 0, new Uint8Array(0));
    thread.send(1, 4, 0, new Uint8Array(0));
    const sliceMs = 30_000;
    edge.drain(sliceMs);
    edge.drain(sliceMs);
    assert.deepEqual(heard, [1]);
    first.full = false;
    edge.drain(sliceMs);
    assert.deepEqual(heard, [1, 2]);
    assert.equal(edge.hasEffects, true);
    edge.drain();
    assert.deepEqual(heard, [1, 2, 3, 4]);
  });

  test('an end that throws costs one record: it is logged, and the rest goes on', async (t) => {
    let calls = 0;
    const throws = (): never => {
      calls += 1;
      throw new Error('a bug in the end');
    };
    const ends: EndUnderTest[] = [
      {},
      { effect: throws, attached: throws, ready: throws, closed: throws },
      {},
    ];
    const heard: string[] = [];
    (ends[2] as EndUnderTest).effect = (kind) => void heard.push(`effect ${kind}`);
    (ends[2] as EndUnderTest).attached = () => void heard.push('attached');
    (ends[2] as EndUnderTest).ready = () => void heard.push('ready');
    (ends[2] as EndUnderTest).closed = () => void heard.push('closed');
    const { attachment, ready, edge, port, instance, logs } = await plugin(t, ends);
    const outcomes: string[] = [];
    const thread = instance();
    ready();
    port.push({ ...event(1, []), done: throws });
    port.push(event(2, outcomes));
    thread.send(1, 5, 0, new Uint8Array(0));
    thread.send(2, 6, 0, new Uint8Array(0));
    step(thread);
    edge.drain();
    assert.equal(attachment().effect(1, 5, new Uint8Array(0), 0), 4);
    edge.stopAccepting();
    assert.deepEqual(heard, ['attached', 'ready', 'effect 6', 'closed']);
    assert.deepEqual(outcomes, ['2 done']);
    assert.equal(edge.unfinished, 0);
    assert.equal(calls, 6);
    assert.equal(logs.length, 6);
    const [first] = logs;
    assert.equal(first?.message, 'capability failed');
    assert.equal(first?.fields['plugin'], 'guest');
    assert.equal(first?.fields['capability'], 'test.1');
    assert.match(String(first?.fields['error']), /a bug in the end\n.*at /);
  });

  test('a request is answered by the end of its channel, though nothing was drained before', async (t) => {
    const ends: EndUnderTest[] = [{ request: async (kind, payload) => Uint8Array.of(kind, ...payload) }, {}];
    const { instance } = await plugin(t, ends);
    const thread = instance();
    assert.deepEqual([...(await thread.request(0, 7, Uint8Array.of(1, 2)))], [7, 1, 2]);
    await assert.rejects(thread.request(1, 7, Uint8Array.of(1)), /nobody answers requests here/);
    await assert.rejects(thread.request(9, 7, Uint8Array.of(1)), /nobody answers requests here/);
  });
});

/** Whether a promise has settled by now. */
const settled = async (promise: Promise<void>): Promise<boolean> => {
  let is = false;
  void promise.then(() => {
    is = true;
  });
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  return is;
};

test('an event of a kind that the capability does not have is an error of the end', async (t) => {
  const { port, instance } = await plugin(t, [{}]);
  instance();
  for (const kind of [2, -1, Number.NaN]) {
    assert.throws(() => port.push({ ...event(1, []), kind }), /test\.0 has no event of the kind/);
  }
});

suite('Port.drained', () => {
  test('settles at once when nothing was refused', async (t) => {
    const { port, instance } = await plugin(t, [{}]);
    instance();
    port.push(event(1, []));
    assert.equal(await settled(port.drained()), true);
  });

  for (const [what, size] of [
    ['events', 0],
    ['bytes', mebibyte],
  ] as const) {
    test(`settles when the queue, full of ${what}, has room again`, async (t) => {
      const { edge, port, instance } = await plugin(t, [{}]);
      const thread = instance();
      let id = 0;
      while (port.push(event((id += 1), [], size)));
      const [one, two] = [port.drained(), port.drained()];
      assert.equal(await settled(one), false);
      step(thread, 1);
      edge.drain();
      assert.deepEqual([await settled(one), await settled(two)], [true, true]);
      assert.equal(port.push(event(id, [], size)), true);
      assert.equal(await settled(port.drained()), true);
    });
  }

  test('settles when another plugin gives back what the host had left', async (t) => {
    const budget = new Budget(100);
    const [one, two] = [await plugin(t, [{}], budget), await plugin(t, [{}], budget)];
    const thread = one.instance();
    two.instance();
    one.port.push(event(1, [], 80));
    assert.equal(two.port.push(event(1, [], 80)), false);
    const drained = two.port.drained();
    assert.equal(await settled(drained), false);
    step(thread);
    one.edge.drain();
    assert.equal(await settled(drained), true);
    assert.equal(two.port.push(event(1, [], 80)), true);
  });

  test('settles when the next instance comes', async (t) => {
    const { detach, port, instance } = await plugin(t, [{}]);
    assert.equal(port.push(event(1, [])), false);
    const first = port.drained();
    assert.equal(await settled(first), false);
    instance();
    assert.equal(await settled(first), true);
    detach();
    const second = port.drained();
    assert.equal(await settled(second), false);
    instance();
    assert.equal(await settled(second), true);
  });

  test('does not settle for an end that the instance does not have', async (t) => {
    const { port, instance } = await plugin(t, [{}]);
    instance([]);
    assert.equal(port.push(event(1, [])), false);
    assert.equal(await settled(port.drained()), false);
  });

  test('who pushes again whenever it settles does not keep the edge from its work', async (t) => {
    const { edge, port, instance } = await plugin(t, [{}]);
    const thread = instance();
    let id = 0;
    while (port.push(event((id += 1), [], mebibyte)));
    let tries = 0;
    const pushing = (async () => {
      for (let left = 20; left > 0;) {
        tries += 1;
        if (tries > 1000) throw new Error('it tries and tries');
        if (port.push(event((id += 1), [], mebibyte))) left -= 1;
        else await port.drained();
      }
    })();
    for (let steps = 0; steps < 30; steps++) {
      step(thread, 1);
      edge.drain();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await pushing;
    assert.ok(tries <= 60, `${tries} tries for 20 events`);
  });
});
