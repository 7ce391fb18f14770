import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { DescriptorFolder } from './descriptor-folder.ts';
import type { Folder } from './folder.ts';
import { PathFolder } from './path-folder.ts';
import type { FileStore } from './store.ts';
import { at, bytes, codeOf, listed, refused, storeIn, textOf, type TestedStore } from './store.suite.ts';
import { startSwapping } from './swapping.suite.ts';

type Calls = Readonly<Record<string, (store: FileStore, path: string) => unknown>>;

/** Every call that takes a path, on one. */
const calls: Calls = {
  read: (store, path) => store.read(at(path)),
  write: (store, path) => store.write(at(path), bytes('written')),
  append: (store, path) => store.append(at(path), bytes('appended')),
  delete: (store, path) => store.delete(at(path)),
  stat: (store, path) => store.stat(at(path)),
  list: (store, path) => store.list(at(path)),
  'rename from': (store, path) => store.rename(at(path), at('renamed')),
  'rename to': (store, path) => store.rename(at('own'), at(path)),
  'remove all': (store, path) => store.removeAll(at(path)),
  'make all': (store, path) => store.makeAll(at(path)),
  chmod: (store, path) => store.chmod(at(path), 0o700),
};

/** Calls that make something in a folder: for a path that names one. */
const makers: Calls = {
  'create temporary': (store, path) => store.createTemporary(path, 'a'),
  'make temporary': (store, path) => store.makeTemporary(path, 'a'),
};

/** Everything below a folder, with what it is. */
function snapshot(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const stats = lstatSync(join(folder, name));
      const content = stats.isFile() ? readFileSync(join(folder, name), 'latin1') : '';
      return `${name} ${stats.mode.toString(8)} ${content}`;
    });
}

/** Asserts that every call refuses a path with 4, and that neither what is outside nor what is inside changes. */
function allRefused({ store, folder, outside }: TestedStore, path: string, also: Calls = {}): void {
  const before = [...snapshot(outside), ...snapshot(folder)];
  for (const [name, call] of Object.entries({ ...calls, ...also }))
    refused(4, () => call(store, path), `${name} ${path}`);
  assert.deepEqual([...snapshot(outside), ...snapshot(folder)], before);
}

const kinds: Readonly<Record<string, (path: string) => Folder>> = {
  'a folder held by its descriptor': (path) => {
    const folder = DescriptorFolder.root(path);
    assert.ok(folder !== undefined);
    return folder;
  },
  'a folder known by its path': (path) => PathFolder.root(path),
};

