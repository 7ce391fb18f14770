import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { capability as cron } from '../../extensions/cron/src/index.ts';
import { capability as demo } from '../../extensions/demo/src/index.ts';
import { capability as redis } from '../../extensions/redis/src/index.ts';
import { Registry } from '../../runtime/src/capabilities/registry.ts';
import { ManifestError } from '../../runtime/src/manifest/manifest-error.ts';
import { parseManifest } from '../../runtime/src/manifest/parse-manifest.ts';
import type { PluginSpec } from '../../runtime/src/manifest/plugin-spec.ts';
import { code, documents, readDocument, root, tableUnder } from './markdown.ts';
import { sourceOf } from './source.ts';

const { declarable: capabilities } = new Registry();
const parse = (text: string, known = capabilities): PluginSpec =>
  parseManifest(text, { file: join(root, 'pulp.plugin.toml'), capabilities: known });
const minimal = 'name = "a"\nversion = "1"\n';

const page = await readDocument('docs/manifest.md');
const keys = tableUnder(page, 'Keys').rows.map(([key, type = '', fallback]) => ({
  key: code(key),
  type,
  fallback: code(fallback),
}));

suite('docs/manifest.md', () => {
  test('it has every key, and none besides', () => {
    const read = Array.from(
      sourceOf('manifest/parse-manifest.ts').matchAll(/\bfields\.\w+\('(\w+)'/g),
      ([, key = '']) => key,
    );
    assert.deepEqual(keys.map(({ key }) => key).toSorted(), read.toSorted());
  });

  test('its defaults are what a manifest without the key comes to', () => {
    const spec: Readonly<Record<string, unknown>> = { ...parse(minimal) };
    for (const { key, fallback } of keys) {
      const property = key.replaceAll(/_(\w)/g, (_match, letter: string) => letter.toUpperCase());
      const value = spec[property];
      if (fallback === 'required')
        assert.throws(() => parse(minimal.replace(`${key} =`, 'x =')), ManifestError, key);
      else if (key === 'wasm') assert.equal(value, join(root, 'plugin.wasm'));
      else if (key === 'config') assert.deepEqual(value, new Uint8Array());
      else if (fallback === 'none' || value === undefined) assert.doesNotThrow(() => parse(minimal), key);
      else assert.equal(JSON.stringify(value), fallback, key);
    }
  });

  test('its ranges are those that are accepted', () => {
    const ranges = keys.flatMap(({ key, type }) => {
      const [, min, max] = /^(\d+) to (\d+)$/.exec(type) ?? [];
      return min === undefined || max === undefined ? [] : [{ key, min: Number(min), max: Number(max) }];
    });
    assert.ok(ranges.length >= 4);
    for (const { key, min, max } of ranges) {
      for (const value of [min, max]) assert.doesNotThrow(() => parse(`${minimal}${key} = ${value}`), key);
      for (const value of [min - 1, max + 1])
        assert.throws(() => parse(`${minimal}${key} = ${value}`), ManifestError, key);
    }
  });

  test('its words are those that are accepted', () => {
    for (const [key, words] of [
      ['restart', ['on_crash', 'never', 'always']],
      ['event_payload', ['embedded', 'bin']],
    ] as const) {
      const row = tableUnder(page, 'Keys').rows.find(([name]) => code(name) === key);
      for (const word of words) {
        assert.doesNotThrow(() => parse(`${minimal}${key} = "${word}"`));
        assert.ok(row?.join().includes(`"${word}"`), `${key} = "${word}" is not documented`);
      }
    }
  });

  test('it has the options of every capability that may be declared', () => {
    const documented = tableUnder(page, 'Options of capabilities').rows.map(([name, options]) => [
      code(name),
      options,
    ]);
    const actual = Array.from(capabilities.values(), ({ name, options = {} }) => [
      name,
      Object.keys(options)
        .map((key) => `\`${key}\``)
        .join(', ') || 'none',
    ]);
    assert.deepEqual(documented, actual);
  });
});

suite('manifests in documents', async () => {
  const { declarable: extended } = new Registry([demo, cron, redis]);
  for (const { file, blocks } of await documents()) {
    // Those are held against the extensions that stand beside them: see snippets.test.ts.
    if (file === 'docs/extensions.md') continue;
    for (const { text, line } of blocks.filter(({ language }) => language === 'toml')) {
      test(`${file}:${line} is accepted`, () => {
        assert.doesNotThrow(() => parse(text, extended));
      });
    }
  }
});
