import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Failure } from '../../ext.ts';
import { failureOf, isTrouble } from './fault.ts';
import { at, bytes, overriding, refused, storeIn, systemError } from './store.suite.ts';
import { openRoot } from './root-folder.ts';

const code = (error: unknown, existing = true): number =>
  failureOf(error, { doing: 'reading "a"', existing }).code;

suite('errors of the system', () => {
  test('are 6 for what is missing and ought to be there, 4 for what is not followed, else 5', () => {
    assert.equal(code(systemError('ENOENT')), 6);
    assert.equal(code(systemError('ENOENT'), false), 5);
    for (const name of ['ELOOP', 'ENXIO', 'EILSEQ']) assert.equal(code(systemError(name)), 4, name);
    for (const name of ['EIO', 'ENOSPC', 'ENOTDIR', 'ENOTEMPTY', 'EACCES', 'E2BIG', 'NEW'])
      assert.equal(code(systemError(name)), 5, name);
  });

  test('tell what was done and what was wrong, and no path of the host', () => {
    const { message } = failureOf(systemError('EIO'), { doing: 'reading "a"', existing: true });
    assert.equal(message, 'reading "a": EIO');
  });

  test('are not what refusals and mistakes are', () => {
    const refusal = new Failure(4, 'no');
    assert.equal(failureOf(refusal, { doing: '', existing: true }), refusal);
    const mistake = new TypeError('a mistake');
    assert.throws(() => failureOf(mistake, { doing: '', existing: true }), mistake);
    assert.equal(isTrouble(mistake), false);
    assert.equal(isTrouble(systemError('ENOENT')), false);
  });

  test("that are the machine's are logged, at most every ten seconds", (t) => {
    let now = 0;
    const { store, warnings } = storeIn(t, {
      now: () => now,
      open: (path) =>
        overriding(openRoot(path), () => ({
          open() {
            throw systemError('ENOSPC');
          },
        })),
    });
    const warning = ['storage.fs failing', { doing: 'writing "a"', error: 'ENOSPC' }];
    refused(5, () => store.write(at('a'), bytes('a')));
    refused(5, () => store.write(at('a'), bytes('a')));
    assert.deepEqual(warnings, [warning]);
    now = 9_999;
    refused(5, () => store.write(at('a'), bytes('a')));
    assert.deepEqual(warnings, [warning]);
    now = 10_000;
    refused(5, () => store.write(at('a'), bytes('a')));
    assert.deepEqual(warnings, [warning, warning]);
    refused(6, () => store.delete(at('a')));
    assert.equal(warnings.length, 2);
  });
});
