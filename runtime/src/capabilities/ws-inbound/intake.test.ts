import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { Budget } from '../../edge/budget.ts';
import { Intake, mostPieces } from './intake.ts';

const maxMessage = 10_000;

interface Frame {
  readonly size: number;
  /** Whether it ends a message; undefined for a control frame. */
  readonly fin: boolean | undefined;
}

/** Bytes of a frame on the wire, its mask included. */
function wire({ size }: Frame): number {
  return size + 6 + (size > 65_535 ? 8 : size > 125 ? 2 : 0);
}

/** Reads frames in chunks of these sizes, and calls `look` with what is truly held behind each. */
function read(
  intake: Intake,
  frames: readonly Frame[],
  chunks: readonly number[],
  look: (held: number) => void,
): void {
  const ends: number[] = [];
  let total = 0;
  for (const frame of frames) ends.push((total += wire(frame)));
  let at = 0;
  let next = 0;
  let fragments = 0;
  for (let turn = 0; at < total; turn++) {
    const size = Math.min(total - at, chunks[turn % chunks.length] ?? 1);
    at += size;
    let frame = frames[next];
    for (; frame !== undefined && (ends[next] ?? 0) <= at; frame = frames[next]) {
      next += 1;
      if (frame.fin === undefined) intake.control(frame.size);
      else if (frame.fin) {
        intake.message(fragments + frame.size);
        fragments = 0;
      } else fragments += frame.size;
    }
    assert.ok(intake.chunk(size));
    look(fragments + at - (ends[next - 1] ?? 0));
  }
}

suite('what a connection holds', () => {
  test('is never counted too low, whatever frames come in whatever chunks', () => {
    const frame = fc.record({
      size: fc.oneof(fc.nat(200), fc.nat(3000)),
      fin: fc.constantFrom(true, true, false, undefined),
    });
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 5000 })), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 30 }), sizes, (frames, chunks) => {
        const budget = new Budget(2 ** 30);
        const intake = new Intake(budget, 100_000);
        read(intake, frames, chunks, (held) => assert.ok(budget.used >= held, `${budget.used} for ${held}`));
        intake.clear();
        assert.equal(budget.used, 0);
      }),
    );
  });

  test('is nothing behind messages of one frame, and control frames add nothing', () => {
    const budget = new Budget(2 ** 30);
    const frames = [10, 0, 125].map((size) => ({ size, fin: true }));
    const intake = new Intake(budget, maxMessage);
    read(intake, [...frames, { size: 5, fin: undefined }, ...frames], [1_000_000], () => undefined);
    assert.equal(budget.used, 0);
    for (let count = 0; count < 1000; count++) {
      intake.control(4);
      assert.ok(intake.chunk(10));
    }
    assert.equal(budget.used, 0);
  });

  test('is not more behind a message than came with its end', () => {
    const budget = new Budget(2 ** 30);
    const intake = new Intake(budget, maxMessage);
    const fragments = Array.from({ length: 50 }, () => ({ size: 100, fin: false }));
    read(intake, [...fragments, { size: 1, fin: true }], [13], () => undefined);
    assert.ok(budget.used <= 13, `${budget.used}`);
  });

  test('adds up to a bound for a connection, whatever it does', () => {
    const budget = new Budget(2 ** 30);
    const intake = new Intake(budget, maxMessage);
    // A ping whose bytes come one by one is counted too high each time.
    for (let count = 0; count < 100_000; count++) {
      for (let byte = 0; byte < 5; byte++) assert.ok(intake.chunk(1));
      intake.control(0);
      assert.ok(intake.chunk(1));
    }
    const most = maxMessage + mostPieces(maxMessage) * 256 + 64 * 1024;
    assert.ok(budget.used > maxMessage && budget.used <= most, `${budget.used}`);
  });

  test('is refused when all together hold too much, and given back at the end', () => {
    const budget = new Budget(1000);
    const [one, two] = [new Intake(budget, maxMessage), new Intake(budget, maxMessage)];
    assert.ok(one.chunk(500));
    assert.ok(!two.chunk(500));
    one.clear();
    assert.ok(two.chunk(500));
    two.clear();
    two.clear();
    assert.equal(budget.used, 0);
  });
});
