import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Failure } from './failure.ts';

class Special extends Failure {}

suite('Failure', () => {
  test('has its code and its reason', () => {
    const failure = new Failure(42, 'no more room', { cause: 'the disk' });
    assert.deepEqual(
      [failure.name, failure.code, failure.message, failure.cause],
      ['Failure', 42, 'no more room', 'the disk'],
    );
  });

  test('is told from other errors, also one that another copy of the module made', async () => {
    const { href } = pathToFileURL(new URL('failure.ts', import.meta.url).pathname);
    const copy = (await import(`${href}?copy`)) as { readonly Failure: typeof Failure };
    assert.notEqual(copy.Failure, Failure);
    assert.ok(new copy.Failure(4, 'refused') instanceof Failure);
    assert.ok(new Failure(4, 'refused') instanceof copy.Failure);
    for (const other of [new Error('no'), { code: 4 }, null, undefined, 'text', 4]) {
      assert.equal(other instanceof Failure, false);
    }
  });

  test('classes derived from it are told apart as ever', () => {
    assert.ok(new Special(4, 'refused') instanceof Failure);
    assert.ok(new Special(4, 'refused') instanceof Special);
    assert.equal(new Failure(4, 'refused') instanceof Special, false);
  });
});