for (const [kind, open] of Object.entries(kinds)) {
  suite(`out of ${kind} leads`, () => {
    test('no link, to a file, to a folder, to nothing, to a device or in a circle', (t) => {
      const tested = storeIn(t, { open });
      const { store, folder, outside } = tested;
      store.write(at('own'), bytes('own'));
      store.write(at('inside/a'), bytes('a'));
      writeFileSync(join(outside, 'secret'), 'secret');
      mkdirSync(join(outside, 'folder'));
      for (const [name, target] of [
        ['to-file', join(outside, 'secret')],
        ['to-folder', outside],
        ['to-nothing', join(outside, 'new')],
        ['to-device', '/dev/null'],
        ['to-inside', 'own'],
        ['to-folder-inside', 'inside'],
        ['to-itself', 'to-itself'],
        ['up', '..'],
      ] as const) {
        symlinkSync(target, join(folder, name));
        allRefused(tested, name, makers);
      }
      for (const path of [
        'to-folder/secret',
        'to-folder/new',
        'to-folder/folder/new',
        'up/outside/secret',
        'to-folder-inside/a',
      ])
        allRefused(tested, path);
      assert.equal(textOf(store, 'own'), 'own');
    });

    test('no hard link', (t) => {
      const tested = storeIn(t, { open });
      const { store, folder, outside } = tested;
      store.write(at('own'), bytes('own'));
      writeFileSync(join(outside, 'secret'), 'secret');
      linkSync(join(outside, 'secret'), join(folder, 'hard'));
      allRefused(tested, 'hard', makers);
    });

    test('no FIFO, socket or device, and none of them holds the caller up', async (t) => {
      const tested = storeIn(t, { open });
      const { store, folder } = tested;
      store.write(at('own'), bytes('own'));
      execFileSync('mkfifo', [join(folder, 'fifo')]);
      const server = createServer();
      t.after(() => server.close());
      await new Promise<void>((resolve) => {
        server.listen(join(folder, 'socket'), resolve);
      });
      const special = ['fifo', 'socket'];
      if (process.getuid?.() === 0) {
        execFileSync('mknod', [join(folder, 'null'), 'c', '1', '3']);
        execFileSync('mknod', [join(folder, 'zero'), 'c', '1', '5']);
        special.push('null', 'zero');
      }
      for (const name of special) {
        allRefused(tested, name, makers);
        refused(4, () => store.write(at(`${name}/a`), bytes('a')));
      }
    });

    test('no removal of a tree: links in it go, what they lead to stays', (t) => {
      const { store, folder, outside } = storeIn(t, { open });
      writeFileSync(join(outside, 'secret'), 'secret');
      linkSync(join(outside, 'secret'), join(outside, 'second'));
      store.write(at('tree/a/b'), bytes('b'));
      symlinkSync(outside, join(folder, 'tree', 'a', 'link'));
      symlinkSync('/dev/null', join(folder, 'tree', 'device'));
      linkSync(join(outside, 'secret'), join(folder, 'tree', 'hard'));
      execFileSync('mkfifo', [join(folder, 'tree', 'fifo')]);
      const before = snapshot(outside);
      store.removeAll(at('tree'));
      assert.deepEqual(listed(store), []);
      assert.deepEqual(snapshot(outside), before);
    });

    test('no link that is counted or listed', (t) => {
      const { store, folder, outside } = storeIn(t, {
        open,
        limits: { maxBytes: 10, maxFiles: 4 },
        prepare(path) {
          writeFileSync(join(path, '..', 'outside', 'large'), 'x'.repeat(1000));
          symlinkSync('../outside', join(path, 'link'));
          symlinkSync('.', join(path, 'circle'));
        },
      });
      assert.deepEqual(listed(store), ['circle', 'link']);
      store.write(at('a'), bytes('0123456789'));
      assert.equal(readdirSync(outside).length, 1);
      assert.equal(lstatSync(join(folder, 'link')).isSymbolicLink(), true);
    });

    test('no path on which a folder and a link take turns', async (t) => {
      const { store, folder, outside } = storeIn(t, { open });
      store.write(at('turn/file'), bytes('inside'));
      writeFileSync(join(outside, 'file'), 'OUTSIDE');
      const swapping = await startSwapping(t, { entry: join(folder, 'turn'), target: outside });
      // Where only paths are known, what removes or makes something is looked at before and not after.
      const sound = kind.endsWith('descriptor');
      const codes = new Map<number, number>();
      const before = snapshot(outside);
      const until = swapping.rounds + 2000;
      for (let turn = 0; turn < 300 || (swapping.rounds < until && turn < 100_000); turn++) {
        const code = codeOf(() => {
          assert.equal(textOf(store, 'turn/file'), 'inside');
          assert.deepEqual(listed(store, 'turn').includes('file'), true);
          assert.equal(store.stat(at('turn/file')).size, 6);
        });
        codes.set(code, (codes.get(code) ?? 0) + 1);
        if (!sound) continue;
        if (turn % 3 === 0) codeOf(() => store.write(at('turn/new'), bytes('x')));
        if (turn % 5 === 0) codeOf(() => store.append(at('turn/new'), bytes('x')));
        if (turn % 7 === 0) codeOf(() => store.rename(at('turn/new'), at('turn/renamed')));
        if (turn % 11 === 0) codeOf(() => store.delete(at('turn/renamed')));
        if (turn % 13 === 0) codeOf(() => store.createTemporary('turn', 'temporary'));
        if (turn % 17 === 0) codeOf(() => store.chmod(at('turn/new'), 0o700));
      }
      await swapping.stop();
      assert.deepEqual(snapshot(outside), before);
      // It saw the folder, and it met the link.
      assert.ok((codes.get(0) ?? 0) > 0 && (codes.get(4) ?? 0) > 0, JSON.stringify([...codes]));
    });

    test('no name at which a file and a link take turns', async (t) => {
      const { store, folder, outside } = storeIn(t, { open });
      store.write(at('turn'), bytes('inside'));
      writeFileSync(join(outside, 'secret'), 'OUTSIDE', { mode: 0o640 });
      const before = snapshot(outside);
      const target = join(outside, 'secret');
      const swapping = await startSwapping(t, { entry: join(folder, 'turn'), target });
      const codes = new Set<number>();
      const until = swapping.rounds + 2000;
      for (let turn = 0; turn < 300 || (swapping.rounds < until && turn < 100_000); turn++) {
        codes.add(codeOf(() => assert.match(textOf(store, 'turn'), /^(?:inside)?x*$/)));
        if (turn % 5 === 0) codeOf(() => store.append(at('turn'), bytes('x')));
        if (turn % 7 === 0) codeOf(() => store.stat(at('turn')));
        if (kind.endsWith('descriptor')) codeOf(() => store.chmod(at('turn'), 0o700));
      }
      await swapping.stop();
      assert.deepEqual(snapshot(outside), before);
      assert.ok(codes.has(0) && codes.has(4), [...codes].join());
    });
  });
}

suite('out of a folder held by its descriptor leads', () => {
  test('no removal of a tree in which a folder and a link take turns', async (t) => {
    const { store, folder, outside } = storeIn(t);
    writeFileSync(join(outside, 'file'), 'OUTSIDE');
    const before = snapshot(outside);
    let removed = 0;
    for (let round = 0; round < 5; round++) {
      store.write(at('tree/turn/file'), bytes('inside'));
      for (let index = 0; index < 30; index++) writeFileSync(join(folder, 'tree', `file${index}`), '');
      const swapping = await startSwapping(t, { entry: join(folder, 'tree', 'turn'), target: outside });
      for (let attempt = 0; attempt < 200; attempt++) codeOf(() => store.removeAll(at('tree')));
      await swapping.stop();
      store.removeAll(at('tree'));
      if (listed(store).length === 0) removed += 1;
    }
    assert.deepEqual(snapshot(outside), before);
    assert.equal(removed, 5);
  });

  test('no name of the folder itself once another stands in its place', (t) => {
    const { store, folder, outside } = storeIn(t);
    store.write(at('a'), bytes('inside'));
    execFileSync('mv', [folder, `${folder}-moved`]);
    symlinkSync(outside, folder);
    store.write(at('b'), bytes('inside'));
    assert.deepEqual(readdirSync(outside), []);
    assert.deepEqual(listed(store), ['a', 'b']);
  });
});
