import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { startOrder } from './start-order.ts';

function plugins(...lines: readonly string[]) {
  return lines.map((line) => {
    const [name = '', ...dependsOn] = line.split(' ');
    return { name, dependsOn, file: `/${name}.toml` };
  });
}

const names = (lines: readonly string[]): readonly (readonly string[])[] =>
  startOrder(plugins(...lines)).map((round) => round.map(({ name }) => name));

suite('startOrder', () => {
  test('plugins that need none start in the order they were named in', () => {
    assert.deepEqual(names(['b', 'a', 'c']), [['b', 'a', 'c']]);
  });

  test('what a plugin depends on starts before it', () => {
    assert.deepEqual(names(['web store cache', 'cache store', 'other', 'store']), [
      ['other', 'store'],
      ['cache'],
      ['web'],
    ]);
  });

  test('two of one name are refused, with both manifests', () => {
    const two = [...plugins('a'), { name: 'a', dependsOn: [], file: '/second.toml' }];
    assert.throws(() => startOrder(two), /^Error: \/second\.toml: \/a\.toml has a plugin named a already/);
  });

  test('what is not there cannot be depended on', () => {
    assert.throws(() => names(['a b']), /^Error: \/a\.toml: the plugin a depends on b, which/);
  });

  test('plugins that wait for each other are named', () => {
    assert.throws(() => names(['a b', 'b c', 'c a', 'd']), /the plugins a, b, c depend on each other/);
  });
});
