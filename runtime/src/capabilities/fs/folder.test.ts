import assert from 'node:assert/strict';
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { DescriptorFolder } from './descriptor-folder.ts';
import { look } from './entry.ts';
import type { Folder } from './folder.ts';
import { PathFolder } from './path-folder.ts';
import { at, bytes, codeOf, overriding, scratch, storeIn } from './store.suite.ts';
import { measure } from './tree.ts';

/** `plugin/inside/file`, and `outside/file` beside it. */
function prepare(t: TestContext): { readonly plugin: string; readonly outside: string } {
  const path = scratch(t);
  const [plugin, outside] = [join(path, 'plugin'), join(path, 'outside')];
  mkdirSync(join(plugin, 'inside'), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(plugin, 'inside', 'file'), 'inside', { mode: 0o640 });
  writeFileSync(join(outside, 'file'), 'outside', { mode: 0o640 });
  return { plugin, outside };
}

/** Puts a link to the folder outside in the place of the folder inside. */
function swap({ plugin, outside }: ReturnType<typeof prepare>): void {
  renameSync(join(plugin, 'inside'), join(plugin, 'away'));
  symlinkSync(outside, join(plugin, 'inside'));
}

function contentOf(folder: Folder, name: string): string {
  const fd = folder.open(name, constants.O_RDONLY);
  try {
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

const pathOf = (path: string): Folder => PathFolder.root(path);

function descriptorOf(path: string): Folder {
  const folder = DescriptorFolder.root(path);
  assert.ok(folder !== undefined);
  return folder;
}

suite('an open folder', () => {
  test('held by its descriptor stays what it was, whatever is put in its place', (t) => {
    const prepared = prepare(t);
    using root = descriptorOf(prepared.plugin);
    using inside = root.enter('inside');
    swap(prepared);
    assert.equal(contentOf(inside, 'file'), 'inside');
    assert.equal(look(inside, 'file')?.size, 6);
    inside.chmod('file', 0o600);
    assert.equal(lstatSync(join(prepared.plugin, 'away', 'file')).mode & 0o777, 0o600);
    assert.equal(lstatSync(join(prepared.outside, 'file')).mode & 0o777, 0o640);
    assert.throws(() => root.enter('inside'), { code: 'ENOTDIR' });
  });

  test('known by its path refuses everything once a link is in its place', (t) => {
    const prepared = prepare(t);
    using root = PathFolder.root(prepared.plugin);
    using inside = root.enter('inside');
    assert.equal(contentOf(inside, 'file'), 'inside');
    swap(prepared);
    assert.equal(
      codeOf(() => contentOf(inside, 'file')),
      4,
    );
    assert.equal(
      codeOf(() => look(inside, 'file')),
      4,
    );
    assert.equal(
      codeOf(() => inside.chmod('file', 0o600)),
      4,
    );
    assert.equal(lstatSync(join(prepared.outside, 'file')).mode & 0o777, 0o640);
    assert.throws(() => root.enter('inside'), { code: 'ENOTDIR' });
  });

  for (const [kind, open] of [
    ['held by its descriptor', descriptorOf],
    ['known by its path', pathOf],
  ] as const) {
    test(`${kind} follows no link at a name, whatever is done there`, (t) => {
      const { plugin, outside } = prepare(t);
      symlinkSync(join(outside, 'file'), join(plugin, 'link'));
      using folder = open(plugin);
      const { O_RDONLY, O_WRONLY, O_APPEND, O_CREAT, O_EXCL } = constants;
      for (const flags of [O_RDONLY, O_WRONLY | O_APPEND, O_WRONLY | O_CREAT])
        assert.throws(() => folder.open('link', flags, 0o600), { code: 'ELOOP' });
      assert.throws(() => folder.open('link', O_WRONLY | O_CREAT | O_EXCL), { code: 'EEXIST' });
      assert.throws(() => folder.enter('link'), { code: 'ENOTDIR' });
      assert.throws(() => look(folder, 'link'), { code: 4, message: '"link" is a link' });
      assert.throws(() => folder.chmod('link', 0o600));
      assert.equal(lstatSync(join(outside, 'file')).mode & 0o777, 0o640);
    });
  }

  test('known by its path does not take the file of a folder for the one of another', (t) => {
    const prepared = prepare(t);
    const { plugin } = prepared;
    mkdirSync(join(plugin, 'other'));
    writeFileSync(join(plugin, 'other', 'file'), 'other');
    using root = PathFolder.root(plugin);
    using inside = root.enter('inside');
    renameSync(join(plugin, 'inside'), join(plugin, 'away'));
    symlinkSync('other', join(plugin, 'inside'));
    assert.equal(
      codeOf(() => contentOf(inside, 'file')),
      4,
    );
  });

  test('serves a store as well when it is known by its path', (t) => {
    const { store, folder } = storeIn(t, { open: pathOf });
    store.write(at('a/\xff/c'), bytes('one'));
    store.append(at('a/\xff/c'), bytes(' two'));
    store.rename(at('a/\xff/c'), at('b/c'));
    store.chmod(at('b/c'), 0o400);
    assert.equal(Buffer.from(store.read(at('b/c'))).toString(), 'one two');
    assert.equal(lstatSync(join(folder, 'b', 'c')).mode & 0o777, 0o400);
    store.removeAll(at('a'));
    store.delete(at('b/c'));
    assert.deepEqual(store.list(undefined), [{ name: 'b', isFolder: true }]);
  });

  test('is counted no further than there may be files', (t) => {
    const { plugin } = prepare(t);
    for (let index = 0; index < 50; index++) writeFileSync(join(plugin, String(index)), '');
    let looks = 0;
    using root = overriding(descriptorOf(plugin), (folder) => ({
      lstat(name) {
        looks += 1;
        return folder.lstat(name);
      },
    }));
    const usage = measure(root, { maxFiles: 10, failed: () => assert.fail('nothing fails') });
    assert.deepEqual(usage, { bytes: Number.POSITIVE_INFINITY, files: 11 });
    assert.ok(looks <= 10);
  });
});
