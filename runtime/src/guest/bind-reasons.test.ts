import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Failure } from '../ext.ts';
import { bound, type HostImport } from './bound-guest.suite.ts';
import { caller, i32s } from './host-caller.suite.ts';

/** What the log has for a call whose function throws this. */
async function logged(error: unknown) {
  const host: HostImport = {
    params: ['in'],
    fn: () => {
      throw error;
    },
  };
  const { call, logs } = await bound(caller(host, [i32s(16, 5)]), { host: { f: host } });
  const code = await call('call0');
  assert.equal(logs.length, 1);
  const { message, fields } = logs[0] ?? assert.fail();
  return { code, message, fields };
}

/** Text as a guest may give it: in parts, so that to show any of it is to make one piece of it all. */
const long = (length: number): string => `"${'x'.repeat(length)}" is refused`;

suite('the reason of a refusal', () => {
  test('is in the log as it was given', async () => {
    assert.deepEqual(await logged(new Failure(4, long(1000))), {
      code: 4,
      message: 'host call refused',
      fields: { import: 'f', code: 4, reason: long(1000) },
    });
  });

  test('is only counted when it is long, and so is that of an error of ours', async () => {
    const refused = await logged(new Failure(5, long(100_000)));
    assert.equal(refused.code, 5);
    assert.equal(refused.fields['reason'], '100013 characters, too many to be shown');
    for (const error of [new RangeError(long(100_000)), long(100_000)]) {
      const failed = await logged(error);
      assert.equal(failed.code, 4);
      assert.equal(failed.message, 'a host function failed');
      assert.match(
        String(failed.fields['error']),
        /^(?:RangeError: )?100013 characters, too many to be shown$/,
      );
    }
  });

  test('is there also for what is no error and has no text', async () => {
    const failed = await logged(Object.create(null));
    assert.equal(failed.code, 4);
    assert.equal(failed.fields['error'], '[Object: null prototype] {}');
  });

  test('of an error of ours has its stack', async () => {
    const failed = await logged(new TypeError('a mistake'));
    assert.match(String(failed.fields['error']), /^TypeError: a mistake\n +at /);
  });
});
