import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { defineCapability } from '../ext.ts';
import { type EndUnderTest, event, plugin, step } from './plugin-under-test.suite.ts';

suite('EdgePlugin: an instance beside the one that serves', () => {
  test('gets no events before it is ready, and then all that the other had not begun with', async (t) => {
    const outcomes: string[] = [];
    const again: number[] = [];
    const end: EndUnderTest = {
      resend() {
        for (const id of again.splice(0)) end.port?.push(event(id, outcomes));
      },
    };
    const { edge, port, instance, attachment, ready } = await plugin(t, [end]);
    const old = instance();
    const first = attachment();
    ready();
    for (const id of [1, 2, 3]) {
      const one = event(id, outcomes);
      port.push({
        ...one,
        done: (outcome) => {
          one.done?.(outcome);
          if (outcome === 'undelivered') again.push(id);
        },
      });
    }
    old.take();
    const next = instance();
    assert.deepEqual(step(next), [], 'it is not ready');
    ready();
    assert.deepEqual(outcomes, ['2 undelivered', '3 undelivered']);
    port.push(event(4, outcomes));
    assert.deepEqual(step(next), [2, 3, 4]);
    old.finish();
    assert.deepEqual(step(old), [], 'what was taken back is passed over');
    edge.drain();
    assert.deepEqual(outcomes.slice(2).toSorted(), ['1 done', '2 done', '3 done', '4 done']);
    assert.deepEqual([edge.unfinished, first.unfinished], [0, 0]);
    edge.detach(first);
    port.push(event(5, outcomes));
    assert.deepEqual(step(next), [5]);
  });

  test('hears in this order what it has to', async (t) => {
    const heard: string[] = [];
    const note =
      (what: string) =>
      (number?: number): void =>
        void heard.push(`${what}${number ?? ''}`);
    const end: EndUnderTest = {
      attached: note('attached '),
      entered: note('entered '),
      resend: note('resend'),
      ready: note('ready '),
      detached: note('detached '),
    };
    const { edge, instance, attachment, ready } = await plugin(t, [end]);
    instance();
    const first = attachment();
    ready();
    instance();
    ready();
    edge.detach(first);
    assert.deepEqual(heard, [
      'attached 1',
      'entered 1',
      'resend',
      'ready 1',
      'attached 2',
      'entered 2',
      'resend',
      'ready 2',
      'detached 1',
    ]);
  });

  test('leaves everything as it was when it ends before it is ready', async (t) => {
    const outcomes: string[] = [];
    const { edge, port, instance, detach, ready } = await plugin(t, [{}]);
    const old = instance();
    ready();
    instance();
    port.push(event(1, outcomes));
    detach();
    assert.equal(port.up, true);
    assert.deepEqual(step(old), [1]);
    edge.drain();
    assert.deepEqual(outcomes, ['1 done']);
  });

  test('takes over also from one that has broken meanwhile', async (t) => {
    const { edge, port, instance, attachment, ready } = await plugin(t, [{}]);
    instance();
    const first = attachment();
    ready();
    const next = instance();
    edge.detach(first);
    assert.equal(port.up, false);
    ready();
    assert.equal(port.push(event(1, [])), true);
    assert.deepEqual(step(next), [1]);
  });

  test('the one before it is heard for as long as its step lasts, and no longer', async (t) => {
    const heard: string[] = [];
    const end: EndUnderTest = {
      effect: (kind, _payload, _id, from) => void heard.push(`${kind} of ${from}`),
    };
    const { edge, port, instance, ready } = await plugin(t, [end]);
    const old = instance();
    ready();
    port.push(event(1, []));
    old.take();
    const next = instance();
    ready();
    old.send(0, 7, 0, new Uint8Array(1));
    old.finish();
    edge.drain();
    old.send(0, 8, 0, new Uint8Array(1));
    next.send(0, 9, 0, new Uint8Array(1));
    edge.drain();
    assert.deepEqual(heard, ['7 of 1', '9 of 2']);
  });

  test('an event that is pushed again can be cancelled where it is now', async (t) => {
    const one = event(1, []);
    const end: EndUnderTest = { resend: () => void end.port?.push(one) };
    const { edge, port, instance, ready } = await plugin(t, [end]);
    const old = instance();
    ready();
    step(old);
    edge.drain();
    const next = instance();
    ready();
    step(old);
    edge.drain();
    port.cancel(one);
    assert.deepEqual(step(next), []);
  });
});

suite('EdgePlugin.slots', () => {
  test('a capability whose options are the same keeps its end, another gets a new one', async (t) => {
    const closed: string[] = [];
    const ends: EndUnderTest[] = [0, 1].map((index) => ({ closed: () => void closed.push(`end ${index}`) }));
    const { edge, instance, ready, capabilities } = await plugin(t, ends);
    instance();
    ready();
    const before = await edge.slots(capabilities, new Map([['test.0', { colour: 'blue' }]]));
    const after = await edge.slots(capabilities, new Map([['test.0', { colour: 'red' }]]));
    assert.notEqual(before[0], after[0]);
    assert.equal(before[1], after[1]);
    assert.deepEqual(after[0]?.options, { colour: 'red' });
    instance(after);
    assert.deepEqual(closed, []);
    ready();
    assert.deepEqual(closed, ['end 0']);
  });

  test('an end that cannot be made is an error that names its capability', async (t) => {
    const { edge } = await plugin(t, [{}]);
    // The edge end of this one finds no plugin end for it.
    const other = defineCapability({ module: import.meta.url, name: 'test.other', imports: {} });
    await assert.rejects(edge.slots([other], new Map()), {
      message: /^test\.other: its plugin end could not be set up: /,
    });
  });

  test('an end that throws what has no text costs a line of the log', async (t) => {
    const thrower: EndUnderTest = {
      attached: () => {
        throw Object.create(null);
      },
    };
    const { instance, logs } = await plugin(t, [thrower]);
    instance();
    const [line] = logs;
    assert.equal(line?.message, 'capability failed');
    assert.equal(line?.fields['error'], '[Object: null prototype] {}');
  });

  test('a capability that is gone takes no events, and its end is closed', async (t) => {
    let closed = 0;
    const ends: EndUnderTest[] = [{}, { closed: () => void (closed += 1) }];
    const { edge, instance, ready, capabilities } = await plugin(t, ends);
    instance();
    ready();
    assert.equal(ends[1]?.port?.push(event(1, [])), true);
    instance(await edge.slots(capabilities.slice(0, 1), new Map([['test.0', { colour: 'blue' }]])));
    ready();
    assert.equal(closed, 1);
    assert.deepEqual([ends[1]?.port?.up, ends[1]?.port?.push(event(2, []))], [false, false]);
    assert.equal(ends[0]?.port?.up, true);
  });
});
