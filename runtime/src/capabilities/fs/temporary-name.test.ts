import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { codeOf } from './store.suite.ts';
import { isTemporary, nameFrom, temporaryName } from './temporary-name.ts';

suite('temporary names', () => {
  test('of the host are short, known as such, and never the same', () => {
    const names = new Set(Array.from({ length: 1000 }, temporaryName));
    assert.equal(names.size, 1000);
    for (const name of names) assert.ok(name.length < 32 && isTemporary(name), name);
  });

  test('of guests have the random part for the last star, or at the end', () => {
    assert.match(nameFrom('up-*.txt'), /^up-[\da-f]{16}\.txt$/);
    assert.match(nameFrom('*a*'), /^\*a[\da-f]{16}$/);
    assert.match(nameFrom('up'), /^up[\da-f]{16}$/);
    assert.match(nameFrom(''), /^[\da-f]{16}$/);
    assert.match(nameFrom('\xff*$1'), /^\xff[\da-f]{16}\$1$/);
    assert.notEqual(nameFrom('a'), nameFrom('a'));
  });

  test('of guests have no separators in them', () => {
    for (const pattern of ['a/*', '../*', 'a\\*', 'a\0*', '*/..']) {
      assert.equal(
        codeOf(() => nameFrom(pattern)),
        4,
        JSON.stringify(pattern),
      );
    }
  });
});
