/** What a plugin thread does over time: its ticks, and what it costs while it has nothing to do. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { forever, guestText, pulpImport } from '../guest/guest-text.suite.ts';
import { patienceMs, ThreadUnderTest } from './thread-harness.suite.ts';

const intervalMs = 10;

const clock = `${pulpImport('note', 'i32')}
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))`;

/** `$now`: the monotonic clock in microseconds. Uses the memory from 256 to 264. */
const now = `(func $now (result i32)
  (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 256)))
  (i32.wrap_i64 (i64.div_u (i64.load (i32.const 256)) (i64.const 1000))))`;

const isTick = '(i32.eqz (i32.load offset=16 (local.get $at)))';

/** A guest that notes the time of each tick, and runs `event` for an event. */
function ticking(event = ''): string {
  return guestText({
    imports: clock,
    fields: now,
    step: `(local $end i32) (if ${isTick} (then (drop (call $note (call $now)))) (else ${event})) (i32.const 0)`,
  });
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const note = (value: number): string => `(drop (call $note (i32.const ${value})))`;

suite('ticks', () => {
  test('come at their interval, and never faster', async (t) => {
    const thread = new ThreadUnderTest(t);
    const start = performance.now();
    const instance = await thread.ready(ticking(), { tickIntervalMs: intervalMs });
    const ready = performance.now();
    await thread.until(() => performance.now() - ready > 1500, 'time passes');
    const { length } = instance.notes;
    const end = performance.now();
    assert.ok(length <= (end - start) / intervalMs + 1, `${length} ticks in ${end - start} ms`);
    // On a machine that has other things to do half of them may be late.
    assert.ok(length >= (end - ready) / intervalMs / 4, `${length} ticks in ${end - ready} ms`);
  });

  test('that a long step has kept from happening are not made up for', async (t) => {
    const thread = new ThreadUnderTest(t);
    const busy = `(local.set $end (i32.add (call $now) (i32.const 400_000)))
      (loop $again (br_if $again (i32.lt_s (i32.sub (call $now) (local.get $end)) (i32.const 0))))`;
    const instance = await thread.ready(ticking(busy), { tickIntervalMs: intervalMs });
    await thread.until(() => instance.notes.length >= 5, 'ticks have come');
    instance.event();
    await thread.until(() => instance.finished === 1, 'the long step is over');
    const before = instance.notes.length;
    await thread.until(() => instance.notes.length >= before + 20, 'ticks come again');
    // Of three in a row two may be close together when one is late. Forty at once would be 38 such threes.
    const { notes } = instance;
    const close = notes.filter(
      (time, index) => index > 1 && time - (notes[index - 2] ?? 0) < (intervalMs * 1000) / 2,
    );
    assert.ok(close.length <= 3, `${close.length} of ${notes.length} ticks came at once`);
  });

  test('of several guests come at the same moments, so that fewer of them wake anybody', async (t) => {
    const thread = new ThreadUnderTest(t);
    const first = await thread.ready(ticking(), { tickIntervalMs: 50 });
    const others = [];
    // They begin at moments of their own.
    for (let count = 0; count < 4; count++) {
      await wait(11);
      others.push(await thread.ready(ticking(), { tickIntervalMs: 50 }));
    }
    const all = [first, ...others];
    const before = all.map(({ notes }) => notes.length);
    await thread.until(
      () => all.every(({ notes }, at) => notes.length >= (before[at] ?? 0) + 20),
      'ticks come',
    );
    for (const { notes } of others) {
      const close = notes.filter((time) => first.notes.some((other) => Math.abs(other - time) < 5000));
      // Some are late on a machine that has other things to do.
      assert.ok(
        close.length > notes.length / 2,
        `${close.length} of ${notes.length} ticks come with the first's`,
      );
    }
  });

  test('do not come with an interval of 0', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(ticking(), { tickIntervalMs: 0 });
    await wait(200);
    instance.drain();
    assert.deepEqual(instance.notes, []);
  });

  test('go on while events wait all the time', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(ticking(), { tickIntervalMs: intervalMs });
    const start = performance.now();
    let sent = 0;
    let never = 0;
    await thread.until(() => {
      if (sent > 0 && sent === instance.finished) never += 1;
      while (sent - instance.finished < 1000) {
        instance.event();
        sent += 1;
      }
      return performance.now() - start > 1000;
    }, 'time passes');
    const { length } = instance.notes;
    const passed = performance.now() - start;
    assert.ok(instance.finished > 100);
    assert.ok(
      length >= passed / intervalMs / 5,
      `${length} ticks in ${passed} ms, ${never} times without events`,
    );
  });

  test('do not come in the middle of a step that waits, and go on behind it', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(
      guestText({
        imports: pulpImport('note', 'i32') + pulpImport('pause', 'i32'),
        step: `(if ${isTick} (then ${note(0)})
          (else ${note(1)} (drop (call $pause (i32.const 200))) ${note(2)})) (i32.const 0)`,
      }),
      { tickIntervalMs: intervalMs },
    );
    await thread.until(() => instance.notes.length >= 3, 'ticks have come');
    instance.event();
    await thread.until(() => instance.notes.includes(2), 'the step is over');
    assert.equal(instance.notes.indexOf(2), instance.notes.indexOf(1) + 1, instance.notes.join(' '));
    const { length } = instance.notes;
    await thread.until(() => instance.notes.length > length, 'ticks come again');
  });
});

/** The part of one processor that this process uses while the thread is left alone. */
async function load(ms: number): Promise<number> {
  const before = process.cpuUsage();
  const start = performance.now();
  await wait(ms);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / (performance.now() - start);
}

/** The least of a few measurements: what else the process does comes and goes. */
async function leastLoad(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let measurement = 0; measurement < 4; measurement++) least = Math.min(least, await load(250));
  return least;
}

suite('a thread with nothing to do', () => {
  for (const [what, text, tickIntervalMs] of [
    ['sleeps', guestText({}), 0],
    ['sleeps between ticks', ticking(), intervalMs],
    [
      'sleeps while its guest waits',
      guestText({ imports: pulpImport('pause', 'i32'), step: '(call $pause (i32.const 60_000))' }),
      0,
    ],
    [
      'sleeps while a capability holds its event loop',
      guestText({ imports: pulpImport('hold', 'i32'), step: '(call $hold (i32.const 0))' }),
      0,
    ],
  ] as const) {
    test(what, async (t) => {
      const thread = new ThreadUnderTest(t);
      const instance = await thread.ready(text, { tickIntervalMs });
      const place = instance.event();
      await thread.until(() => instance.finished === 1 || instance.edge.started(place), 'the step has begun');
      const least = await leastLoad();
      assert.ok(least < 0.2, `it uses ${least} of a processor`);
    });
  }

  test('is told apart from one that loops', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(guestText({ step: forever }));
    const place = instance.event();
    await thread.until(() => instance.edge.started(place), 'the step has begun');
    let most = 0;
    for (let measurement = 0; measurement < 20 && most < 0.2; measurement++)
      most = Math.max(most, await load(250));
    assert.ok(most >= 0.2, `it uses ${most} of a processor at most`);
  });

  test('lives on when all it waits for is a capability', async (t) => {
    const thread = new ThreadUnderTest(t);
    const instance = await thread.ready(
      guestText({ imports: pulpImport('hold', 'i32'), step: '(call $hold (i32.const 0))' }),
    );
    instance.event();
    await thread.until(() => instance.finished === 1, 'the step is over');
    await wait(100);
    assert.deepEqual(thread.died, []);
    instance.event();
    await thread.until(() => instance.finished === 2, `the next step is over, within ${patienceMs} ms`);
  });
});
