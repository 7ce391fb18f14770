import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { maxDepth, written } from './path.ts';
import { at, bytes, listed, refused, storeIn, textOf, withUmask } from './store.suite.ts';

const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;

suite('files that are written and read', () => {
  test('come back byte by byte, under every spelling of their path', (t) => {
    const { store, folder } = storeIn(t);
    const content = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 31) & 0xff));
    store.write(at('a/b/c'), content);
    for (const path of ['a/b/c', './a/b/c', 'a//b/./c', 'x/../a/b/c']) {
      assert.ok(Buffer.from(store.read(at(path))).equals(content), path);
    }
    assert.deepEqual(readdirSync(join(folder, 'a', 'b')), ['c']);
  });

  test('may be empty, and have no bytes then', (t) => {
    const { store } = storeIn(t);
    store.write(at('empty'), bytes(''));
    assert.equal(store.read(at('empty')).length, 0);
  });

  test('are replaced whole by shorter ones', (t) => {
    const { store } = storeIn(t);
    store.write(at('a'), bytes('something long'));
    store.write(at('a'), bytes('short'));
    assert.equal(textOf(store, 'a'), 'short');
  });

  test('are appended to, and made by it', (t) => {
    const { store, folder } = storeIn(t);
    store.append(at('logs/a'), bytes('one '));
    store.append(at('logs/a'), bytes('two'));
    store.append(at('logs/a'), bytes(''));
    assert.equal(textOf(store, 'logs/a'), 'one two');
    assert.equal(modeOf(join(folder, 'logs/a')), 0o600);
  });

  test('may have names of 255 bytes, of any bytes, and each its own content', (t) => {
    const { store } = storeIn(t);
    const names = [
      'x'.repeat(255),
      `${'x'.repeat(254)}y`,
      '\xff',
      '\xfe',
      '\xef\xbf\xbd',
      '\xc3\xa4',
      'a\xcc\x88',
      '..a',
      'a..b',
      '...',
      ' ',
      '-',
      '*',
      'A',
      'a',
    ];
    for (const name of names) store.write(at(name), bytes(`content of ${name}`));
    for (const name of names) assert.equal(textOf(store, name), `content of ${name}`);
    assert.deepEqual(listed(store), names.toSorted());
  });

  test('with names that the file system finds too long are 5, and leave nothing behind', (t) => {
    const { store, folder } = storeIn(t);
    const long = 'x'.repeat(256);
    refused(5, () => store.write(at(long), bytes('a')));
    refused(5, () => store.write(at(`${long}/a`), bytes('a')));
    refused(5, () => store.append(at(long), bytes('a')));
    refused(5, () => store.read(at(long)));
    assert.deepEqual(readdirSync(folder), []);
  });

  test('are not there: 6, and nothing is made by looking', (t) => {
    const { store, folder } = storeIn(t);
    for (const path of ['a', 'a/b']) {
      refused(6, () => store.read(at(path)));
      refused(6, () => store.delete(at(path)));
      refused(6, () => store.stat(at(path)));
      refused(6, () => store.list(at(path)));
      refused(6, () => store.chmod(at(path), 0o600));
      refused(6, () => store.rename(at(path), at('new/b')));
    }
    assert.deepEqual(readdirSync(folder), []);
  });

  test('where a folder stands are 5, and so is a folder where a file stands', (t) => {
    const { store } = storeIn(t);
    store.write(at('folder/a'), bytes('a'));
    store.write(at('file'), bytes('a'));
    refused(5, () => store.read(at('folder')));
    refused(5, () => store.write(at('folder'), bytes('b')));
    refused(5, () => store.append(at('folder'), bytes('b')));
    refused(5, () => store.read(at('file/a')));
    refused(5, () => store.write(at('file/a'), bytes('b')));
    refused(5, () => store.write(at('file/a/b'), bytes('b')));
    refused(5, () => store.stat(at('file/a')));
    refused(5, () => store.delete(at('file/a')));
    refused(5, () => store.list(at('file')));
    refused(5, () => store.removeAll(at('file/a')));
    refused(5, () => store.makeAll(at('file')));
    refused(5, () => store.makeAll(at('file/a')));
    assert.equal(textOf(store, 'file'), 'a');
  });

  test('are read and written at the largest size, and refused beyond it with 5', (t) => {
    const { store, folder } = storeIn(t, { limits: { maxFileBytes: 10 } });
    store.write(at('a'), bytes('0123456789'));
    refused(5, () => store.write(at('a'), bytes('01234567890')));
    refused(5, () => store.append(at('a'), bytes('x')));
    refused(5, () => store.append(at('new/b'), bytes('01234567890')));
    assert.equal(textOf(store, 'a'), '0123456789');
    writeFileSync(join(folder, 'large'), '01234567890');
    refused(5, () => store.read(at('large')));
    assert.deepEqual(readdirSync(folder), ['a', 'large']);
  });
});

