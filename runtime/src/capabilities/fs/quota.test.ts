import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { maxDepth } from './path.ts';
import { openRoot } from './root-folder.ts';
import { Quota, type Usage } from './quota.ts';
import { at, bytes, codeOf, listed, refused, storeIn, textOf } from './store.suite.ts';

suite('the quota of bytes', () => {
  test('is used up to its last byte by all files together, and 5 beyond', (t) => {
    const { store, folder } = storeIn(t, { limits: { maxBytes: 10 } });
    store.write(at('a/b'), bytes('12345'));
    store.write(at('c'), bytes('12345'));
    refused(5, () => store.write(at('d'), bytes('1')));
    refused(5, () => store.write(at('new/d'), bytes('1')));
    refused(5, () => store.append(at('c'), bytes('6')));
    refused(5, () => store.append(at('d'), bytes('6')));
    refused(5, () => store.write(at('c'), bytes('123456')));
    assert.equal(textOf(store, 'c'), '12345');
    assert.deepEqual(readdirSync(folder).toSorted(), ['a', 'c']);
    store.write(at('empty'), bytes(''));
    store.append(at('c'), bytes(''));
  });

  test('counts a file that is replaced for what it becomes', (t) => {
    const { store } = storeIn(t, { limits: { maxBytes: 10 } });
    store.write(at('a'), bytes('0123456789'));
    for (let turn = 0; turn < 3; turn++) {
      store.write(at('a'), bytes('01234'));
      store.append(at('a'), bytes('56789'));
      refused(5, () => store.append(at('a'), bytes('x')));
    }
  });

  test('is given back by what is deleted, removed and renamed over', (t) => {
    const { store } = storeIn(t, { limits: { maxBytes: 10 } });
    const full = bytes('0123456789');
    store.write(at('a'), full);
    store.delete(at('a'));
    store.write(at('tree/b/c'), full);
    store.removeAll(at('tree'));
    store.write(at('a'), bytes('01234'));
    store.write(at('b'), bytes('01234'));
    store.rename(at('a'), at('b'));
    store.write(at('a'), bytes('01234'));
    refused(5, () => store.append(at('a'), bytes('5')));
  });

  test('counts what was there before, by its length and not its blocks', (t) => {
    const { store, warnings } = storeIn(t, {
      limits: { maxBytes: 100 },
      prepare(folder) {
        mkdirSync(join(folder, 'a'));
        writeFileSync(join(folder, 'a', 'sparse'), '');
        truncateSync(join(folder, 'a', 'sparse'), 95);
        writeFileSync(join(folder, 'data.db'), 'x'.repeat(1000));
        writeFileSync(join(folder, 'data.db-wal'), 'x'.repeat(1000));
        symlinkSync('data.db', join(folder, 'link'));
      },
    });
    assert.deepEqual(warnings, []);
    refused(5, () => store.write(at('b'), bytes('123456')));
    store.write(at('b'), bytes('12345'));
  });

  test('that is exceeded from the start is said, and what does not grow goes on', (t) => {
    const { store, warnings } = storeIn(t, {
      limits: { maxBytes: 5 },
      prepare: (folder) => writeFileSync(join(folder, 'a'), '0123456789'),
    });
    assert.deepEqual(warnings, [
      ['storage.fs over its quota', { bytes: 10, max_bytes: 5, files: 1, max_files: 1000 }],
    ]);
    assert.equal(textOf(store, 'a'), '0123456789');
    refused(5, () => store.append(at('a'), bytes('x')));
    refused(5, () => store.write(at('b'), bytes('x')));
    store.write(at('a'), bytes('012345678'));
    store.rename(at('a'), at('b'));
    store.write(at('empty'), bytes(''));
    store.delete(at('b'));
    store.write(at('a'), bytes('01234'));
  });
});

