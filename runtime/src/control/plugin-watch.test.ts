import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Scope } from '../../../test/support/scope.ts';
import { temporaryFolder } from '../../../test/support/temporary-folder.ts';
import { until } from '../../../test/support/until.ts';
import { looksBefore } from './plugin-files.ts';
import { PluginWatch } from './plugin-watch.ts';

interface Scene {
  readonly folder: string;
  readonly manifest: string;
  readonly wasm: string;
  readonly told: string[][];
}

/** Two plugins, the module of the second in a folder of its own. */
async function watched(t: Scope, pollMs = 1_000_000): Promise<Scene> {
  const folder = await temporaryFolder(t);
  mkdirSync(join(folder, 'build'));
  const [manifest, wasm] = [join(folder, 'pulp.plugin.toml'), join(folder, 'build', 'plugin.wasm')];
  writeFileSync(manifest, 'a');
  writeFileSync(wasm, 'a');
  const told: string[][] = [];
  const watch = await PluginWatch.start({
    plugins: () => [
      { name: 'one', manifest, wasm: manifest },
      { name: 'two', manifest, wasm },
    ],
    changed: (names) => {
      told.push([...names]);
      return Promise.resolve();
    },
    settleMs: 20,
    pollMs,
  });
  t.after(() => watch[Symbol.dispose]());
  return { folder, manifest, wasm, told };
}

suite('plugin watch: files as they were before they were read', () => {
  test('a change before the watch begins is told', async (t) => {
    const folder = await temporaryFolder(t);
    const manifests = ['same', 'other', 'moved', 'broken'].map((name) => {
      mkdirSync(join(folder, name));
      const manifest = join(folder, name, 'pulp.plugin.toml');
      writeFileSync(manifest, name === 'broken' ? 'wasm =' : `wasm = "${name}.wasm"`);
      for (const module of [`${name}.wasm`, 'plugin.wasm']) writeFileSync(join(folder, name, module), 'a');
      return manifest;
    });
    const before = await looksBefore(manifests);
    writeFileSync(join(folder, 'other', 'other.wasm'), 'bb');
    const told: string[][] = [];
    using watch = await PluginWatch.start({
      before,
      plugins: () =>
        manifests.map((manifest) => {
          const name = basename(dirname(manifest));
          // As the manifest said when the host read it.
          const wasm = join(folder, name, name === 'moved' ? 'plugin.wasm' : `${name}.wasm`);
          return { name, manifest, wasm };
        }),
      changed: async (names) => void told.push([...names]),
      settleMs: 20,
      pollMs: 1_000_000,
    });
    assert.ok(watch);
    await until(() => told.length > 0, 'the change is told');
    assert.deepEqual(told, [['other', 'moved']]);
  });
});

suite('plugin watch', () => {
  test('tells whose files changed, once for several writes', async (t) => {
    const { wasm, manifest, told } = await watched(t);
    for (let n = 0; n < 5; n++) writeFileSync(wasm, 'b'.repeat(n + 2));
    await until(() => told.length > 0, 'the change of the module is told');
    assert.deepEqual(told, [['two']]);
    writeFileSync(manifest, 'bbb');
    await until(() => told.length > 1, 'the change of the manifest is told');
    assert.deepEqual(told[1], ['one', 'two']);
  });

  test('sees a file that takes the place of another', async (t) => {
    const { folder, wasm, told } = await watched(t);
    for (let n = 1; n <= 3; n++) {
      writeFileSync(join(folder, 'next'), 'x'.repeat(n));
      renameSync(join(folder, 'next'), wasm);
      await until(() => told.length === n, `renaming ${n} is told`);
    }
    assert.deepEqual(told, [['two'], ['two'], ['two']]);
  });

  test('other files of the folder do not matter, nor one that is gone', async (t) => {
    const { folder, wasm, told } = await watched(t);
    writeFileSync(join(folder, 'build', 'other'), 'b');
    rmSync(wasm);
    await setTimeout(200);
    assert.deepEqual(told, []);
    writeFileSync(wasm, 'new');
    await until(() => told.length > 0, 'its return is told');
    assert.deepEqual(told, [['two']]);
  });

  test('sees into a folder that was made anew', async (t) => {
    const { folder, wasm, told } = await watched(t, 50);
    rmSync(join(folder, 'build'), { recursive: true });
    await setTimeout(200);
    mkdirSync(join(folder, 'build'));
    writeFileSync(wasm, 'new');
    await until(() => told.length > 0, 'the new file is told');
    writeFileSync(wasm, 'newer');
    await until(() => told.length > 1, 'its change is told');
  });
});