suite('files and folders', () => {
  test("are their owner's alone, whatever the umask is", (t) => {
    for (const mask of [0, 0o777]) {
      const { store, folder } = storeIn(t);
      withUmask(mask, () => {
        store.write(at('a/b/c'), bytes('c'));
        store.append(at('a/d'), bytes('d'));
        store.append(at('a/d'), bytes('d'));
        store.makeAll(at('e/f'));
        const file = written(store.createTemporary('', ''));
        const made = written(store.makeTemporary('g', ''));
        for (const path of ['', 'a', 'a/b', 'e', 'e/f', 'tmp', 'g', made])
          assert.equal(modeOf(join(folder, path)), 0o700, path);
        for (const path of ['a/b/c', 'a/d', file]) assert.equal(modeOf(join(folder, path)), 0o600, path);
      });
    }
  });

  test('have the modes that are asked for, without bits for group and others', (t) => {
    const { store, folder } = storeIn(t);
    store.write(at('a'), bytes('a'), 0o7755);
    assert.equal(modeOf(join(folder, 'a')), 0o700);
    store.chmod(at('a'), 0o444);
    assert.equal(modeOf(join(folder, 'a')), 0o400);
    store.write(at('a'), bytes('b'), 0o600);
    assert.equal(modeOf(join(folder, 'a')), 0o400, 'a file that is there keeps its mode');
    store.chmod(at('a'), 0);
    assert.equal(modeOf(join(folder, 'a')), 0);
    store.chmod(at('a'), 0o600);
    assert.equal(modeOf(join(folder, 'a')), 0o600);
    store.makeAll(at('b/c'), 0o7555);
    assert.deepEqual([modeOf(join(folder, 'b')), modeOf(join(folder, 'b/c'))], [0o700, 0o500]);
    store.chmod(at('b/c'), 0);
    assert.equal(modeOf(join(folder, 'b/c')), 0o500, 'the host has to be able to look into it');
  });

  test('are told of with size, time and mode', (t) => {
    const { store } = storeIn(t);
    const before = BigInt(Date.now() - 60_000) * 1_000_000n;
    store.write(at('a/b'), bytes('12345'));
    const file = store.stat(at('a/b'));
    assert.deepEqual([file.isFolder, file.size, file.mode], [false, 5, 0o600]);
    assert.ok(file.modTimeNs > before && file.modTimeNs < before + 120_000_000_000n);
    const folder = store.stat(at('a'));
    assert.deepEqual([folder.isFolder, folder.size, folder.mode], [true, 0, 0o700]);
  });

  test("are listed in the order of their names' bytes, without what is the host's", (t) => {
    const { store, folder } = storeIn(t);
    for (const name of ['b', 'B', '\xff', 'a/x', 'd/data.db']) store.write(at(name), bytes(''));
    for (const name of [
      'data.db',
      'data.db-wal',
      'data.db-shm',
      'data.db-journal',
      '.pulp-tmp-0',
      'd/.pulp-tmp-1',
    ])
      writeFileSync(join(folder, name), '');
    assert.deepEqual(listed(store), ['B', 'a/', 'b', 'd/', '\xff']);
    assert.deepEqual(listed(store, 'd'), ['data.db']);
    store.makeAll(at('empty'));
    assert.deepEqual(listed(store, 'empty'), []);
  });

  test('are listed as many as there may be, and a folder with more is 5', (t) => {
    const { store, folder } = storeIn(t, { limits: { maxFiles: 3 } });
    mkdirSync(join(folder, 'many'));
    for (const name of ['a', 'b', 'c', 'd']) writeFileSync(join(folder, 'many', name), '');
    refused(5, () => store.list(at('many')));
    store.delete(at('many/d'));
    assert.deepEqual(listed(store, 'many'), ['a', 'b', 'c']);
  });

  test('are deleted, folders only when they are empty', (t) => {
    const { store, folder } = storeIn(t);
    store.write(at('a/b'), bytes('b'));
    refused(5, () => store.delete(at('a')));
    store.delete(at('a/b'));
    store.delete(at('a'));
    assert.deepEqual(readdirSync(folder), []);
  });

  test('that only hold what a crash left are empty to guests', (t) => {
    const { store, folder } = storeIn(t);
    for (const path of ['a', 'b', 'c']) {
      store.makeAll(at(path));
      writeFileSync(join(folder, path, '.pulp-tmp-0'), 'half');
    }
    store.delete(at('a'));
    store.rename(at('c'), at('b'));
    assert.deepEqual(listed(store), ['b/']);
    assert.deepEqual(
      readdirSync(join(folder, 'b')),
      ['.pulp-tmp-0'],
      'that of c, which goes at the next start',
    );
  });

  test('are removed with all that is in them, and of nothing that is 0', (t) => {
    const { store, folder } = storeIn(t);
    for (const path of ['a/b/c', 'a/b/d', 'a/e', 'f']) store.write(at(path), bytes('x'));
    store.removeAll(at('a'));
    store.removeAll(at('a'));
    store.removeAll(at('nothing/at/all'));
    assert.deepEqual(listed(store), ['f']);
    store.removeAll(at('f'));
    assert.deepEqual(readdirSync(folder), []);
  });
});

