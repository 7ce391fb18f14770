import { suite, test } from 'node:test';
import assert from 'node:assert/strict';
import { testWasi } from '../../../../test/support/wasi.ts';

const input = 1024;
const output = 32_768;
const stored = 16;
const ms = 1_000_000n;

interface Clock {
  readonly id?: number;
  readonly timeout: bigint;
  readonly flags?: number;
}

/** Writes a subscription to a clock; its userdata is 100 and its index. */
function clock(view: DataView, index: number, { id = 1, timeout, flags = 0 }: Clock): void {
  const at = input + index * 48;
  view.setBigUint64(at, BigInt(100 + index), true);
  view.setUint8(at + 8, 0);
  view.setUint32(at + 16, id, true);
  view.setBigUint64(at + 24, timeout, true);
  view.setUint16(at + 40, flags, true);
}

function descriptor(view: DataView, index: number, tag: number, fd: number): void {
  const at = input + index * 48;
  view.setBigUint64(at, BigInt(100 + index), true);
  view.setUint8(at + 8, tag);
  view.setUint32(at + 16, fd, true);
}

function events(view: DataView) {
  return Array.from({ length: view.getUint32(stored, true) }, (_, index) => {
    const at = output + index * 32;
    return {
      subscription: Number(view.getBigUint64(at, true)) - 100,
      error: view.getUint16(at + 8, true),
      kind: view.getUint8(at + 10),
      flags: view.getUint16(at + 24, true),
    };
  });
}

const due = (subscription: number) => ({ subscription, error: 0, kind: 0, flags: 0 });

