import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { isHostsOwn, maxDepth, maxPathBytes, parsePath, shown, written } from './path.ts';
import { codeOf } from './store.suite.ts';

const plain = (path: string | Uint8Array, platform?: string): string => written(parsePath(path, platform));

suite('paths of guests', () => {
  test('lose what makes no difference, and keep every byte of their names', () => {
    for (const [given, expected] of [
      ['a', 'a'],
      ['a/b', 'a/b'],
      ['./a', 'a'],
      ['a//b', 'a/b'],
      ['a/./b', 'a/b'],
      ['a/.', 'a'],
      ['a/../b', 'b'],
      ['a/b/../../c', 'c'],
      ['a/b/..', 'a'],
      ['..a', '..a'],
      ['a..b', 'a..b'],
      ['...', '...'],
      ['a..', 'a..'],
      [' a ', ' a '],
      ['\xff\xfe', '\xff\xfe'],
      ['\xc3\xa4', '\xc3\xa4'],
      ['ab:c/d:', 'ab:c/d:'],
      ['x'.repeat(255), 'x'.repeat(255)],
      ['a\n\t\x7f*?|<>"', 'a\n\t\x7f*?|<>"'],
      ['d/data.db', 'd/data.db'],
      ['data.db2', 'data.db2'],
      ['xdata.db', 'xdata.db'],
    ] as const) {
      assert.equal(plain(given, 'linux'), expected, given);
      assert.equal(plain(Buffer.from(given, 'latin1'), 'linux'), expected, given);
    }
  });

  test('that lead out, or name no file, are refused', () => {
    for (const path of [
      '',
      '.',
      './.',
      '..',
      '../',
      '../a',
      'a/..',
      'a/../..',
      'a/../../b',
      '../plugin/a',
      '/',
      '/a',
      '//a',
      '/etc/passwd',
      'a/',
      'a//',
      './',
      'a\0b',
      'a\0',
      '\0',
      'a\\b',
      '\\a',
      '..\\a',
      '\\\\host\\share',
      'C:',
      'c:a',
      'C:/a',
      'C:\\a',
      './C:/a',
      'a:b',
    ]) {
      assert.equal(
        codeOf(() => parsePath(path)),
        4,
        JSON.stringify(path),
      );
    }
  });

  test("that name the plugin's database are refused, however they are spelled", () => {
    for (const path of [
      'data.db',
      './data.db',
      'a/../data.db',
      './/data.db',
      'data.db-wal',
      'data.db-shm',
      'data.db-journal',
      'data.db/x',
      'DATA.DB',
      'Data.db-WAL',
      // Long s, and characters that nobody sees: some file systems take them for the same name.
      'data.db-\xc5\xbfhm',
      'data\xe2\x80\x8d.db',
    ]) {
      assert.equal(
        codeOf(() => parsePath(path)),
        4,
        JSON.stringify(path),
      );
    }
    assert.equal(plain('data.db-wa'), 'data.db-wa');
  });

  test("that name a file of the host's that is being written are refused in every folder", () => {
    for (const path of ['.pulp-tmp-0', 'a/.pulp-tmp-0123', '.PULP-TMP-0/a', 'a/\xe2\x80\x8d.pulp-tmp-0']) {
      assert.equal(
        codeOf(() => parsePath(path)),
        4,
        path,
      );
    }
    assert.equal(plain('.pulp-tm'), '.pulp-tm');
    assert.equal(plain('.pulp'), '.pulp');
  });

  test('of too many bytes or names are 5', () => {
    const longest = `${'x'.repeat(255)}/`.repeat(16).slice(0, -1);
    assert.equal(longest.length, maxPathBytes - 1);
    assert.equal(plain(longest), longest);
    assert.equal(
      codeOf(() => parsePath('x'.repeat(maxPathBytes + 1))),
      5,
    );
    assert.equal(
      codeOf(() => parsePath(new Uint8Array(maxPathBytes + 1).fill(0x61))),
      5,
    );
    assert.equal(parsePath(`${'a/'.repeat(maxDepth - 1)}a`).folders.length, maxDepth - 1);
    assert.equal(
      codeOf(() => parsePath(`${'a/'.repeat(maxDepth)}a`)),
      5,
    );
    assert.equal(plain(`${'a/../'.repeat(maxDepth)}a`), 'a');
  });

  test('that are not UTF-8 are refused where names are text', () => {
    for (const platform of ['darwin', 'win32']) {
      assert.equal(
        codeOf(() => parsePath('a/\xff', platform)),
        4,
      );
      assert.equal(plain('a/\xc3\xa4', platform), 'a/\xc3\xa4');
    }
  });

  test('that Windows reads as something else are refused on Windows', () => {
    for (const path of [
      'a:b',
      'file:stream',
      'd/a:b',
      'con',
      'd/NUL.txt',
      'com1',
      'a.',
      'data.db.',
      'a ',
      'a?',
      '..',
      '...',
    ]) {
      assert.equal(
        codeOf(() => parsePath(path, 'win32')),
        4,
        path,
      );
    }
    for (const path of ['console', 'a.b', 'a b', '.a']) assert.equal(plain(path, 'win32'), path);
  });

  test('written again are the same, and never lead out', () => {
    const segment = fc.constantFrom('a', 'b', '.', '..', '', '...', '..a', 'data.db', '\xff', ' ');
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 8 }), (segments) => {
        const text = segments.join('/');
        if (codeOf(() => parsePath(text)) !== 0) return;
        const path = parsePath(text);
        const names = [...path.folders, path.name];
        assert.ok(names.every((name) => !['', '.', '..'].includes(name) && !/[/\0\\]/.test(name)));
        assert.deepEqual(parsePath(written(path)), path);
      }),
      { numRuns: 2000 },
    );
  });
});

suite("names that are the host's own", () => {
  test('the database is so in the plugin’s own folder only', () => {
    assert.equal(isHostsOwn('data.db', { isRoot: true }), true);
    assert.equal(isHostsOwn('data.db', { isRoot: false }), false);
    assert.equal(isHostsOwn('.pulp-tmp-0', { isRoot: false }), true);
    assert.equal(isHostsOwn('\xffdata.db', { isRoot: true }), false);
  });
});

suite('paths in messages', () => {
  test('are text where they are UTF-8, quoted and cut off', () => {
    assert.equal(shown('a\n"\xc3\xa4'), String.raw`"a\n\"ä"`);
    assert.equal(shown('x'.repeat(101)), `"${'x'.repeat(100)}…"`);
  });
});
