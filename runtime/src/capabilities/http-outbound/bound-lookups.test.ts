import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { suite, test } from 'node:test';
import { Failure } from '../../ext.ts';
import { boundLookups } from './bound-lookups.ts';

const address: LookupAddress = { address: '192.0.2.1', family: 4 };

suite('boundLookups', () => {
  test('refuses one more than may run, until one of them is over', async () => {
    const asked: PromiseWithResolvers<readonly LookupAddress[]>[] = [];
    const resolve = boundLookups(() => {
      const lookup = Promise.withResolvers<readonly LookupAddress[]>();
      asked.push(lookup);
      return lookup.promise;
    }, 2);
    const running = [resolve('a.example'), resolve('a.example')];
    await assert.rejects(resolve('b.example'), (error) => {
      assert.ok(error instanceof Failure);
      assert.deepEqual([error.code, error.message], [4, '2 names are being looked up already']);
      return true;
    });
    asked[0]?.resolve([address]);
    assert.deepEqual(await running[0], [address]);
    running.push(resolve('c.example'));
    // One that fails is over, too.
    asked[1]?.reject(new Error('ENOTFOUND'));
    await assert.rejects(running[1] ?? Promise.resolve(), /ENOTFOUND/);
    running.push(resolve('d.example'));
    await assert.rejects(resolve('e.example'), /being looked up/);
    assert.equal(asked.length, 4);
  });
});