suite('poll_oneoff', () => {
  test('a time to come is slept through, and then reported', async () => {
    const { poll, view, sleeps } = testWasi();
    clock(view(), 0, { timeout: 20n * ms });
    const result = poll(input, output, 1, stored);
    assert.ok(result instanceof Promise);
    assert.equal(await result, 0);
    assert.deepEqual(sleeps, [20]);
    assert.deepEqual(events(view()), [due(0)]);
  });

  test('nothing is waited for when the time is now or past', () => {
    const { poll, view, sleeps, clock: now } = testWasi();
    clock(view(), 0, { timeout: 0n });
    clock(view(), 1, { timeout: now.monotonic - 1n, flags: 1 });
    clock(view(), 2, { id: 0, timeout: 1n, flags: 1 });
    clock(view(), 3, { timeout: 5n * ms });
    assert.equal(poll(input, output, 4, stored), 0);
    assert.deepEqual(events(view()), [due(0), due(1), due(2)]);
    assert.deepEqual(sleeps, []);
  });

  test('times may be absolute, on either clock', async () => {
    const { poll, view, sleeps, clock: now } = testWasi();
    clock(view(), 0, { timeout: now.monotonic + 30n * ms, flags: 1 });
    assert.equal(await poll(input, output, 1, stored), 0);
    clock(view(), 0, { id: 0, timeout: BigInt(now.wall + 40) * ms, flags: 1 });
    assert.equal(await poll(input, output, 1, stored), 0);
    clock(view(), 0, { id: 0, timeout: 50n * ms });
    assert.equal(await poll(input, output, 1, stored), 0);
    assert.deepEqual(sleeps, [30, 40, 50]);
  });

  test('of several the earliest wins, and all that are due by then are reported', async () => {
    const { poll, view, sleeps } = testWasi();
    clock(view(), 0, { timeout: 90n * ms });
    clock(view(), 1, { timeout: 10n * ms });
    clock(view(), 2, { id: 0, timeout: 10n * ms });
    assert.equal(await poll(input, output, 3, stored), 0);
    assert.deepEqual(sleeps, [10]);
    assert.deepEqual(events(view()), [due(1), due(2)]);
  });

  test('a sleep that ends early is gone on with', async () => {
    const { poll, view, behaviour, pass, sleeps } = testWasi();
    behaviour.sleep = async (length) => {
      sleeps.push(length);
      pass(Math.min(length, 4));
    };
    clock(view(), 0, { timeout: 10n * ms });
    assert.equal(await poll(input, output, 1, stored), 0);
    assert.deepEqual(sleeps, [10, 6, 2]);
  });

  test('a part of a millisecond is slept as a whole one', async () => {
    const { poll, view, sleeps } = testWasi();
    clock(view(), 0, { timeout: 1n });
    assert.equal(await poll(input, output, 1, stored), 0);
    clock(view(), 0, { timeout: ms + ms / 2n });
    assert.equal(await poll(input, output, 1, stored), 0);
    assert.deepEqual(sleeps, [1, 2]);
  });

  test('sleeps beyond what a timer takes come in parts', async () => {
    const { poll, view, sleeps } = testWasi();
    const longest = 2 ** 31 - 1;
    clock(view(), 0, { timeout: BigInt(longest) * ms * 2n + 5n * ms });
    assert.equal(await poll(input, output, 1, stored), 0);
    assert.deepEqual(sleeps, [longest, longest, 5]);
  });

  test('a time that no clock reaches does not wrap around', async () => {
    const { poll, view, behaviour } = testWasi();
    behaviour.sleep = () => Promise.reject(new Error('torn down'));
    clock(view(), 0, { timeout: 2n ** 64n - 1n });
    await assert.rejects(Promise.resolve(poll(input, output, 1, stored)), /torn down/);
  });

  test('a sleep that is rejected goes through to the guest', async () => {
    const { poll, view, behaviour } = testWasi();
    behaviour.sleep = () => Promise.reject(new Error('torn down'));
    clock(view(), 0, { timeout: ms });
    await assert.rejects(Promise.resolve(poll(input, output, 1, stored)), /torn down/);
  });

  test('a memory that grows meanwhile is written where it then is', async () => {
    const { poll, view, behaviour, pass, memory } = testWasi();
    behaviour.sleep = async (length) => {
      memory.grow(1);
      pass(length);
    };
    clock(view(), 0, { timeout: ms });
    assert.equal(await poll(input, output, 1, stored), 0);
    assert.deepEqual(events(view()), [due(0)]);
  });

  test('streams are ready at once, input with a hangup, so that a clock beside them is not waited for', () => {
    const { poll, view, sleeps } = testWasi();
    descriptor(view(), 0, 1, 0);
    descriptor(view(), 1, 2, 1);
    descriptor(view(), 2, 2, 2);
    clock(view(), 3, { timeout: 10n * ms });
    clock(view(), 4, { timeout: 0n });
    assert.equal(poll(input, output, 5, stored), 0);
    assert.deepEqual(events(view()), [
      { subscription: 0, error: 0, kind: 1, flags: 1 },
      { subscription: 1, error: 0, kind: 2, flags: 0 },
      { subscription: 2, error: 0, kind: 2, flags: 0 },
      due(4),
    ]);
    assert.deepEqual(sleeps, []);
  });

  test('what is wrong with one subscription is reported as its event', () => {
    const { poll, view } = testWasi();
    descriptor(view(), 0, 1, 3);
    descriptor(view(), 1, 2, 0);
    clock(view(), 2, { id: 7, timeout: 10n * ms });
    clock(view(), 3, { id: 1, timeout: 10n * ms, flags: 2 });
    clock(view(), 4, { id: 2, timeout: 10n * ms });
    assert.equal(poll(input, output, 5, stored), 0);
    assert.deepEqual(
      events(view()).map(({ error }) => error),
      [8, 76, 28, 28, 58],
    );
  });

  test('no subscriptions, far too many and unknown kinds are EINVAL', () => {
    const { poll, view, memory } = testWasi();
    assert.equal(poll(input, output, 0, stored), 28);
    memory.grow(20);
    assert.equal(poll(input, output, 4097, stored), 28);
    assert.equal(poll(input, output, -1, stored), 28);
    descriptor(view(), 0, 3, 0);
    assert.equal(poll(input, output, 1, stored), 28);
  });

  test('ranges outside memory are EFAULT', () => {
    const { poll, view } = testWasi();
    clock(view(), 0, { timeout: 0n });
    assert.equal(poll(65_536 - 47, output, 1, stored), 21);
    assert.equal(poll(input, 65_536 - 31, 1, stored), 21);
    assert.equal(poll(input, output, 1, 65_533), 21);
    assert.equal(poll(input, output, 2000, stored), 21);
    assert.equal(poll(-1, output, 1, stored), 21);
  });
});
