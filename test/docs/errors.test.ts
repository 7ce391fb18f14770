import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Registry } from '../../runtime/src/capabilities/registry.ts';
import { ManifestError } from '../../runtime/src/manifest/manifest-error.ts';
import { parseManifest } from '../../runtime/src/manifest/parse-manifest.ts';
import { code, readDocument, tableUnder } from './markdown.ts';
import { allSources, sourceOf } from './source.ts';

const page = await readDocument('docs/errors.md');
const { declarable: capabilities } = new Registry();

/** What is wrong with a manifest of these lines, which may have a name and a version of their own. */
function problemsOf(lines: string): string {
  const required = ['name', 'version']
    .filter((key) => !lines.startsWith(`${key} =`))
    .map((key) => `${key} = "a"\n`);
  try {
    parseManifest(`${required.join('')}${lines}`, { file: 'pulp.plugin.toml', capabilities });
  } catch (error) {
    if (error instanceof ManifestError) return error.message;
    throw error;
  }
  return 'nothing';
}

suite('docs/errors.md', () => {
  test('it has every code of ModuleError in the order of the source, and none besides', () => {
    const union = /export type ModuleErrorCode =([^;]*);/.exec(sourceOf('guest/module-error.ts'))?.[1] ?? '';
    const known = Array.from(union.matchAll(/'([\w-]+)'/g), ([, name]) => name);
    assert.ok(known.length > 0);
    assert.deepEqual(
      tableUnder(page, 'Module errors').rows.map(([name]) => code(name)),
      known,
    );
  });

  test('every code of ModuleError is said what it means and what to do', () => {
    for (const [name = '', meaning = '', mend = ''] of tableUnder(page, 'Module errors').rows) {
      assert.ok(meaning !== '' && mend !== '', name);
    }
  });

  for (const [manifest, problem] of tableUnder(page, 'Manifest errors').rows) {
    test(`the manifest ${manifest} is refused as it says`, () => {
      const found = problemsOf(code(manifest));
      assert.ok(found.includes(code(problem)), `${found}\ndoes not have\n${code(problem)}`);
    });
  }

  test('start errors are worded as in the source', () => {
    const sources = allSources();
    for (const [message] of tableUnder(page, 'Start errors').rows) {
      for (const part of code(message)
        .split('…')
        .map((piece) => piece.trim())) {
        assert.ok(sources.includes(part), `the source never says "${part}"`);
      }
    }
  });
});
