import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { openRoot } from './root-folder.ts';
import { at, bytes, codeOf, scratch, storeIn, textOf, withUmask } from './store.suite.ts';

const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;

/** How many descriptors the process has open. */
const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

suite("a plugin's own folder", () => {
  test('is made with those above it, for its owner alone', (t) => {
    const folder = join(scratch(t), 'a', 'b', 'plugin');
    withUmask(0, () => openRoot(folder)[Symbol.dispose]());
    for (const path of [folder, join(folder, '..'), join(folder, '..', '..')])
      assert.equal(modeOf(path), 0o700);
  });

  test('that is there becomes its owner’s alone, and keeps what is in it', (t) => {
    const { store, folder } = storeIn(t, {
      prepare: (path) => {
        writeFileSync(join(path, 'a'), 'from before', { mode: 0o644 });
        chmodSync(path, 0o755);
      },
    });
    assert.equal(modeOf(folder), 0o700);
    assert.equal(textOf(store, 'a'), 'from before');
  });

  test('that is a link or a file is an error that names it', (t) => {
    const folder = scratch(t);
    mkdirSync(join(folder, 'elsewhere'), { mode: 0o755 });
    symlinkSync('elsewhere', join(folder, 'link'));
    symlinkSync('nowhere', join(folder, 'dangling'));
    writeFileSync(join(folder, 'file'), '');
    for (const name of ['link', 'dangling', 'file']) {
      assert.throws(
        () => openRoot(join(folder, name)),
        (error: Error) => error.message.includes(join(folder, name)),
      );
    }
    assert.equal(modeOf(join(folder, 'elsewhere')), 0o755);
    assert.equal(existsSync(join(folder, 'nowhere')), false);
  });

  test('is given back by a store that ends, with every other descriptor', (t) => {
    const before = openDescriptors();
    const { store } = storeIn(t);
    store.write(at('a/b/c'), bytes('x'));
    for (const path of ['a/b/c', 'a', 'a/b/c/d', 'x/y', 'a/x']) {
      codeOf(() => store.read(at(path)));
      codeOf(() => store.list(at(path)));
      codeOf(() => store.stat(at(path)));
      codeOf(() => store.chmod(at(path), 0o700));
      codeOf(() => store.append(at(path), bytes('x')));
      codeOf(() => store.write(at(path), bytes('x')));
      codeOf(() => store.rename(at(path), at('a/new/name')));
      codeOf(() => store.removeAll(at(path)));
    }
    assert.equal(openDescriptors(), before + 1);
    store[Symbol.dispose]();
    assert.equal(openDescriptors(), before);
  });
});
