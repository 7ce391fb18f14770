import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { suggest } from './nearest.ts';

const known = ['name', 'version', 'wasm', 'capabilities', 'call_timeout_ms', 'tick_interval_ms'];

suite('suggest', () => {
  for (const [word, meant, how] of [
    ['nmae', 'name', 'two neighbours swapped'],
    ['nam', 'name', 'a letter missing'],
    ['names', 'name', 'a letter too many'],
    ['wesm', 'wasm', 'another letter'],
    ['Version', 'version', 'another case'],
    ['callTimeoutMs', 'call_timeout_ms', 'another way to write words'],
    ['capabilites', 'capabilities', 'a letter missing in a long word'],
  ] as const) {
    test(`finds a word with ${how}`, () => assert.equal(suggest(word, known), meant));
  }

  test('finds nothing when more than a third of the letters differ', () => {
    assert.equal(suggest('nemo', known), undefined);
    assert.equal(suggest('memory', known), undefined);
    assert.equal(suggest('', known), undefined);
  });

  test('never gives a short word that shares no letter', () => {
    assert.equal(suggest('x', ['y']), undefined);
    assert.equal(suggest('x', ['xy']), 'xy');
  });

  test('gives the nearest, and the first of equally near ones', () => {
    assert.equal(suggest('storage.sqlit', ['storage.fs', 'storage.sqlite']), 'storage.sqlite');
    assert.equal(suggest('bet', ['bat', 'bit']), 'bat');
  });

  test('gives the candidate as it is written', () =>
    assert.equal(suggest('http-prot', ['HTTP-Port']), 'HTTP-Port'));

  test('takes any iterable', () => assert.equal(suggest('nmae', new Set(known)), 'name'));

  test('compares a word of a megabyte with nothing', { timeout: 20_000 }, () => {
    assert.equal(suggest('x'.repeat(1_048_576), known), undefined);
  });
});
