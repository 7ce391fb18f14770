import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ManifestError, ProblemList } from './manifest-error.ts';
import { keyOf, shown } from './shown.ts';

suite('ManifestError', () => {
  test('is one line for one problem', () => {
    const error = new ManifestError('a/pulp.plugin.toml', [{ key: 'name', reason: 'is blank' }]);
    assert.equal(error.message, 'a/pulp.plugin.toml: name: is blank');
    assert.equal(error.name, 'ManifestError');
    assert.equal(error.file, 'a/pulp.plugin.toml');
  });

  test('is a heading and a line for each of several problems', () => {
    const problems = new ProblemList();
    problems.addNear('nmae', 'unknown key', { word: 'nmae', known: ['name', 'wasm'] });
    problems.addNear('zzzzz', 'unknown key', { word: 'zzzzz', known: ['name', 'wasm'] });
    problems.add('', 'something else');
    assert.equal(
      new ManifestError('m.toml', problems.all).message,
      'm.toml: 3 problems\n  nmae: unknown key (did you mean name?)\n  zzzzz: unknown key\n  something else',
    );
  });

  test('shows the first problems of very many and keeps all', () => {
    const problems = Array.from({ length: 120 }, (_, index) => ({ key: `k${index}`, reason: 'unknown key' }));
    const error = new ManifestError('m.toml', problems);
    assert.match(error.message, /^m\.toml: 120 problems\n/);
    assert.match(error.message, /\n {2}and 70 more$/);
    assert.equal(error.problems.length, 120);
  });

  test('cannot drive a terminal by the name of the file', () => {
    const error = new ManifestError('m\u001b[2J\n.toml', [{ key: '', reason: 'r' }]);
    assert.equal(error.message, String.raw`m\x1b[2J\n.toml: r`);
  });
});

suite('text of a manifest in messages', () => {
  test('is quoted, escaped and cut', () => {
    assert.equal(shown('a"b\\c\u001b[2J'), String.raw`"a\"b\\c\x1b[2J"`);
    assert.equal(shown('x'.repeat(100)), `"${'x'.repeat(80)}…"`);
  });

  test('is a key as TOML writes it', () => {
    assert.equal(keyOf(['transport', 'http', 'max-bytes', 2]), 'transport.http.max-bytes[2]');
    assert.equal(keyOf(['a.b', '', '\u202e']), String.raw`"a.b"."".` + String.raw`"\u202e"`);
    assert.equal(keyOf(['k'.repeat(1_000)]), `"${'k'.repeat(80)}…"`);
  });
});