suite('the quota of files', () => {
  test('counts files and folders, those on the way included, and is 5 beyond', (t) => {
    const { store, folder } = storeIn(t, { limits: { maxFiles: 3 } });
    refused(5, () => store.write(at('a/b/c/d'), bytes('')));
    refused(5, () => store.makeAll(at('a/b/c/d')));
    assert.deepEqual(readdirSync(folder), [], 'nothing was begun');
    store.write(at('a/b/c'), bytes(''));
    for (const call of [
      () => store.write(at('d'), bytes('')),
      () => store.append(at('d'), bytes('')),
      () => store.makeAll(at('d')),
      () => store.createTemporary('a', ''),
      () => store.makeTemporary('a', ''),
      () => store.rename(at('a/b/c'), at('new/c')),
    ]) {
      refused(5, call);
    }
    assert.deepEqual([listed(store), listed(store, 'a'), listed(store, 'a/b')], [['a/'], ['b/'], ['c']]);
    store.write(at('a/b/c'), bytes('more'));
    store.rename(at('a/b/c'), at('c'));
    store.removeAll(at('a'));
    store.write(at('a'), bytes(''));
    store.makeAll(at('b'));
    refused(5, () => store.makeAll(at('d')));
  });

  test('that is exceeded from the start lets nothing grow until it is counted again', (t) => {
    let now = 0;
    const { store, folder, warnings } = storeIn(t, {
      limits: { maxFiles: 2 },
      now: () => now,
      prepare(path) {
        for (const name of ['a', 'b', 'c', 'd']) writeFileSync(join(path, name), '');
      },
    });
    assert.equal(warnings.length, 1);
    refused(5, () => store.write(at('a'), bytes('x')));
    for (const name of ['b', 'c', 'd']) store.delete(at(name));
    refused(5, () => store.write(at('a'), bytes('x')));
    now = 10_000;
    store.write(at('a'), bytes('x'));
    assert.deepEqual(readdirSync(folder), ['a']);
  });
});

suite('what is used', () => {
  test('is counted again when there is no room, since operators delete files, but not all the time', (t) => {
    let now = 0;
    const { store, folder } = storeIn(t, { limits: { maxBytes: 10 }, now: () => now });
    store.write(at('a'), bytes('0123456789'));
    rmSync(join(folder, 'a'));
    now = 9_999;
    refused(5, () => store.write(at('b'), bytes('x')));
    now = 10_000;
    store.write(at('b'), bytes('0123456789'));
    rmSync(join(folder, 'b'));
    refused(5, () => store.write(at('c'), bytes('x')));
  });

  test('is never less than nothing', () => {
    const counted: Usage = { bytes: 5, files: 1 };
    const quota = new Quota({ maxBytes: 10, maxFiles: 10, count: () => counted, now: () => 0 });
    quota.add({ bytes: -9, files: -9 });
    assert.deepEqual(quota.used, { bytes: 0, files: 0 });
    assert.equal(
      codeOf(() => quota.need({ bytes: 11, files: 0 })),
      5,
    );
  });

  test('leaves out what a crash left of files that were being written, which goes at the start', (t) => {
    const { store, folder } = storeIn(t, {
      limits: { maxBytes: 10, maxFiles: 2 },
      prepare(path) {
        mkdirSync(join(path, 'a'));
        writeFileSync(join(path, '.pulp-tmp-0123'), 'half of something');
        writeFileSync(join(path, 'a', '.pulp-tmp-4567'), 'half of something');
      },
    });
    assert.deepEqual(readdirSync(folder, { recursive: true }), ['a']);
    store.write(at('a/b'), bytes('0123456789'));
  });

  test('says what could not be counted', (t) => {
    const { store, folder, warnings } = storeIn(t, {
      prepare: (path) => mkdirSync(join(path, 'a/'.repeat(maxDepth + 1)), { recursive: true }),
    });
    assert.deepEqual(warnings, [
      ['storage.fs not counted', { entries: 1, first: `"a": "a" is over ${maxDepth} names deep` }],
    ]);
    rmSync(join(folder, 'a'), { recursive: true });
    const deepest = 'a/'.repeat(maxDepth).slice(0, -1);
    store.makeAll(at(deepest));
    const again = storeIn(t, { open: () => openRoot(folder) });
    assert.deepEqual(again.warnings, []);
    assert.equal(again.store.stat(at(deepest)).isFolder, true);
  });
});
