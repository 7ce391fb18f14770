import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { guestText, pulpImport } from '../guest/guest-text.suite.ts';
import { inlineBytes } from '../link/link.ts';
import { note, noteEvent, notes, ThreadUnderTest } from './thread-harness.suite.ts';

suite('Instance: steps', () => {
  test('an event is a step with its envelope, its kind and its own map', async (t) => {
    const thread = new ThreadUnderTest(t);
    const text = guestText({
      imports: note,
      step: `(local $i i32) ${notes('(local.get $length)')}
        (loop $next
          ${notes('(i32.load8_u (i32.add (local.get $at) (local.get $i)))')}
          (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $length))))
        (i32.const 0)`,
    });
    for (const [eventPayload, header] of [
      ['embedded', []],
      ['bin', [0xc4, 3]],
    ] as const) {
      const instance = await thread.ready(text, { eventPayload });
      instance.event(Uint8Array.of(0x81, 1, 2));
      instance.event(Uint8Array.of(0x81, 3, 4));
      await thread.until(() => instance.finished === 2, 'both steps are over');
      const message = [0x82, ...str('kind'), ...str('probe.event'), ...str('payload'), ...header, 0x81];
      const size = 20 + message.length + 2;
      const steps = [instance.notes.slice(0, size + 1), instance.notes.slice(size + 1)];
      for (const [index, [length, ...bytes]] of steps.entries()) {
        assert.equal(length, size);
        const envelope = new DataView(Uint8Array.from(bytes).buffer);
        assert.equal(envelope.getBigUint64(0, true), BigInt(index));
        const age = Date.now() - Number(envelope.getBigUint64(8, true) / 1_000_000n);
        assert.ok(Math.abs(age) < 60_000, `the wall time is ${age} ms off`);
        assert.equal(envelope.getUint32(16, true), size - 20);
        assert.deepEqual(bytes.slice(20), [...message, 1 + 2 * index, 2 + 2 * index]);
      }
    }
  });

  test('an event is finished after every effect of its step was sent', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(
      guestText({ imports: noteEvent, step: '(call $note_event (i32.const 0))' }),
    );
    const events = 2000;
    let sent = 0;
    await thread.until(() => {
      while (sent < events && sent - instance.finished < 100) {
        instance.event();
        sent += 1;
      }
      instance.drain();
      assert.ok(instance.notes.length >= instance.finished);
      return instance.finished === events;
    }, 'all steps are over');
    assert.deepEqual(
      instance.notes,
      Array.from({ length: events }, (_, index) => index + 1),
    );
  });

  test('events have their turns between ticks that take longer than their interval', async (t) => {
    const thread = new ThreadUnderTest(t);
    const text = guestText({
      imports: `${noteEvent}\n${pulpImport('pause', 'i32')}`,
      // A tick has no payload.
      step: `(if (i32.le_u (local.get $length) (i32.const 20))
          (then (drop (call $pause (i32.const 15))))
          (else (drop (call $note_event (i32.const 0)))))
        (i32.const 0)`,
    });
    const instance = await thread.ready(text, { tickIntervalMs: 5 });
    for (let count = 0; count < 5; count++) instance.event();
    await thread.until(() => instance.finished === 5, 'all events have had their turn');
    assert.deepEqual(instance.notes, [1, 2, 3, 4, 5]);
  });

  test('large events arrive whole', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(
      guestText({
        imports: note,
        memory: '(memory (export "memory") 4)',
        step: `${notes('(local.get $length)')}
          ${notes('(i32.load8_u (i32.sub (i32.add (local.get $at) (local.get $length)) (i32.const 1)))')} (i32.const 0)`,
      }),
    );
    for (const length of [inlineBytes, inlineBytes + 1, 100_000]) {
      const payload = new Uint8Array(length);
      payload[length - 1] = 0x5a;
      const before = instance.finished;
      instance.event(payload);
      await thread.until(() => instance.finished > before, 'the step is over');
      assert.deepEqual(instance.notes.splice(0), [20 + 26 + length, 0x5a]);
    }
  });

  test('a step knows its event, a tick has none, and it is told live that its event is cancelled', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(
      guestText({
        imports: noteEvent + pulpImport('pause', 'i32'),
        step: '(drop (call $note_event (i32.const 0))) (drop (call $pause (i32.const 20))) (call $note_event (i32.const 0))',
      }),
      { tickIntervalMs: 200 },
    );
    const place = instance.event();
    await thread.until(() => instance.notes.includes(1), 'the step has begun');
    assert.equal(instance.edge.cancel(place), false);
    await thread.until(() => instance.notes.includes(2 ** 31 + 1), 'the step knows');
    await thread.until(() => instance.notes.includes(0), 'a tick has come');
  });

  test('the first step is a heartbeat, the next ones are not', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(guestText({}));
    for (let event = 0; event < 20; event++) instance.event();
    await thread.until(() => instance.finished === 20, 'all are finished');
    const beats = instance.logs.filter(({ message }) => message === 'step heartbeat');
    assert.deepEqual(
      beats.map(({ fields }) => fields),
      [{ plugin: 'guest', call_number: 0 }],
    );
  });

  test('what a step returns is a debug line, and no line when nobody reads those', async (t) => {
    for (const debug of [true, false]) {
      const thread = new ThreadUnderTest(t);
      const instance = await thread.ready(guestText({ step: '(i32.const -5)' }), { debug });
      instance.event();
      await thread.until(() => instance.finished === 1, 'the step is over');
      assert.deepEqual(
        instance.log('step returned a handle')?.fields,
        debug ? { plugin: 'guest', handle: -5 } : undefined,
      );
    }
  });
});

function str(text: string): number[] {
  return [0xa0 | text.length, ...Buffer.from(text)];
}
