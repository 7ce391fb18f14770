import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { ManifestError } from './manifest-error.ts';
import { manifestKeys } from './manifest-keys.ts';
import { parseManifest } from './parse-manifest.ts';

/** The keys that the parser does not know, of a manifest that has all of these. */
function unknownOf(keys: Iterable<string>): readonly string[] {
  const text = Array.from(keys, (key) => `${key} = {}`).join('\n');
  try {
    parseManifest(text, { file: 'pulp.plugin.toml', capabilities: new Map() });
  } catch (error) {
    assert.ok(error instanceof ManifestError);
    return error.problems.filter(({ reason }) => reason.includes('unknown key')).map(({ key }) => key);
  }
  return [];
}

suite('the keys of a manifest', () => {
  test('are those that the parser reads', () => {
    assert.deepEqual(unknownOf([...manifestKeys, 'capability']), ['capability']);
  });

  test('and every one that it reads is among them', () => {
    const source = readFileSync(new URL('parse-manifest.ts', import.meta.url), 'utf8');
    const read = Array.from(source.matchAll(/\bfields\.\w+\('(\w+)'/g), ([, key = '']) => key);
    assert.deepEqual(new Set(read), manifestKeys);
  });
});
