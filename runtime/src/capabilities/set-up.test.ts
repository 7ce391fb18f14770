import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { defineCapability } from '../ext.ts';
import { functionsOf } from './functions-of.ts';
import { inTime } from './set-up.ts';

const capability = defineCapability({
  module: import.meta.url,
  name: 'test.set-up',
  imports: { one: { params: ['in'] }, two: { params: ['u32'] } },
  guest: () => ({ functions: { one: () => undefined, two: () => undefined } }),
});

const what = 'its guest end';

const refused = (error: unknown): Promise<never> =>
  inTime(Promise.reject(error), { capability, what, ms: 10_000 });

const one = (): Uint8Array => new Uint8Array(0);

suite('setting up an end of a capability', () => {
  test('gives what it comes to', async () => {
    assert.equal(await inTime(Promise.resolve(5), { capability, what, ms: 10_000 }), 5);
  });

  test('names the capability of one that throws, once', async () => {
    await assert.rejects(refused(new Error('no Redis')), {
      message: 'test.set-up: its guest end could not be set up: no Redis',
    });
    await assert.rejects(refused(new Error('test.set-up: no Redis')), { message: 'test.set-up: no Redis' });
    await assert.rejects(refused('text'), { message: /could not be set up: text$/ });
    await assert.rejects(refused(Object.create(null)), {
      message: /^test\.set-up: .* set up: \[Object: null prototype\] \{\}$/,
    });
  });

  test('ends one that never settles', async () => {
    const never = Promise.withResolvers<never>().promise;
    await assert.rejects(inTime(never, { capability, what, ms: 20 }), {
      message: 'test.set-up: its guest end could not be set up: it was not there after 20 ms',
    });
  });
});

suite('the functions of a guest end', () => {
  test('are those of its imports', () => {
    const functions = { one, two: one };
    assert.deepEqual([...functionsOf(capability, { functions }).keys()], ['one', 'two']);
  });

  test('are refused when one is missing, is none, or belongs to nobody', () => {
    const faults: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
      [{ one }, 'its guest end has no function two'],
      [{ one, two: 2 }, 'its guest end has no function two'],
      [Object.create({ one, two: one }) as Record<string, unknown>, 'its guest end has no function one'],
      [{ one, two: one, fs_read: one }, 'its guest end has a function fs_read, which is none of its imports'],
    ];
    for (const [functions, message] of faults) {
      assert.throws(() => functionsOf(capability, { functions: functions as Record<string, typeof one> }), {
        message: `test.set-up: ${message}`,
      });
    }
    assert.throws(() => functionsOf(capability, undefined), /no function one/);
  });
});
