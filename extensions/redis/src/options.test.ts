import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { prefixOf } from './options.ts';

const rest = { timeout_ms: 5000, max_value_bytes: 1024, max_channels: 10, max_pending: 10 };

suite('the prefix of a plugin', () => {
  test('is its name, unless the manifest has another one', () => {
    assert.equal(prefixOf('shop', rest).toString(), 'shop:');
    assert.equal(prefixOf('shop', { ...rest, prefix: 'all/' }).toString(), 'all/');
    assert.equal(prefixOf('shop', { ...rest, prefix: '' }).toString(), '');
  });

  test('is never the beginning of that of another plugin', () => {
    const names = ['a', 'a:b', 'a:', 'a%3Ab', 'a%', 'ab', 'ä', 'ä:'];
    const prefixes = names.map((name) => prefixOf(name, rest).toString());
    for (const [index, prefix] of prefixes.entries()) {
      for (const [other, longer] of prefixes.entries()) {
        if (other !== index)
          assert.equal(longer.startsWith(prefix), false, `${names[index]} and ${names[other]}`);
      }
    }
  });
});
