import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { faultOfName } from './plugin-name.ts';

suite('plugin name', () => {
  for (const name of [
    'echo',
    'my plugin',
    '..a',
    'a..b',
    '...',
    '__proto__',
    'größe',
    '日本',
    'a'.repeat(255),
  ]) {
    test(`takes ${name.slice(0, 20)}`, () => assert.equal(faultOfName(name), undefined));
  }

  for (const [name, fault] of [
    ['', /blank/],
    [' \t', /blank/],
    ['a/b', /folder/],
    ['/etc', /folder/],
    ['..\\x', /folder/],
    ['.', /folder/],
    ['..', /folder/],
    ['.pulp', /the host's own/],
    ['.Pulp', /the host's own/],
    ['Pulp.sock', /the host's own/],
    ['a\0b', /control/],
    ['a\nb', /control/],
    ['a\u007f', /control/],
    ['a\u0085b', /control/],
    [' a', /begin or end/],
    ['a ', /begin or end/],
    ['a'.repeat(256), /256 bytes, the limit is 255/],
    ['é'.repeat(128), /256 bytes/],
  ] as const) {
    test(`refuses ${JSON.stringify(name.slice(0, 20))} of ${name.length}`, () => {
      assert.match(faultOfName(name) ?? '', fault);
    });
  }
});