suite('renaming', () => {
  test('moves files and folders, makes folders on the way, and replaces files and empty folders', (t) => {
    const { store } = storeIn(t);
    store.write(at('a'), bytes('of a'));
    store.write(at('b'), bytes('of b'));
    store.rename(at('a'), at('b'));
    assert.equal(textOf(store, 'b'), 'of a');
    store.rename(at('b'), at('new/folder/c'));
    assert.deepEqual([listed(store), textOf(store, 'new/folder/c')], [['new/'], 'of a']);
    store.makeAll(at('empty'));
    store.rename(at('new/folder'), at('empty'));
    assert.equal(textOf(store, 'empty/c'), 'of a');
    store.rename(at('empty'), at('./empty'));
    assert.deepEqual(listed(store), ['empty/', 'new/']);
  });

  test('is 5 onto a folder that is not empty, of a folder onto a file or the reverse, and into itself', (t) => {
    const { store } = storeIn(t);
    store.write(at('full/a'), bytes('a'));
    store.write(at('file'), bytes('a'));
    store.makeAll(at('empty'));
    for (const [from, to] of [
      ['empty', 'full'],
      ['empty', 'file'],
      ['file', 'empty'],
      ['file', 'file/a'],
      ['full', 'full/a/b'],
      ['full', 'full/new/b'],
      ['full/a', 'full'],
    ] as const) {
      refused(5, () => store.rename(at(from), at(to)), `${from} to ${to}`);
    }
    assert.deepEqual([listed(store), listed(store, 'full')], [['empty/', 'file', 'full/'], ['a']]);
  });

  test('never makes paths that are too deep to be named or removed', (t) => {
    const { store } = storeIn(t);
    const half = 'a/'.repeat(maxDepth / 2 - 1);
    store.write(at(`${half}a`), bytes('x'));
    store.makeAll(at(`b/${half}b`));
    refused(5, () => store.rename(at('a'), at(`b/${half}b/a`)));
    store.rename(at('a'), at(`b/${half}a`));
    assert.equal(textOf(store, `b/${half}${half}a`), 'x');
    store.removeAll(at('b'));
    assert.deepEqual(listed(store), []);
    // Folders alone are as deep.
    store.makeAll(at(`${half}a`));
    store.makeAll(at(`b/${half}b`));
    refused(5, () => store.rename(at('a'), at(`b/${half}b/a`)));
    store.rename(at('a'), at(`b/${half}a`));
    assert.equal(store.stat(at(`b/${half}${half}a`)).isFolder, true);
  });
});

suite('temporary names for guests', () => {
  test('are new in their folder, which is tmp unless another is named', (t) => {
    const { store } = storeIn(t);
    const made = [
      written(store.createTemporary('', 'up-*.txt')),
      written(store.createTemporary('a/./b', '')),
      written(store.makeTemporary('', 'x')),
      written(store.makeTemporary('a', '\xff*')),
    ];
    const forms = [
      /^tmp\/up-[\da-f]{16}\.txt$/,
      /^a\/b\/[\da-f]{16}$/,
      /^tmp\/x[\da-f]{16}$/,
      /^a\/\xff[\da-f]{16}$/,
    ];
    for (const [index, path] of made.entries()) {
      assert.match(path, forms[index] ?? /^$/);
      assert.equal(store.stat(at(path)).isFolder, index > 1);
    }
    assert.equal(textOf(store, made[0] ?? ''), '');
    assert.notEqual(written(store.createTemporary('', '')), written(store.createTemporary('', '')));
  });

  test('are refused where paths are', (t) => {
    const { store } = storeIn(t);
    for (const [dir, pattern] of [
      ['..', 'a'],
      ['/tmp', 'a'],
      ['data.db', 'a'],
      ['.', 'a'],
      ['', 'a/b'],
      ['', '../*'],
      ['a', '.pulp-tmp-*'],
      ['a', 'a\0'],
    ] as const) {
      refused(4, () => store.createTemporary(dir, pattern), `${dir} ${pattern}`);
      refused(4, () => store.makeTemporary(dir, pattern), `${dir} ${pattern}`);
    }
    refused(5, () => store.createTemporary('', 'x'.repeat(250)));
    refused(5, () => store.makeTemporary('', 'x'.repeat(100_000)));
    store.write(at('file'), bytes(''));
    refused(5, () => store.createTemporary('file', 'a'));
  });
});
